"""The process that opens pictures from outside: a letter, a length and a picture in, a length and JSON out, until its input ends.

`c` asks for the codes on it, `l` for the picture as a logo.

A picture comes from outside, and its decoders are native code: what they do to a process, they do to this one.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import resource
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

KINDS = ("JPEG", "PNG", "WEBP")
MOST_DOTS = 50_000_000
"""A telephone's whole picture; the page sends at most 1280 dots an edge."""
EDGE = 1600
"""Enough for a slip's code at an arm's length; more only takes time."""
LOGO_DOTS = 16_000_000
"""A logo keeps its colours and its transparency: four bytes a dot."""
LEAST, LOGO = 120, 512
"""Dots an edge of a logo: below the one it is a smear on paper, above the other no page shows more."""
HEAD, SIZE = struct.Struct(">cI"), struct.Struct(">I")
MEMORY = 1 << 30
"""Address space in bytes: libraries and a picture of `MOST_DOTS`."""


class Unfit(Exception):
    """Why a picture cannot be used, in one word."""


def _open(raw: bytes, mode: str, most: int, edge: int) -> Image.Image:
    """Return a picture in a mode of Pillow, of at most `edge` dots an edge; no other decoder than those of `KINDS` sees it."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(raw), formats=KINDS) as image:
            image.draft("L" if mode == "L" else "RGB", (edge, edge))
            if image.width * image.height > most:
                raise Unfit("large")
            if min(image.size) < LEAST and mode != "L":
                raise Unfit("small")
            if image.mode in (
                "L",
                "LA",
                "RGB",
                "RGBA",
            ):  # others are only made smaller well once they are converted
                image.thumbnail((edge, edge))
            small = image.convert(mode)
            small.thumbnail((edge, edge))
            return small
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        MemoryError,
        Image.DecompressionBombError,
    ):
        raise Unfit("picture") from None


def read(raw: bytes) -> dict[str, Any]:
    """Return the texts of the codes on a picture, QR codes and the larger first."""
    import zxingcpp

    grey = _open(raw, "L", MOST_DOTS, EDGE)
    kinds = zxingcpp.barcode_formats_from_str("QRCode|Code128")
    found = [c for c in zxingcpp.read_barcodes(grey, formats=kinds) if c.valid and c.text]
    found.sort(key=lambda c: (c.format != zxingcpp.BarcodeFormat.QRCode, -_width(c)))
    return {"texts": [c.text for c in found]}


def logo(raw: bytes) -> dict[str, Any]:
    """Return a picture as a PNG of at most `LOGO` dots an edge, without anything else that its file held."""
    image = _open(raw, "RGBA", LOGO_DOTS, LOGO)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return {"png": base64.b64encode(out.getvalue()).decode()}


def _width(code: Any) -> int:
    place = code.position
    return int(abs(place.bottom_right.x - place.top_left.x) + abs(place.bottom_right.y - place.top_left.y))


def main() -> None:
    """Serve until the other side hangs up."""
    with contextlib.suppress(OSError, ValueError):  # a service that may set no limits has its own
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with contextlib.suppress(OSError):  # where memory is short, this process goes before the kiosk
        Path("/proc/self/oom_score_adj").write_text("500")
    source = sys.stdin.buffer
    while head := source.read(HEAD.size):
        what, size = HEAD.unpack(head)
        raw = source.read(size)
        try:
            answer = (logo if what == b"l" else read)(raw)
        except Unfit as err:
            answer = {"problem": str(err)}
        told = json.dumps(answer).encode()
        sys.stdout.buffer.write(SIZE.pack(len(told)) + told)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
