"""The sheet that shows how far a printer's backs are off: a scale on the back, a cross on the front.

Seen from the back and against the light, the front's cross lies on the back's scale; the two figures that it crosses
are those of --offset: to the right and down.
"""

from __future__ import annotations

from pathlib import Path

from posters.errors import UsageError
from posters.files import write_all
from posters.imposition import MARGIN, SHEETS, Flip, Label, Leaf, Plan, ruler
from posters.ops import Shape
from posters.words import say

REVISED = "2026-11-24T08:00:00+08:00"
REACH = 10  # mm of scale each way: no office printer is further off
ARM = 25.0
FLIPS: tuple[Flip, ...] = ("long", "short")
MOST_BYTES = 200_000  # a sheet has some 30 kB
BLACK = (0.0, 0.0, 0.0, 1.0)


def plan(sheet_id: str, flip: Flip, locale: str) -> Plan:
    """Return both sides of the sheet."""
    if sheet_id not in SHEETS:
        raise UsageError(
            "{option} knows no {value}; there are {known}",
            option="--sheet",
            value=sheet_id,
            known=", ".join(SHEETS),
        )
    if flip not in ("long", "short"):
        raise UsageError("--flip is long or short, not {value}", value=flip)
    width, height = SHEETS[sheet_id]
    x, y = width / 2, height / 2
    turn = (
        "print both sides, turn on the long edge"
        if flip == "long"
        else "print both sides, turn on the short edge"
    )
    told = [say(turn, locale), say("actual size, no scaling; this line is 50 mm", locale)]
    front = Leaf(width, height, [], [*_cross(x, y), *ruler((width, height))], _lines(told), 0)
    hint = [
        say("hold the sheet to the light with this side facing you", locale),
        say(
            "read where the cross of the other side lies: right, down; type it as --offset right,down", locale
        ),
    ]
    back = Leaf(width, height, [], _scale(x, y), [*_lines(hint), *_figures(x, y)], 0)
    return Plan([front, back], flip)


def calibrate(out: Path, sheet_id: str, flip: Flip, locale: str) -> None:
    """Write the sheet."""
    write_all({Path(out): drawn(sheet_id, flip, locale)})


def drawn(sheet_id: str, flip: Flip, locale: str) -> bytes:
    """Return the sheet as PDF."""
    from posters.assembly import assemble
    from posters.finish import Boxes, Finish, finish

    both = plan(sheet_id, flip, locale)
    size = SHEETS[sheet_id]
    how = Finish(say("calibration sheet", locale), REVISED, [Boxes(size, (0, 0, *size))] * 2, flip=flip)
    return finish(assemble(b"", both, 0.0), how)


def is_sheet(data: bytes) -> bool:
    """Say whether a PDF is a calibration sheet of ours: it has no code to read back, so its bytes must be those we draw."""
    return any(
        data == drawn(sheet_id, flip, locale)
        for sheet_id in SHEETS
        for flip in FLIPS
        for locale in ("en", "zh_CN")
    )


def _cross(x: float, y: float) -> list[Shape]:
    return [_line(x - ARM, y, x + ARM, y), _line(x, y - ARM, x, y + ARM)]


def _scale(x: float, y: float) -> list[Shape]:
    """Return two rulers in half millimetres."""
    lines = [_line(x - REACH, y, x + REACH, y, 0.1), _line(x, y - REACH, x, y + REACH, 0.1)]
    for half in range(-2 * REACH, 2 * REACH + 1):
        at, long = half / 2, 3.0 if half % 10 == 0 else 1.8 if half % 2 == 0 else 1.0
        lines += [
            _line(x + at, y - long, x + at, y + long, 0.1),
            _line(x - long, y + at, x + long, y + at, 0.1),
        ]
    return lines


def _figures(x: float, y: float) -> list[Label]:
    labels = []
    for at in range(-REACH, REACH + 1, 5):
        if at:
            labels += [Label(x + at - 1.2, y - 4, f"{at}", 7), Label(x + 12, y + at + 0.9, f"{at}", 7)]
    return labels


def _lines(texts: list[str]) -> list[Label]:
    return [Label(MARGIN + 15, MARGIN + 20 + 7 * n, text, 11) for n, text in enumerate(texts)]


def _line(x0: float, y0: float, x1: float, y1: float, width: float = 0.2) -> Shape:
    return Shape((("M", (x0, y0)), ("L", (x1, y1))), stroke=BLACK, width=width)
