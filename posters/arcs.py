"""Type on a circle: each character stands on the circle by itself. Pure; mm, degrees clockwise from the top."""

from __future__ import annotations

import math

from posters import schema as s
from posters.ops import Cmyk, Words
from posters.typeset import MEASURE_STEP, SOFT, Line, Measure, set_line
from posters.units import PT_PER_MM


def fitted(text: str, item: s.Arc, measure: Measure) -> tuple[Line, float] | None:
    """Return the set line and its size in pt, or None when it is too long even at the least size."""
    line = set_line(text.replace(SOFT, ""), measure, item.gap, item.tracking)
    room = item.r * math.radians(item.span) * PT_PER_MM
    size = min(item.size, int(room / max(line.width, 1e-6) / MEASURE_STEP) * MEASURE_STEP)
    return (line, size) if size >= (item.min or item.size) else None


def words(line: Line, size: float, item: s.Arc, measure: Measure, color: Cmyk) -> list[Words]:
    """Return one operation a character."""
    em = size / PT_PER_MM
    below = 90 < item.middle < 270
    placed = []
    for start, run in line.runs:
        x = start
        for char in run:
            advance = measure(char)
            along = (x + advance / 2 - line.width / 2) * em / item.r
            angle = math.radians(item.middle) + (-along if below else along)
            turn = angle - (math.pi if below else 0)
            left = advance * em / 2
            px = item.center[0] + item.r * math.sin(angle) - left * math.cos(turn)
            py = item.center[1] - item.r * math.cos(angle) - left * math.sin(turn)
            one = Line(((0.0, char),), advance)
            placed.append(Words(px, py, size, item.weight, color, one, rotate=math.degrees(turn)))
            x += advance + item.tracking
    return placed
