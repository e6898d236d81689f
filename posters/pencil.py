"""What one shown string is: its codes, how wide they run, whether one of them is the box for a missing character."""

from __future__ import annotations

from typing import NamedTuple

import pikepdf
from pikepdf import Dictionary, Name, Object

HALF_EM = 0.5  # a guess for fonts that do not say their widths


class Shown(NamedTuple):
    """The width of a string in em and whether it shows the crossed box of a missing character."""

    width: float
    box: bool


def shown(font: Object | None, operand: Object) -> Shown:
    """Return what a string operand of Tj or TJ shows in a font."""
    parts = list(operand) if isinstance(operand, pikepdf.Array) else [operand]
    width, box = 0.0, False
    for part in parts:
        if isinstance(part, pikepdf.String):
            codes = _codes(font, bytes(part))
            width += sum(_width(font, code) for code in codes)
            box = box or 0 in codes
        else:
            width -= float(part) / 1000
    return Shown(width, box)


def _composite(font: Object | None) -> bool:
    return font is not None and font.get("/Subtype") == Name.Type0


def _codes(font: Object | None, raw: bytes) -> list[int]:
    if _composite(font):
        return [int.from_bytes(raw[n : n + 2], "big") for n in range(0, len(raw) - 1, 2)]
    return list(raw)


def _width(font: Object | None, code: int) -> float:
    if font is None:
        return HALF_EM
    if _composite(font):
        return float(font.DescendantFonts[0].get("/DW", 1000)) / 1000
    widths = font.get("/Widths")
    place = code - int(font.get("/FirstChar", 0))
    if widths is None or not 0 <= place < len(widths):
        return HALF_EM
    return float(widths[place]) / 1000


def font_of(resources: Object, name: str) -> Object | None:
    """Return a font by its name in the resources."""
    return resources.get("/Font", Dictionary()).get(name)
