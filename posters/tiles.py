"""A poster on many small sheets: overlap, labels, a map, and no seam through the code. Pure geometry in mm.

Each sheet is pasted over the one on its left and the one above it, so that what shows of a sheet begins at its own edge
and ends where the next begins: those edges are the seams.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from posters import geometry as geo
from posters.errors import UsageError
from posters.imposition import MARGIN, SHEETS, Art, Label, Leaf, Place, Plan
from posters.ops import Shape
from posters.schema import Box

OVERLAP = 10.0
MAP_SIDE = 150.0  # the longer side of the map
MAX_SHEETS = 120
TICK = 4.0
PLATE = (9.0, 4.4)  # white under a label
BLACK, WHITE = (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0)


class Cut(NamedTuple):
    """One way across or down: how many sheets, where the first begins, from one to the next."""

    sheets: int
    start: float
    step: float

    def seams(self) -> list[float]:
        """Return where one sheet covers the next."""
        return [self.start + n * self.step for n in range(1, self.sheets)]


class Tiling(NamedTuple):
    """The sheets of a poster."""

    across: Cut
    down: Cut
    sheet: tuple[float, float]

    @property
    def total(self) -> int:
        """Return the number of sheets without the map."""
        return self.across.sheets * self.down.sheets


def largest_code(sheet_id: str) -> float:
    """Return the largest square, quiet zone included, that a sheet holds between its seams."""
    return min(SHEETS[sheet_id]) - 2 * MARGIN - OVERLAP


def cut(length: float, window: float, code: tuple[float, float], extra: int = 0) -> Cut | None:
    """Return how to cover a length with windows so that no seam runs through `code`; None when there is no way."""
    step = window - OVERLAP
    count = max(1, math.ceil((length - OVERLAP) / step - 1e-9)) + extra
    slack = (count - 1) * step + window - length
    low, high = code
    for shift in sorted(
        {0.0, slack / 2, slack, *_edges(code, step, count, slack)}, key=lambda s: abs(s - slack / 2)
    ):
        start = -shift
        seams = [start + n * step for n in range(1, count)]
        if 0 <= shift <= slack and not any(low + 1e-6 < seam < high - 1e-6 for seam in seams):
            return Cut(count, start, step)
    return None


def _edges(code: tuple[float, float], step: float, count: int, slack: float) -> list[float]:
    """Return the shifts at which a seam just touches the code."""
    return [n * step - edge for n in range(1, count) for edge in code if 0 <= n * step - edge <= slack]


def tiling(art: Art, code: Box, sheet_id: str) -> Tiling:
    """Return the cover with the fewest sheets; the code, quiet zone included, is whole on one of them."""
    found: list[Tiling] = []
    x, y, w, h = code
    for lying in (False, True):
        sheet = SHEETS[sheet_id][::-1] if lying else SHEETS[sheet_id]
        for extra in (0, 1):
            across = cut(art.width, sheet[0] - 2 * MARGIN, (x, x + w), extra)
            for more in (0, 1):
                down = cut(art.height, sheet[1] - 2 * MARGIN, (y, y + h), more)
                if across and down:
                    found.append(Tiling(across, down, sheet))
    best = min(found, key=lambda t: t.total, default=None)
    if best is None:
        raise UsageError(
            "every seam of sheets {sheet} would run through the code: choose a larger sheet", sheet=sheet_id
        )
    if best.total > MAX_SHEETS:
        raise UsageError("it would take {n} sheets; {most} are the most", n=best.total, most=MAX_SHEETS)
    return best


def name(column: int, row: int) -> str:
    """Return the label of a sheet: letters across, figures down."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def plan(art: Art, code: Box, sheet_id: str, notes: tuple[str, ...] = ()) -> Plan:
    """Return the map and then every sheet, row by row."""
    found = tiling(art, code, sheet_id)
    leaves = [_map(art, code, found, notes)]
    for row in range(found.down.sheets):
        for column in range(found.across.sheets):
            leaves.append(_tile(art, code, found, column, row))
    return Plan(leaves)


def _tile(art: Art, code: Box, found: Tiling, column: int, row: int) -> Leaf:
    width, height = found.sheet
    left = found.across.start + column * found.across.step
    top = found.down.start + row * found.down.step
    window: Box = (MARGIN, MARGIN, width - 2 * MARGIN, height - 2 * MARGIN)
    place = Place(0, MARGIN - left, MARGIN - top, window)
    inside = left <= code[0] and top <= code[1]
    whole = inside and code[0] + code[2] <= left + window[2] and code[1] + code[3] <= top + window[3]
    plates, label = _label(found, column, row)
    shapes = [*_ticks(found, column, row), *plates]
    return Leaf(width, height, [place], shapes, [label], int(whole))


def _label(found: Tiling, column: int, row: int) -> tuple[list[Shape], Label]:
    """Return the name of a sheet where a printer can reach and the next sheet covers it.

    Nothing covers the last sheet: its name stands in the margin, and it is known without.
    """
    text = f"{name(column, row)} / {name(found.across.sheets - 1, found.down.sheets - 1)}"
    right, bottom = found.sheet[0] - MARGIN - OVERLAP, found.sheet[1] - MARGIN - OVERLAP
    if column + 1 < found.across.sheets:
        x, y = right + 0.7, MARGIN + TICK + 2
    elif row + 1 < found.down.sheets:
        x, y = MARGIN + TICK + 2, bottom + 0.7
    else:
        return [], Label(MARGIN + 12, MARGIN - 1.4, text)
    return [Shape(geo.rectangle(x, y, *PLATE, 0.6), WHITE)], Label(x + 0.5, y + 3.1, text)


def _ticks(found: Tiling, column: int, row: int) -> list[Shape]:
    """Return where the neighbour's edge comes to lie, just within what it covers, black on white for any art."""
    width, height = found.sheet
    right, bottom = width - MARGIN - OVERLAP + 0.4, height - MARGIN - OVERLAP + 0.4
    lines = []
    if column + 1 < found.across.sheets:
        ends = (MARGIN, height - MARGIN - TICK)
        lines += [(right, end, right, end + TICK) for end in ends]
    if row + 1 < found.down.sheets:
        ends = (MARGIN, width - MARGIN - TICK)
        lines += [(end, bottom, end + TICK, bottom) for end in ends]
    return [
        Shape((("M", (a, b)), ("L", (c, d))), stroke=ink, width=thick)
        for a, b, c, d in lines
        for ink, thick in ((WHITE, 0.8), (BLACK, 0.25))
    ]


def _map(art: Art, code: Box, found: Tiling, notes: tuple[str, ...]) -> Leaf:
    """Return the first page: the poster small, its code covered, the seams and the names of the sheets."""
    width, height = found.sheet
    scale = min(MAP_SIDE / max(art.width, art.height), (width - 60) / art.width, (height - 70) / art.height)
    w, h = art.width * scale, art.height * scale
    left, top = (width - w) / 2, 45.0
    place = Place(0, left, top, (left, top, w, h), 0, scale)
    x, y, cw, ch = (v * scale for v in code)
    shapes = [
        Shape(geo.rectangle(left + x, top + y, cw, ch), WHITE, BLACK, 0.3),
        Shape(geo.rectangle(left, top, w, h), None, BLACK, 0.3),
    ]
    shapes += [_seam(left + s * scale, top, left + s * scale, top + h) for s in found.across.seams()]
    shapes += [_seam(left, top + s * scale, left + w, top + s * scale) for s in found.down.seams()]
    labels = [Label(15, 20 + 6.5 * n, note, 12 if n == 0 else 9) for n, note in enumerate(notes)]
    for row in range(found.down.sheets):
        for column in range(found.across.sheets):
            mx = left + max(0.0, found.across.start + column * found.across.step) * scale + 1.5
            my = top + max(0.0, found.down.start + row * found.down.step) * scale + 5
            shapes.append(Shape(geo.rectangle(mx - 0.8, my - 3.8, 8.6, 4.8, 1), WHITE, BLACK, 0.2))
            labels.append(Label(mx + 0.4, my - 0.2, name(column, row), 9))
    return Leaf(width, height, [place], shapes, labels, 0, sketch=True)


def _seam(x0: float, y0: float, x1: float, y1: float) -> Shape:
    return Shape((("M", (x0, y0)), ("L", (x1, y1))), stroke=BLACK, width=0.25, dash=(1.5, 1.0))
