"""Large inkjet prints: big black areas in four inks, and the picture as CMYK pixels, a plate at a time.

Plain K over a large area shows bands on an inkjet; C50 M50 Y50 K100 does not. The code stays in K alone.
Each plate is drawn in grey by itself, so that the inks in the file are exactly those of the template.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from msgspec import structs

from posters import raster
from posters.faces import Faces
from posters.ops import Draft, Op, Page, Shape
from posters.outlines import area_mm2
from posters.render import Sheet, render

if TYPE_CHECKING:
    from PIL.Image import Image

RICH_BLACK = (0.5, 0.5, 0.5, 1.0)
LARGE_MM2 = 10_000.0  # 100 square centimetres
FINE_DPI, COARSE_DPI = 150, 100
COARSE_FROM_MM = 600.0  # seen from further away


def widened(draft: Draft) -> Draft:
    """Return the draft with large areas of plain black in four inks."""
    return structs.replace(draft, pages=[Page([_widened(op) for op in page.ops]) for page in draft.pages])


def _widened(op: Op) -> Op:
    plain = isinstance(op, Shape) and op.fill == (0, 0, 0, 1)
    if plain and isinstance(op, Shape) and area_mm2(op.outline) >= LARGE_MM2:
        return structs.replace(op, fill=RICH_BLACK)
    return op


def dpi(sheet: Sheet) -> int:
    """Return the resolution for a sheet of this size."""
    return FINE_DPI if max(sheet.media) < COARSE_FROM_MM else COARSE_DPI


def pages(
    draft: Draft, sheet: Sheet, faces: Faces, weight: int, pictures: Mapping[str, bytes]
) -> list[Image]:
    """Return a CMYK picture a face."""
    from PIL import Image as Pictures
    from PIL import ImageChops

    plates = []
    for plate in range(4):
        grey = {name: _plate(data, plate) for name, data in pictures.items()}
        raw = render(draft, structs.replace(sheet, plate=plate), faces, weight, grey)
        plates.append([ImageChops.invert(image) for image in raster.pages(raw, dpi(sheet), grey=True)])
    return [Pictures.merge("CMYK", four) for four in zip(*plates, strict=True)]


def _plate(data: bytes, plate: int) -> bytes:
    """Return one plate of a CMYK picture as grey, paper white."""
    from PIL import Image as Pictures
    from PIL import ImageChops

    with Pictures.open(BytesIO(data)) as picture:
        out = BytesIO()
        ImageChops.invert(picture.convert("CMYK").split()[plate]).save(out, "PNG")
        return out.getvalue()


def tiff(image: Image, resolution: int) -> bytes:
    """Return an uncompressed CMYK TIFF, as shops for large prints ask for it."""
    out = BytesIO()
    image.save(out, "TIFF", compression=None, dpi=(resolution, resolution))
    return out.getvalue()
