"""Where faces fall on sheets: single, n to a sheet, both sides, tents. Pure geometry in mm, y down from the top.

The four turning cases (checked by turning rendered sheets in tests/posters/test_imposition.py):

    sheet      turned on    about      back cell       content
    portrait   long edge    vertical   mirrored in x   upright
    portrait   short edge   level      mirrored in y   turned by 180
    landscape  long edge    level      mirrored in y   turned by 180
    landscape  short edge   vertical   mirrored in x   upright
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from posters import geometry as geo
from posters.errors import UsageError
from posters.ops import ALL, CUT, Shape
from posters.schema import Box, Tent
from posters.units import MARK_GAP_MM, MARK_MM

Flip = Literal["long", "short"]
SHEETS = {"a4": (210.0, 297.0), "a3": (297.0, 420.0), "sra3": (320.0, 450.0)}
MARGIN = 5.0  # what an office printer cannot reach
RULER = 50.0


class Label(Struct, frozen=True):
    """A line of small type; its left edge and baseline."""

    x: float
    y: float
    text: str
    size: float = 6.5


class Place(Struct, frozen=True):
    """One face on a sheet: the top left of its cell, turned clockwise by 0, 90, 180 or 270 degrees within it."""

    face: int
    x: float
    y: float
    window: Box  # nothing of the face shows outside
    turn: int = 0
    scale: float = 1.0


class Leaf(Struct, frozen=True):
    """One side of one sheet."""

    width: float
    height: float
    places: list[Place]
    shapes: list[Shape] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    codes: int = 1
    trim: Box | None = None  # what is cut out when it is not the sheet
    bleed: float = 0.0
    sketch: bool = False  # a small picture for people: what a press needs does not bind it


class Plan(Struct, frozen=True):
    """All sides in printing order; `flip` is the edge that the paper turns on, empty for one side."""

    leaves: list[Leaf]
    flip: str = ""


class Art(Struct, frozen=True):
    """What is placed: its trim, its bleed, how many faces one piece has, where it folds, whether it is round."""

    width: float
    height: float
    bleed: float
    faces: int = 1
    folds: tuple[float, ...] = ()
    round: bool = False
    codes: int = 1  # on one face


def grid(art: Art, sheet: tuple[float, float]) -> tuple[int, int, bool]:
    """Return columns, rows and whether the sheet lies on its side, for the most pieces with bleed and margin."""
    cell = (art.width + 2 * art.bleed, art.height + 2 * art.bleed)
    best = (0, 0, False)
    for lying in (False, True):
        width, height = sheet[::-1] if lying else sheet
        columns = int((width - 2 * MARGIN) / cell[0] + 1e-9)
        rows = int((height - 2 * MARGIN) / cell[1] + 1e-9)
        if columns * rows > best[0] * best[1]:
            best = (columns, rows, lying)
    return best


def back_cell(sheet: tuple[float, float], cell: Box, flip: Flip) -> tuple[float, float, int]:
    """Return where the back of a front cell is printed and by how many degrees it is turned."""
    width, height = sheet
    x, y, w, h = cell
    about_vertical = (height >= width) == (flip == "long")
    return (width - x - w, y, 0) if about_vertical else (x, height - y - h, 180)


def n_up(
    art: Art,
    sheet_id: str,
    *,
    count: int = 1,
    flip: Flip = "long",
    offset: tuple[float, float] = (0.0, 0.0),
    notes: tuple[str, ...] = (),
) -> Plan:
    """Return sheets full of one piece, or of `count` pieces one after the other, the backs shifted by `offset`."""
    columns, rows, lying = grid(art, SHEETS[sheet_id])
    if not columns * rows:
        raise UsageError(
            "a piece of {width} x {height} mm does not fit a sheet {sheet}: choose a larger one",
            width=f"{art.width:g}",
            height=f"{art.height:g}",
            sheet=sheet_id,
        )
    size = SHEETS[sheet_id][::-1] if lying else SHEETS[sheet_id]
    cells = _cells(art, size, columns, rows)
    slots = columns * rows
    pieces = [0] * slots if count == 1 else list(range(count))
    leaves = []
    for first in range(0, len(pieces), slots):
        group = list(zip(pieces[first : first + slots], cells, strict=False))
        leaves += _sides(art, size, group, flip, offset, notes)
    return Plan(leaves, flip if art.faces == 2 else "")


def _cells(art: Art, size: tuple[float, float], columns: int, rows: int) -> list[Box]:
    """Return the trims of the grid, centred, row by row."""
    wide, high = art.width + 2 * art.bleed, art.height + 2 * art.bleed
    left, top = (size[0] - columns * wide) / 2 + art.bleed, (size[1] - rows * high) / 2 + art.bleed
    return [
        (left + c * wide, top + r * high, art.width, art.height) for r in range(rows) for c in range(columns)
    ]


def _sides(
    art: Art,
    size: tuple[float, float],
    group: list[tuple[int, Box]],
    flip: Flip,
    offset: tuple[float, float],
    notes: tuple[str, ...],
) -> list[Leaf]:
    fronts = [_place(art, piece * art.faces, cell[0], cell[1], 0) for piece, cell in group]
    cells = [cell for _, cell in group]
    shapes = [*marks(art, cells), *ruler(size)]
    codes = len(group) * art.codes
    sides = [Leaf(*size, fronts, shapes, [*fold_labels(art, cells), *_notes(size, notes)], codes)]
    if art.faces == 2:
        backs = []
        for piece, cell in group:
            x, y, turn = back_cell(size, cell, flip)
            backs.append(_place(art, piece * 2 + 1, x + offset[0], y + offset[1], turn))
        sides.append(Leaf(*size, backs, codes=codes))
    return sides


def _place(art: Art, face: int, x: float, y: float, turn: int) -> Place:
    b = art.bleed
    return Place(face, x, y, (x - b, y - b, art.width + 2 * b, art.height + 2 * b), turn)


def centred(art: Art, size: tuple[float, float], notes: tuple[str, ...] = ()) -> Plan:
    """Return one piece in the middle of a sheet, its front only; its notes lie on its foot, which nobody sees."""
    x, y = (size[0] - art.width) / 2, (size[1] - art.height) / 2
    cell = (x, y, art.width, art.height)
    shapes, labels = marks(art, [cell], "" if notes else ALL), fold_labels(art, [cell])
    if notes:
        shapes += ruler((x + art.width - 1, y + art.height - 4))
        labels += [Label(x + 8, y + art.height - 14 + 4 * n, note) for n, note in enumerate(notes)]
    leaf = Leaf(*size, [_place(art, 0, x, y, 0)], shapes, labels, art.codes, cell, art.bleed)
    return Plan([leaf])


def tent(face: Art, rules: Tent) -> tuple[Plan, Art]:
    """Return the flat sheet of a tent, tab at the top: half the foot, the turned face, the upright one, half the foot."""
    half, b = rules.foot / 2, face.bleed
    top = rules.tab + half
    ridge, end = top + face.height, top + 2 * face.height
    flat = Art(face.width, end + half, b, 1, (rules.tab, top, ridge, end), codes=2)
    wide = face.width + 2 * b
    turned = Place(1, b, b + top, (0, b + top - b, wide, face.height + b), 180)
    upright = Place(0, b, b + ridge, (0, b + ridge, wide, face.height + b))
    return Plan([Leaf(wide, flat.height + 2 * b, [turned, upright], codes=2)]), flat


def marks(art: Art, cells: list[Box], plate: str = "") -> list[Shape]:
    """Return cut marks round the whole grid and dashed fold marks beside it; a round piece gets its line to cut."""
    if art.round:
        return [
            Shape(geo.circle(x + w / 2, y + h / 2, w / 2), stroke=(0, 1, 0, 0), width=0.1, spot=CUT)
            for x, y, w, h in cells
        ]
    left, top = min(c[0] for c in cells), min(c[1] for c in cells)
    right, bottom = max(c[0] + c[2] for c in cells), max(c[1] + c[3] for c in cells)
    gap = art.bleed + MARK_GAP_MM
    lines = []
    for x in sorted({v for c in cells for v in (c[0], c[0] + c[2])}):
        lines += [
            _line(x, top - gap, x, top - gap - MARK_MM, plate),
            _line(x, bottom + gap, x, bottom + gap + MARK_MM, plate),
        ]
    for y in sorted({v for c in cells for v in (c[1], c[1] + c[3])}):
        lines += [
            _line(left - gap, y, left - gap - MARK_MM, y, plate),
            _line(right + gap, y, right + gap + MARK_MM, y, plate),
        ]
    for y in _folds(art, cells):
        for x, way in ((left - gap, -1), (right + gap, 1)):
            lines.append(_line(x, y, x + way * MARK_MM, y, plate, (0.8, 0.8)))
    return lines


def fold_labels(art: Art, cells: list[Box]) -> list[Label]:
    """Return 折 beside each fold and 裁 beside the first cut, where there are folds at all."""
    if not art.folds:
        return []
    left = min(c[0] for c in cells) - art.bleed - MARK_GAP_MM - MARK_MM
    top = min(c[1] for c in cells)
    return [Label(left, y - 0.6, "折", 6) for y in _folds(art, cells)] + [Label(left, top - 0.6, "裁", 6)]


def _folds(art: Art, cells: list[Box]) -> list[float]:
    return sorted({c[1] + fold for c in cells for fold in art.folds})


def _line(
    x0: float, y0: float, x1: float, y1: float, plate: str = "", dash: tuple[float, float] | None = None
) -> Shape:
    return Shape((("M", (x0, y0)), ("L", (x1, y1))), stroke=(0, 0, 0, 1), width=0.1, dash=dash, spot=plate)


def ruler(size: tuple[float, float]) -> list[Shape]:
    """Return a line of 50 mm at the foot: whoever measures less has printed with `fit to page`."""
    x, y = size[0] - MARGIN - RULER - 2, size[1] - MARGIN + 1
    ends = [_line(x + at, y - 1, x + at, y + 1) for at in (0.0, RULER)]
    return [_line(x, y, x + RULER, y), *ends]


def _notes(size: tuple[float, float], notes: tuple[str, ...]) -> list[Label]:
    return [Label(MARGIN + 2, size[1] - MARGIN + 1.8, " · ".join(notes))] if notes else []
