"""Type as paths (转曲): what a shop gets that has no trust in fonts. One filled shape a line and colour."""

from __future__ import annotations

import math
import re
from typing import Any

from msgspec import structs

from posters import geometry as geo
from posters.faces import Faces
from posters.ops import Cmyk, Draft, Op, Page, Shape, Words
from posters.units import PT_PER_MM


def outlined(draft: Draft, faces: Faces) -> Draft:
    """Return the draft with every line of type turned into paths."""
    pages = [Page([shape for op in page.ops for shape in _outlined(op, faces)]) for page in draft.pages]
    return structs.replace(draft, pages=pages)


def _outlined(op: Op, faces: Faces) -> list[Op]:
    if not isinstance(op, Words):
        return [op]
    em = op.size / PT_PER_MM
    measure = faces.measure(op.weight)
    turn = geo.turned(op.rotate, op.x, op.y)
    by_color: dict[Cmyk, list[geo.Segment]] = {}
    for start, run in op.line.runs:
        x = op.x + start * em
        for part in re.findall(r"[\d.,:%+]+|[^\d.,:%+]+", run) if op.accent else [run]:
            color = op.accent if op.accent and part[0].isdigit() else op.color
            for char in part:
                place = geo.Affine(em, 0, 0, -em, x, op.y)
                outline = geo.transformed(geo.transformed(faces.outline(op.weight, char), place), turn)
                by_color.setdefault(color, []).extend(outline)
                x += (measure(char) + op.tracking) * em
    return [Shape(tuple(outline), color) for color, outline in by_color.items() if outline]


class Glyphs:
    """The outlines of one pinned font, in em, y up."""

    def __init__(self, font: bytes) -> None:
        import uharfbuzz as hb

        face = hb.Face(font)
        self._font: Any = hb.Font(face)
        self._em = float(face.upem)
        self._funcs: Any = hb.DrawFuncs()
        self._segments: list[geo.Segment] = []
        self._at = (0.0, 0.0)
        self._funcs.set_move_to_func(self._move)
        self._funcs.set_line_to_func(self._line)
        self._funcs.set_cubic_to_func(self._cubic)
        self._funcs.set_quadratic_to_func(self._quadratic)
        self._funcs.set_close_path_func(lambda _: self._segments.append(("Z", ())))
        self._known: dict[str, geo.Outline] = {}

    def outline(self, char: str) -> geo.Outline:
        """Return the outline of a character."""
        if char not in self._known:
            self._segments = []
            self._font.draw_glyph(self._font.get_nominal_glyph(ord(char)), self._funcs, None)
            self._known[char] = tuple(self._segments)
        return self._known[char]

    def _add(self, op: str, *values: float) -> None:
        scaled = tuple(value / self._em for value in values)
        self._segments.append((op, scaled))
        self._at = (values[-2], values[-1])

    def _move(self, x: float, y: float, _: object) -> None:
        self._add("M", x, y)

    def _line(self, x: float, y: float, _: object) -> None:
        self._add("L", x, y)

    def _cubic(self, a: float, b: float, c: float, d: float, x: float, y: float, _: object) -> None:
        self._add("C", a, b, c, d, x, y)

    def _quadratic(self, qx: float, qy: float, x: float, y: float, _: object) -> None:
        px, py = self._at
        third = 2 / 3
        self._add(
            "C",
            px + third * (qx - px),
            py + third * (qy - py),
            x + third * (qx - x),
            y + third * (qy - y),
            x,
            y,
        )


def area_mm2(outline: geo.Outline) -> float:
    """Return the area of the box round an outline."""
    left, top, right, bottom = geo.bounds(outline)
    return math.fabs((right - left) * (bottom - top))
