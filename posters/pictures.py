"""The merchant's logo and photograph -> CMYK pixels a press accepts."""

from __future__ import annotations

import warnings
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from posters.errors import RefusedError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 30 * 2**20
MAX_PIXELS = 40_000_000
MOST_INK = 301.0  # per cent; a JPEG is off by a little
ORIENTATION, LYING = 0x0112, (5, 6, 7, 8)  # Exif 2.32: the picture lies on its side
SKETCH = (64, 64)  # enough to know that a photograph can be read
FAINT = 225  # of 255: lighter than the lightest tint that a press holds
NEAREST_WHITE = 51  # of 255: below it the colours of what is nearly black would be noise
DPI = ((594.0, 150, 300), (1200.0, 100, 200), (float("inf"), 72, 150))
"""Up to which longest side in mm: the least and the most dpi that are worth printing (the trade's figures for sheets,
for A2 and larger, for banners)."""


class Loaded(Struct, frozen=True):
    """A picture that can be read, as its file has it."""

    field: str
    name: str
    data: bytes


def dpi_range(longest_mm: float) -> tuple[int, int]:
    """Return the least and the most dpi for a piece whose longest side is `longest_mm`."""
    return next((least, most) for limit, least, most in DPI if longest_mm < limit)


def load(field: str, value: str, base: Path) -> Loaded:
    """Return the picture; refuse what cannot be printed."""
    path = (base / value).resolve() if not Path(value).is_absolute() else Path(value)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refused(field, path.name, "it is larger than 30 MB")
        loaded = Loaded(field, path.name, path.read_bytes())
    except OSError as error:
        raise _refused(field, path.name, error.strerror or str(error)) from error
    _decoded(loaded, SKETCH if field == "image" else None)
    return loaded


class Decoded(NamedTuple):
    """A picture upright, without alpha, in RGB or in CMYK that a press can dry, and its file's size in pixels."""

    picture: Image
    width: int
    height: int


@lru_cache(maxsize=1)
def _decoded(loaded: Loaded, need: tuple[int, int] | None = None) -> Decoded:
    """Return the picture; a JPEG much larger than what is needed is unpacked at a half, a quarter or an eighth."""
    from PIL import Image as Pictures
    from PIL import ImageOps

    field, name = loaded.field, loaded.name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pictures.DecompressionBombWarning)
            picture = Pictures.open(BytesIO(loaded.data))
            if getattr(picture, "is_animated", False):
                raise _refused(field, name, "it is animated")
            size = picture.size
            if size[0] * size[1] > MAX_PIXELS:
                raise _refused(field, name, "it has more than 40 million pixels")
            turned = picture.getexif().get(ORIENTATION, 1) in LYING
            if need:
                picture.draft(picture.mode, need[::-1] if turned else need)
            ImageOps.exif_transpose(picture, in_place=True)
            picture.load()
            upright = picture if picture.mode == "CMYK" else _flat(picture)
    except RefusedError:
        raise
    except (OSError, ValueError, SyntaxError, Warning, Pictures.DecompressionBombError) as error:
        raise _refused(field, name, "it is not a PNG or JPEG that can be read") from error
    if upright.mode == "CMYK" and _most_ink(upright) > MOST_INK:
        if field == "partner_mark":  # not ours to change
            raise _refused(field, name, "it carries more than 300 % ink")
        upright = upright.convert("RGB")
    return Decoded(upright, *(size[::-1] if turned else size))


def _flat(picture: Image) -> Image:
    """Return the picture in RGB, on white where one looks through it."""
    from PIL import Image as Pictures

    if picture.mode.startswith("I"):  # grey of 16 bits, which Pillow cuts off at 255 instead of scaling it
        picture = picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if picture.mode in ("RGB", "L", "CMYK"):
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    rgba = picture.convert("RGBA")
    white = Pictures.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Pictures.alpha_composite(white, rgba).convert("RGB")


def _most_ink(picture: Image) -> float:
    """Return the most ink of any pixel, in per cent."""
    from PIL import ImageChops

    c, m, y, k = picture.split()
    quarter = ImageChops.add(ImageChops.add(c, m, 2), ImageChops.add(y, k, 2), 2)
    high = quarter.getextrema()[1]
    assert isinstance(high, (int, float))
    return high / 255 * 400


def cmyk(picture: Image) -> Image:
    """Return the picture in CMYK.

    The grey of a colour goes into K, and what is left of each colour is taken as a share of the light that K leaves:
    without that division photographs come out dull. One of C, M, Y is always 0, so that ink stays within 300 %.
    """
    from PIL import Image as Pictures
    from PIL import ImageChops, ImageMath

    if picture.mode == "CMYK":
        return picture
    inverse = ImageChops.invert(_flat(picture)).split()
    k = ImageChops.darker(ImageChops.darker(inverse[0], inverse[1]), inverse[2])

    def share(a: dict[str, Any]) -> Any:
        return a["convert"]((a["i"] - a["k"]) * 255 / a["max"](255 - a["k"], NEAREST_WHITE), "L")

    plates = [ImageMath.lambda_eval(share, i=plate, k=k) for plate in inverse]
    return Pictures.merge("CMYK", (*plates, k))


def unseen(loaded: Loaded) -> bool:
    """Say whether nothing of a mark would be seen on white."""
    low = _flat(_decoded(loaded).picture).convert("L").getextrema()[0]
    assert isinstance(low, (int, float))
    return low > FAINT


@lru_cache(maxsize=8)
def at_size(loaded: Loaded, box: tuple[float, float], fit: str, most: int) -> tuple[bytes, int]:
    """Return the picture as a CMYK JPEG with no more than `most` dpi in a box of mm, and its dpi there."""
    from PIL import Image as Pictures

    need = (round(box[0] / 25.4 * most), round(box[1] / 25.4 * most))
    picture, width, height = _decoded(loaded, need)
    scales = (width / box[0], height / box[1])
    dpi = 25.4 * (max(scales) if fit == "contain" else min(scales))
    if dpi > most * 1.1:
        share = most / dpi
        size = (max(1, round(width * share)), max(1, round(height * share)))
        picture, dpi = picture.resize(size, Pictures.Resampling.LANCZOS), most
    out = BytesIO()
    cmyk(picture).save(out, "JPEG", quality=92, subsampling=0)
    return out.getvalue(), round(dpi)


def _refused(field: str, name: str, why: str) -> RefusedError:
    return RefusedError(
        "picture", field, "{field}: {file} cannot be printed: {why}", field=field, file=name, why=why
    )
