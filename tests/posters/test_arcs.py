"""Type on a circle: it stays on its circle, is read from the right side, and never runs further than its span."""

from __future__ import annotations

import math

import pytest

from posters import arcs
from posters import schema as s
from posters.units import PT_PER_MM


def item(**changes: object) -> s.Arc:
    return s.Arc(**{"center": (40, 40), "r": 30, "value": "x", "size": 12, "min": 6, **changes})  # type: ignore[arg-type]


def placed(text: str, arc: s.Arc) -> list[tuple[float, float, float]]:
    found = arcs.fitted(text, arc, lambda _: 1.0)
    assert found is not None
    return [(w.x, w.y, w.rotate) for w in arcs.words(*found, arc, lambda _: 1.0, (0, 0, 0, 1))]


@pytest.mark.parametrize("middle", [0, 180, 285])
def test_every_character_stands_on_the_circle_in_reading_order(middle: float) -> None:
    letters = placed("老王便利店", item(middle=middle))
    em = 12 / PT_PER_MM
    for x, y, turn in letters:
        along = math.radians(turn)
        cx, cy = x + em / 2 * math.cos(along), y + em / 2 * math.sin(along)
        assert math.dist((cx, cy), (40, 40)) == pytest.approx(30)
    if middle in (0, 180):
        assert [x for x, _, _ in letters] == sorted(x for x, _, _ in letters), "read from left to right"
        assert letters[2][2] == pytest.approx(0)
        assert (letters[2][1] < 40) == (middle == 0)


def test_long_type_shrinks_to_its_span_and_is_refused_below_its_least() -> None:
    arc = item(span=90)
    line, size = arcs.fitted("字" * 16, arc, lambda _: 1.0) or (None, 0.0)
    assert line is not None
    assert 6 <= size < 12
    assert line.width * size / PT_PER_MM <= 30 * math.pi / 2
    assert arcs.fitted("字" * 40, arc, lambda _: 1.0) is None


def test_a_break_mark_of_the_template_prints_nothing() -> None:
    assert len(placed("微信\u200b扫一扫", item())) == 5
