"""Trusted time never runs backwards and says how far it can be off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kiosk.clock import DRIFT, FLOOR, SystemClock

SERVER = datetime(2027, 3, 1, 12, tzinfo=UTC)


class Rigged(SystemClock):
    """A system clock whose wall and monotonic clocks are set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.walls = datetime(1970, 1, 1, tzinfo=UTC)
        self.seconds = 50.0

    def wall(self) -> datetime:
        return self.walls

    def mono(self) -> float:
        return self.seconds


def test_a_boot_in_1970_is_not_believed() -> None:
    clock = Rigged()
    assert clock.trusted().at >= FLOOR
    assert not clock.trusted().certain


def test_a_persisted_time_is_a_lower_bound() -> None:
    clock = Rigged()
    clock.raise_floor(SERVER)
    assert clock.trusted().at == SERVER
    assert not clock.trusted().certain


def test_server_time_runs_on_with_the_monotonic_clock_whatever_the_wall_does() -> None:
    clock = Rigged()
    clock.learn(SERVER, 0.2)
    clock.seconds += 3600
    clock.walls = datetime(2040, 1, 1, tzinfo=UTC)
    trusted = clock.trusted()
    assert trusted.at == SERVER + timedelta(seconds=3600.1)
    assert trusted.error_s is not None
    assert abs(trusted.error_s - (0.1 + 3600 * DRIFT)) < 1e-9


def test_a_wall_clock_years_ahead_is_forgotten_once_the_server_speaks() -> None:
    clock = Rigged()
    clock.walls = datetime(2040, 1, 1, tzinfo=UTC)
    assert clock.trusted().at == clock.walls
    clock.learn(SERVER, 0)
    assert clock.trusted().at == SERVER


def test_a_worse_estimate_does_not_replace_a_better_one() -> None:
    clock = Rigged()
    clock.learn(SERVER, 0.02)
    clock.learn(SERVER + timedelta(seconds=30), 60)
    assert clock.trusted().at < SERVER + timedelta(seconds=1)


def test_an_old_estimate_gives_way_once_it_has_drifted_further_than_a_fresh_one_can_be_off() -> None:
    clock = Rigged()
    clock.learn(SERVER, 0.02)
    clock.seconds += 86_400
    clock.learn(SERVER + timedelta(days=1, seconds=3), 0.2)
    trusted = clock.trusted()
    assert trusted.error_s == 0.1
    assert trusted.at == SERVER + timedelta(days=1, seconds=3.1)


@given(
    st.lists(
        st.tuples(
            st.floats(-1e8, 1e8),
            st.floats(0, 1e5),
            st.one_of(st.none(), st.tuples(st.floats(0, 1e7), st.floats(0, 30))),
        ),
        max_size=30,
    )
)
def test_trusted_time_never_runs_backwards(
    steps: list[tuple[float, float, tuple[float, float] | None]],
) -> None:
    clock = Rigged()
    last = FLOOR
    for wall, mono, learned in steps:
        clock.walls = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=wall)
        clock.seconds += mono
        if learned:
            clock.learn(SERVER + timedelta(seconds=learned[0]), learned[1])
        now = clock.trusted()
        assert now.at >= (last if now.certain else FLOOR)
        last = now.at if now.certain else last
