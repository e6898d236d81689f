"""The merchant's logo and photograph -> CMYK pixels a press accepts."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from posters.errors import RefusedError

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 30 * 2**20
MAX_PIXELS = 40_000_000
MOST_DPI = 300
MOST_INK = 301.0  # per cent; a JPEG is off by a little
LEAST_DPI = 150


def load(field: str, value: str, base: Path) -> bytes:
    """Return the picture as a CMYK JPEG without alpha, upright; refuse what cannot be printed."""
    path = (base / value).resolve() if not Path(value).is_absolute() else Path(value)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refused(field, path, "it is larger than 30 MB")
        data = path.read_bytes()
    except OSError as error:
        raise _refused(field, path, error.strerror or str(error)) from error
    return _convert(field, path, data)


def _convert(field: str, path: Path, data: bytes) -> bytes:
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(data))
            if getattr(picture, "is_animated", False):
                raise _refused(field, path, "it is animated")
            if picture.width * picture.height > MAX_PIXELS:
                raise _refused(field, path, "it has more than 40 million pixels")
            upright = ImageOps.exif_transpose(picture)
            upright.load()
    except RefusedError:
        raise
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
        raise _refused(field, path, "it is not a PNG or JPEG that can be read") from error
    if upright.mode == "CMYK" and _most_ink(upright) > MOST_INK:
        if field == "partner_mark":  # not ours to change
            raise _refused(field, path, "it carries more than 300 % ink")
        upright = upright.convert("RGB")
    out = BytesIO()
    cmyk(upright).save(out, "JPEG", quality=92, subsampling=0)
    return out.getvalue()


def _most_ink(picture: Image.Image) -> float:
    """Return the most ink of any pixel, in per cent."""
    from PIL import ImageChops

    c, m, y, k = picture.split()
    quarter = ImageChops.add(ImageChops.add(c, m, 2), ImageChops.add(y, k, 2), 2)
    high = quarter.getextrema()[1]
    assert isinstance(high, (int, float))
    return high / 255 * 400


def cmyk(picture: Image.Image) -> Image.Image:
    """Return the picture in CMYK; grey is taken out of the colours into K, so that ink stays below 300 %."""
    from PIL import Image as Pictures
    from PIL import ImageChops

    if picture.mode == "CMYK":
        return picture
    rgba = picture.convert("RGBA")
    white = Pictures.new("RGBA", rgba.size, (255, 255, 255, 255))
    inverse = ImageChops.invert(Pictures.alpha_composite(white, rgba).convert("RGB"))
    c, m, y = inverse.split()
    k = ImageChops.darker(ImageChops.darker(c, m), y)
    plates = [ImageChops.subtract(plate, k) for plate in (c, m, y)]
    return Pictures.merge("CMYK", (*plates, k))


def at_size(data: bytes, box: tuple[float, float], fit: str) -> tuple[bytes, int]:
    """Return the picture with no more pixels than a press can use in a box of mm, and its dpi there."""
    from PIL import Image as Pictures

    with Pictures.open(BytesIO(data)) as picture:
        scales = (picture.width / box[0], picture.height / box[1])
        dpi = 25.4 * (max(scales) if fit == "contain" else min(scales))
        if dpi <= MOST_DPI * 1.1:
            return data, round(dpi)
        share = MOST_DPI / dpi
        size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
        out = BytesIO()
        picture.resize(size, Pictures.Resampling.LANCZOS).save(out, "JPEG", quality=92, subsampling=0)
        return out.getvalue(), MOST_DPI


def _refused(field: str, path: Path, why: str) -> RefusedError:
    return RefusedError(
        "picture", field, "{field}: {file} cannot be printed: {why}", field=field, file=path.name, why=why
    )
