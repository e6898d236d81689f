"""Stored pictures (a shop's logo): files of a directory, by name, as dots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from kiosk.printing.slip import Logo, Slip

MOST_ROWS = 480
"""6 cm: more is a poster, not a logo."""
MOST_PIXELS = 4_000_000
THRESHOLD = 128


class Picture(Struct, frozen=True):
    """A 1-bit picture: rows of packed dots, 1 is black."""

    width: int
    rows: tuple[bytes, ...]


Pictures = Mapping[str, Picture | str]
"""By name: the picture, or one sentence that says why it cannot be used."""


def picture_of(name: str, pictures: Pictures) -> Picture | str:
    """Return a picture, or why there is none."""
    return pictures.get(name, f"logo {name!r}: no picture of that name is stored; it is left out.")


def load_pictures(slip: Slip, directory: Path | None, width_dots: int) -> dict[str, Picture | str]:
    """Read the pictures that a slip names (`NAME.png`), scaled down to the paper. A picture that fails is a sentence."""
    names = {e.name for e in slip.elements if isinstance(e, Logo)}
    return {name: _load(name, directory, width_dots) for name in sorted(names)}


def _load(name: str, directory: Path | None, width_dots: int) -> Picture | str:
    if directory is None:
        return f"logo {name!r}: no directory of pictures is known here; it is left out."
    path = directory / f"{name}.png"
    try:
        return _dots(path, width_dots)
    except FileNotFoundError:
        return f"logo {name!r}: there is no {path}; put a black-and-white PNG there. It is left out."
    except (OSError, ValueError, SyntaxError) as err:  # Pillow reports a broken PNG by any of them
        return f"logo {name!r}: {path} cannot be used ({err}); save it anew as PNG. It is left out."


def _dots(path: Path, width_dots: int) -> Picture:
    from PIL import Image

    with open(path, "rb") as file:
        head = file.read(
            24
        )  # signature, then width and height of IHDR: looked at before anything is unpacked
    wide, high = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if wide * high > MOST_PIXELS:
        raise ValueError(f"{wide} x {high} pixels are more than {MOST_PIXELS}")
    with Image.open(path, formats=("PNG",)) as opened:
        rgba = opened.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    grey = Image.alpha_composite(white, rgba).convert("L")
    scale = min(1.0, width_dots / grey.width, MOST_ROWS / grey.height)
    if scale < 1:
        size = max(1, int(grey.width * scale)), max(1, int(grey.height * scale))
        grey = grey.resize(size, Image.Resampling.LANCZOS)
    one = grey.point(lambda v: 255 if v < THRESHOLD else 0).convert(
        "1"
    )  # a logo is never dithered: dots would clog
    raw, step = one.tobytes(), (one.width + 7) // 8
    return Picture(one.width, tuple(raw[i : i + step] for i in range(0, len(raw), step)))
