"""Finished PDF -> pixels, through pdfium."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from PIL.Image import Image

ROW = 4  # pictures side by side
MAX_PIXELS = 80_000_000  # a 800 x 1800 mm stand at 150 dpi has 50 million

Crop = tuple[float, float, float, float]  # points cut from left, bottom, right, top


def pages(pdf: bytes, dpi: float, crop: Crop = (0, 0, 0, 0), *, grey: bool = False) -> list[Image]:
    """Render every page; raises ValueError when the bytes are no PDF."""
    return [image for image, _ in each(pdf, lambda *_: dpi, crop, grey=grey)]


def each(
    pdf: bytes, dpi: Callable[[float, float], float], crop: Crop = (0, 0, 0, 0), *, grey: bool = False
) -> Iterator[tuple[Image, float]]:
    """Yield every page with its resolution, one in memory at a time; `dpi` chooses by width and height in points."""
    pdfium: Any = import_module("pypdfium2")
    try:
        document = pdfium.PdfDocument(pdf)
    except pdfium.PdfiumError as error:
        raise ValueError(str(error)) from error
    try:
        for n in range(len(document)):
            page = document[n]
            used = dpi(page.get_width(), page.get_height())
            yield _page(page, used, crop, grey), used
    finally:
        document.close()


def trimmed(pdf: bytes, dpi: float) -> list[Image]:
    """Render every page, cut to its trim box."""
    pdfium: Any = import_module("pypdfium2")
    document = pdfium.PdfDocument(pdf)
    try:
        shots = []
        for n in range(len(document)):
            page = document[n]
            width, height = page.get_size()
            left, bottom, right, top = page.get_trimbox()
            shots.append(_page(page, dpi, (left, bottom, width - right, height - top), False))
        return shots
    finally:
        document.close()


def _page(page: Any, dpi: float, crop: Crop, grey: bool) -> Image:
    try:
        if page.get_width() * page.get_height() * (dpi / 72) ** 2 > MAX_PIXELS:
            raise ValueError("a page is too large to be looked at")
        bitmap = page.render(scale=dpi / 72, crop=crop, grayscale=grey)
        image = cast("Image", bitmap.to_pil()).convert("L" if grey else "RGB")
        bitmap.close()
        return image
    finally:
        page.close()


GROUND = (226, 226, 226)  # what previews lie on


def rounded(image: Image) -> Image:
    """Return the picture of a round face as it is cut: nothing shows outside its circle."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    mask = Pictures.new("L", (2 * image.width, 2 * image.height), 0)
    ImageDraw.Draw(mask).ellipse((0, 0, 2 * image.width, 2 * image.height), fill=255)
    ground = Pictures.new("RGB", image.size, GROUND)
    return Pictures.composite(image.convert("RGB"), ground, mask.resize(image.size))


def contact(images: Sequence[Image], gap: int = 24) -> Image:
    """Put the faces side by side on grey, many of them in rows."""
    from PIL import Image as Pictures

    columns = len(images) if len(images) <= ROW else math.ceil(math.sqrt(len(images)))
    rows = [images[n : n + columns] for n in range(0, len(images), columns)]
    width = max(sum(image.width + gap for image in row) for row in rows) + gap
    heights = [max(image.height for image in row) + gap for row in rows]
    sheet = Pictures.new("RGB", (width, sum(heights) + gap), GROUND)
    top = gap
    for row, height in zip(rows, heights, strict=True):
        left = gap
        for image in row:
            sheet.paste(image, (left, top))
            left += image.width + gap
        top += height
    return sheet


def png(image: Image, dpi: float) -> bytes:
    """Return the picture as PNG (ISO/IEC 15948), 8-bit RGB.

    Rows go in without a filter: art of flat colours packs as small as with the five filters tried on each row, in
    half the time, and packing is most of what a preview costs.
    """
    rgb = image.convert("RGB")
    raw, stride = rgb.tobytes(), 3 * rgb.width
    rows = b"".join(b"\0" + raw[n : n + stride] for n in range(0, len(raw), stride))
    per_metre = round(dpi / 0.0254)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", rgb.width, rgb.height, 8, 2, 0, 0, 0))
        + _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))
        + _chunk(b"IDAT", zlib.compress(rows, 1))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
