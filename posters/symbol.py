"""URL -> QR symbol: level, version, modules and the rectangles that draw them."""

from __future__ import annotations

import math
from functools import lru_cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from posters.errors import RefusedError

LEVEL = "Q"  # survives glare and dirt on acrylic far better than M; H buys nothing for an unadorned code
URL_BUDGET = 32  # bytes: the most that always stays version 3 (29 modules) at level Q
BUDGET_VERSION = 3
TILT_VERSION = 11  # a denser code cannot be read from 35 degrees, at any size (zxing-cpp 3.1, measured)
URL_LIMIT = 480  # bytes: what a version 17 code holds; denser ones no shop can print
QUIET_MODULES = 4
LOGO_SHARE = (
    0.06  # of the symbol's area at level Q; 12 % still reads in good light and leaves nothing for dirt
)
LOGO_MARGIN = 0.5  # modules of white round the logo
FLOOR_MM = 0.40  # GS1 point of sale
PIXELS_PER_MODULE_METRES = (
    0.335  # metres of reading distance per mm of module: 3 px a module, 720p preview, 65 degree lens
)

Rect = tuple[int, int, int, int]


class Symbol(Struct, frozen=True):
    """A QR code as modules; rows[y][x] is true where it is dark."""

    payload: str
    level: str
    version: int
    rows: tuple[tuple[bool, ...], ...]

    @property
    def modules(self) -> int:
        """Return the number of modules on a side, without the quiet zone."""
        return len(self.rows)


@lru_cache(maxsize=256)
def encode(payload: str) -> Symbol:
    """Encode the payload at level Q in the smallest version."""
    zxing: Any = import_module("zxingcpp")
    barcode = zxing.create_barcode(payload, zxing.BarcodeFormat.QRCode, ec_level=LEVEL)
    pixels: Any = memoryview(barcode.to_image(scale=1, add_quiet_zones=False)).tolist()
    rows = tuple(tuple(value == 0 for value in row) for row in pixels)
    return Symbol(payload, LEVEL, (len(rows) - 17) // 4, rows)


def hole_modules(symbol: Symbol) -> int:
    """Return the side of the square that a logo may take, an odd number of modules."""
    side = int(symbol.modules * math.sqrt(LOGO_SHARE))
    return side if side % 2 else side - 1


def merged(symbol: Symbol, hole: int = 0) -> list[Rect]:
    """Return maximal rectangles (x, y, width, height) that cover the dark modules exactly once, but for a hole.

    One rectangle a module shows hairlines on Ghostscript RIPs (6-24 % lighter pixels at 97-300 dpi).
    """
    done: list[Rect] = []
    growing: dict[tuple[int, int], Rect] = {}
    low = (symbol.modules - hole) // 2
    for y, full in enumerate(symbol.rows):
        row = full
        if low <= y < low + hole:
            row = (*full[:low], *[False] * hole, *full[low + hole :])
        runs = _runs(row)
        kept = {}
        for run in runs:
            x, _, w, h = growing.pop(run, (run[0], y, run[1], 0))
            top = y - h
            kept[run] = (x, top, w, h + 1)
        done.extend(growing.values())
        growing = kept
    done.extend(growing.values())
    return sorted(done, key=lambda rect: (rect[1], rect[0]))


def _runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Return (start, length) of each run of dark modules."""
    runs: list[tuple[int, int]] = []
    start = -1
    for x, dark in enumerate((*row, False)):
        if dark and start < 0:
            start = x
        elif not dark and start >= 0:
            runs.append((start, x - start))
            start = -1
    return runs


def checked_url(url: str) -> str:
    """Return the URL if a phone would open it; refuse it otherwise."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    plain = url.isascii() and url.isprintable() and not any(c in ' "<>\\^`{|}' for c in url)
    good_host = bool(host) and all(label for label in str(host).rstrip(".").split("."))
    if parts.scheme not in ("http", "https") or not good_host or not plain or port == 0:
        raise RefusedError(
            "url", "url", "url is not a web address a phone can open: {url}; write https://…", url=url[:80]
        )
    if not url.startswith(("http://", "https://")):
        # Some Pixel and several Chinese phones mishandle an upper-case scheme.
        raise RefusedError(
            "url", "url", "the scheme of {url} must be lower case: write https://…", url=url[:80]
        )
    if len(url) > URL_LIMIT:
        raise RefusedError(
            "url",
            "url",
            "url has {length} bytes; a printed code holds at most {limit}: shorten the path",
            length=len(url),
            limit=URL_LIMIT,
        )
    return url
