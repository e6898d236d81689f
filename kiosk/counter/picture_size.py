"""How large a picture is in dots, read from its first bytes: a file of 30 KB may unpack to gigabytes in the browser.

PNG: W3C PNG, 11.2.1. JPEG: ITU-T T.81, B.2.2. WebP: RFC 9649, 2.5 to 2.7.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

SKIPPED = frozenset((0xC4, 0xC8, 0xCC))
"""Among the markers C0 to CF these begin tables, no frame (T.81, table B.1)."""


def dots(path: Path) -> int:
    """Return width times height; 0 where it cannot be told: a clip, or no picture. OSError when it cannot be read."""
    with path.open("rb") as file:
        head = file.read(30)
        if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
            width, height = struct.unpack(">II", head[16:24])
        elif head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) == 30:
            width, height = _webp(head)
        elif head[:2] == b"\xff\xd8":
            width, height = _jpeg(file)
        else:
            return 0
    return int(width) * int(height)


def _webp(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", head[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(file: BinaryIO) -> tuple[int, int]:
    """Go from segment to segment until the frame's header."""
    file.seek(2)
    while len(head := file.read(9)) == 9 and head[0] == 0xFF:
        if 0xC0 <= head[1] <= 0xCF and head[1] not in SKIPPED:
            height, width = struct.unpack(">HH", head[5:9])
            return width, height
        file.seek(int.from_bytes(head[2:4], "big") - 7, 1)
    return 0, 0
