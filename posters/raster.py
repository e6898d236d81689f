"""Finished PDF -> pixels, through pdfium."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 80_000_000  # a 800 x 1800 mm stand at 150 dpi has 50 million

Crop = tuple[float, float, float, float]  # points cut from left, bottom, right, top


def pages(pdf: bytes, dpi: float, crop: Crop = (0, 0, 0, 0), *, grey: bool = False) -> list[Image]:
    """Render every page; raises ValueError when the bytes are no PDF."""
    pdfium: Any = import_module("pypdfium2")
    try:
        document = pdfium.PdfDocument(pdf)
    except pdfium.PdfiumError as error:
        raise ValueError(str(error)) from error
    try:
        return [_page(document[n], dpi, crop, grey) for n in range(len(document))]
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


def contact(images: Sequence[Image], gap: int = 24) -> Image:
    """Put the faces side by side on grey."""
    from PIL import Image as Pictures

    width = sum(image.width for image in images) + gap * (len(images) + 1)
    height = max(image.height for image in images) + 2 * gap
    sheet = Pictures.new("RGB", (width, height), (226, 226, 226))
    left = gap
    for image in images:
        sheet.paste(image, (left, gap))
        left += image.width + gap
    return sheet


def png(image: Image, dpi: float) -> bytes:
    """Return the picture as PNG."""
    out = BytesIO()
    image.save(out, "PNG", dpi=(dpi, dpi))
    return out.getvalue()
