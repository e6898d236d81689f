"""How many modules a QR code takes, without drawing it: a printer draws its own."""

from __future__ import annotations

import re

QUIET = 4
"""Modules of quiet zone on each side (ISO/IEC 18004)."""

# Data codewords of versions 1 to 40 at each level: ISO/IEC 18004, table 7.
CODEWORDS = {
    "L": "19 34 55 80 108 136 156 194 232 274 324 370 428 461 523 589 647 721 795 861 932 1006 1094 1174 1276 1370 1468 1531 1631 1735 "
    "1843 1955 2071 2191 2306 2434 2566 2702 2812 2956",
    "M": "16 28 44 64 86 108 124 154 182 216 254 290 334 365 415 453 507 563 627 669 714 782 860 914 1000 1062 1128 1193 1267 1373 1455 "
    "1541 1631 1725 1812 1914 1992 2102 2216 2334",
    "Q": "13 22 34 48 62 76 88 110 132 154 180 206 244 261 295 325 367 397 445 485 512 568 614 664 718 754 808 871 911 985 1033 1115 "
    "1171 1231 1286 1354 1426 1502 1582 1666",
    "H": "9 16 26 36 46 60 66 86 100 122 140 158 180 197 223 253 283 313 341 385 406 442 464 514 538 596 628 661 701 745 793 845 901 "
    "961 986 1054 1096 1142 1222 1276",
}
BITS = {level: tuple(8 * int(n) for n in row.split()) for level, row in CODEWORDS.items()}
_ALPHANUMERIC = re.compile(r"[0-9A-Z $%*+\-./:]+")


def side(data: str, level: str) -> int:
    """Return the modules of a side in the smallest version, all characters in one mode; ValueError when none holds it."""
    if data.isascii() and data.isdigit():
        bits, count = (10 * len(data) + 2) // 3, (10, 12, 14)
    elif _ALPHANUMERIC.fullmatch(data):
        bits, count = (11 * len(data) + 1) // 2, (9, 11, 13)
    else:
        bits, count = 8 * len(data.encode("utf-8", "replace")), (8, 16, 16)
    for version, room in enumerate(BITS[level], 1):
        if 4 + count[(version > 9) + (version > 26)] + bits <= room:
            return 17 + 4 * version
    raise ValueError(f"{len(data)} characters are more than a QR code of level {level} holds")
