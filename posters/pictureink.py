"""How much ink the pictures on a page carry: their pixels are looked at, as a shop's meter would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import pikepdf
    from PIL.Image import Image

    from posters.inks import Paint

SPOT = 4  # pixels: a meter averages over a spot, and JPEG rings by some per cent from one pixel to the next


class PictureInk(msgspec.Struct, frozen=True):
    """The most ink of any picture in per cent, and how many could not be decoded."""

    peak: float = 0.0
    unread: int = 0


def measure(painted: list[Paint]) -> PictureInk:
    """Return the ink of the CMYK pictures among the paints; each stream is decoded once."""
    streams = {
        p.picture.objgen: p.picture for p in painted if p.ink.space == "cmyk" and p.picture is not None
    }
    found = [_peak(stream) for stream in streams.values()]
    return PictureInk(max((ink for ink in found if ink is not None), default=0.0), found.count(None))


def _peak(stream: pikepdf.Stream) -> float | None:
    """Return the most ink of one picture, None when it cannot be decoded."""
    import pikepdf
    from pikepdf.models import image as kinds

    try:
        picture = pikepdf.PdfImage(stream).as_pil_image()
        if picture.mode != "CMYK":
            return None
        return most_ink(picture)
    except (
        kinds.UnsupportedImageTypeError,
        kinds.InvalidPdfImageError,
        kinds.NotExtractableError,
        kinds.ImageDecompressionError,
        pikepdf.PdfError,
        NotImplementedError,
        OSError,
        ValueError,
    ):
        return None


def most_ink(picture: Image) -> float:
    """Return the most ink of any spot of a CMYK picture, in per cent."""
    from PIL import ImageChops

    c, m, y, k = picture.reduce(SPOT).split()
    quarter = ImageChops.add(ImageChops.add(c, m, 2), ImageChops.add(y, k, 2), 2)
    high = quarter.getextrema()[1]
    assert isinstance(high, (int, float))
    return high / 255 * 400
