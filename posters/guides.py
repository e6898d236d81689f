"""The preview for people who place things: the bleed with its edge, the line of the cut, the area that stays safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posters import raster
from posters.finish import Boxes
from posters.units import pt

if TYPE_CHECKING:
    from PIL.Image import Image

BLEED, TRIM, SAFE = (0, 120, 220), (220, 0, 160), (0, 150, 70)
DASH = 6  # pixels


def guided(pdf: bytes, boxes: list[Boxes], safe: float, dpi: float) -> list[Image]:
    """Return a picture of each page, cut to its bleed, with the lines drawn; `safe` in mm."""
    edge = boxes[0]
    margins = (edge.trim[0] - edge.bleed, edge.trim[1] - edge.bleed)
    crop = (pt(margins[0]), pt(margins[1]), pt(margins[0]), pt(margins[1]))
    return [
        _lined(image, box, safe, dpi / 25.4)
        for image, box in zip(raster.pages(pdf, dpi, crop), boxes, strict=True)
    ]


def _lined(image: Image, box: Boxes, safe: float, px: float) -> Image:
    from PIL import ImageDraw

    pen = ImageDraw.Draw(image)
    for inset, color, dashed in (
        (0.0, BLEED, False),
        (box.bleed, TRIM, False),
        (box.bleed + safe, SAFE, True),
    ):
        left = round(inset * px)
        right, bottom = image.width - 1 - left, image.height - 1 - left
        if not dashed:
            pen.rectangle((left, left, right, bottom), outline=color)
            continue
        for start in range(left, right, 2 * DASH):
            for y in (left, bottom):
                pen.line((start, y, min(start + DASH, right), y), fill=color)
        for start in range(left, bottom, 2 * DASH):
            for x in (left, right):
                pen.line((x, start, x, min(start + DASH, bottom)), fill=color)
    return image
