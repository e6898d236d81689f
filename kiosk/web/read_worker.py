"""The process that reads codes from pictures: a length and a picture in, a line of JSON out, until its input ends.

A picture comes from outside, and its decoders are native code: what they do to a process, they do to this one.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import sys
from typing import Any

KINDS = ("JPEG", "PNG", "WEBP")
MOST_DOTS = 50_000_000
"""A telephone's whole picture; the page sends at most 1280 dots an edge."""
EDGE = 1600
"""Enough for a slip's code at an arm's length; more only takes time."""
MEMORY = 1 << 30
"""Address space in bytes: libraries and a picture of `MOST_DOTS`."""


def read(raw: bytes) -> dict[str, Any]:
    """Return the texts of the codes on a picture, QR codes and the larger first; `problem` when it is no picture."""
    import zxingcpp
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(raw), formats=KINDS) as image:
            if image.width * image.height > MOST_DOTS:
                return {"texts": [], "problem": "large"}
            image.draft("L", (EDGE, EDGE))
            grey = image.convert("L")
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        MemoryError,
        Image.DecompressionBombError,
    ):
        return {"texts": [], "problem": "picture"}
    grey.thumbnail((EDGE, EDGE))
    kinds = zxingcpp.barcode_formats_from_str("QRCode|Code128")
    found = [c for c in zxingcpp.read_barcodes(grey, formats=kinds) if c.valid and c.text]
    found.sort(key=lambda c: (c.format != zxingcpp.BarcodeFormat.QRCode, -_width(c)))
    return {"texts": [c.text for c in found], "problem": ""}


def _width(code: Any) -> int:
    place = code.position
    return int(abs(place.bottom_right.x - place.top_left.x) + abs(place.bottom_right.y - place.top_left.y))


def main() -> None:
    """Serve until the other side hangs up."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    source = sys.stdin.buffer
    while head := source.read(4):
        (size,) = struct.unpack(">I", head)
        print(json.dumps(read(source.read(size))), flush=True)


if __name__ == "__main__":
    main()
