from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posters import geometry as geo
from posters.geometry import Affine

NUMBERS = st.floats(-50, 50, allow_nan=False).map(lambda v: round(v, 3))


def test_relative_and_absolute_paths_are_the_same() -> None:
    assert geo.parse("M1 2 l3 0 v4 h-3 z") == geo.parse("M1 2 L4 2 V6 H1 Z")


def test_a_smooth_curve_mirrors_the_last_control_point() -> None:
    assert geo.parse("M0 0 C0 5 5 5 5 0 S10 -5 10 0")[2] == ("C", (5.0, -5.0, 10.0, -5.0, 10.0, 0.0))


def test_a_quadratic_becomes_the_same_cubic() -> None:
    op, values = geo.parse("M0 0 Q3 6 6 0")[1]
    assert op == "C"
    assert values == pytest.approx((2, 4, 4, 4, 6, 0))


@pytest.mark.parametrize("flags", ["0 0", "0 1", "1 0", "1 1"])
def test_an_arc_stays_on_its_circle(flags: str) -> None:
    outline = geo.parse(f"M10 0 A10 10 0 {flags} 0 10")
    centre = (0, 0) if flags in ("0 1", "1 0") else (10, 10)
    assert {round(math.dist(values[-2:], centre), 6) for _, values in outline} == {10.0}


@pytest.mark.parametrize("bad", ["M1 1 X", "M1 1 L2", "M1 1 L2 nope"])
def test_a_broken_path_is_an_error(bad: str) -> None:
    with pytest.raises(ValueError, match="path"):
        geo.parse(bad)


@given(NUMBERS, NUMBERS, st.floats(0, 360))
def test_turning_keeps_distances(x: float, y: float, degrees: float) -> None:
    turn = geo.turned(degrees, 3, 4)
    assert math.dist(turn(x, y), (3, 4)) == pytest.approx(math.dist((x, y), (3, 4)), abs=1e-6)


@given(NUMBERS, NUMBERS)
def test_a_circle_lies_in_its_box(x: float, y: float) -> None:
    assert geo.bounds(geo.circle(x, y, 2)) == pytest.approx((x - 2, y - 2, x + 2, y + 2))


def test_a_ticket_has_its_notches_inside() -> None:
    assert geo.bounds(geo.ticket(0, 0, 30, 15, 1.5, 2, 0.3)) == pytest.approx((0, 0, 30, 15), abs=0.01)


def test_transforms_move_every_point() -> None:
    moved = geo.transformed(geo.rectangle(0, 0, 2, 1), Affine(1, 0, 0, 1, 10, 20))
    assert geo.bounds(moved) == (10, 20, 12, 21)
