"""Rhythms of lights and beeps, and the hours without them."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.hardware import outputs
from kiosk.hardware.rhythm import GAP_S, LONG_S, PATTERNS, SHORT_S, Player, beeps
from tests.hardware.conftest import until


@pytest.mark.parametrize("hours", [(None, None), (time(22), None), (time(9), time(9))])
def test_without_hours_it_is_never_quiet(hours: tuple[time | None, time | None]) -> None:
    assert not outputs.quiet(time(9), *hours)


@given(st.times(), st.times(), st.times())
def test_quiet_hours_past_midnight_are_the_others_turned_round(at: time, begin: time, end: time) -> None:
    if begin != end:
        assert outputs.quiet(at, begin, end) is not outputs.quiet(at, end, begin)


@pytest.mark.parametrize(
    ("at", "is_quiet"), [("21:59", False), ("22:00", True), ("03:00", True), ("07:00", False)]
)
def test_quiet_hours_go_past_midnight(at: str, is_quiet: bool) -> None:
    assert outputs.quiet(time.fromisoformat(at), time(22), time(7)) is is_quiet


class TestRhythm:
    def test_patterns_differ_without_their_colour(self) -> None:
        assert len(set(PATTERNS.values())) == len(PATTERNS) == 4
        flashes = {name: sum(on for on, _ in steps) for name, steps in PATTERNS.items()}
        assert flashes["double"] == 2

    def test_beeps_are_short_and_long(self) -> None:
        assert beeps(".-") == ((True, SHORT_S), (False, GAP_S), (True, LONG_S), (False, GAP_S))
        assert beeps("") == ()

    async def test_the_latest_wins_and_leaves_nothing_behind(self) -> None:
        seen: list[bool] = []
        player = Player(seen.append)
        player.play(((True, 3600.0), (False, 1.0)))
        player.play(((True, 0.01), (False, 0.01), (True, 0.01)))
        await until(lambda: seen == [True, False, True, False, True, False])
        assert player._timers == []
        player.play((), seconds=1)
        assert len(seen) == 6
