"""Wall, monotonic and trusted time: a clock that lies moves nothing it must not move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kiosk.clock import DRIFT, FLOOR, SystemClock, boot_id

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


class Moved(SystemClock):
    """The machine's clock, its wall and seconds moved by hand."""

    def __init__(self, wall: datetime = NOW, floor: datetime = FLOOR) -> None:
        super().__init__(floor)
        self.at, self.seconds = wall, 100.0

    def wall(self) -> datetime:
        return self.at

    def mono(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds


def test_before_the_first_contact_the_time_is_a_lower_bound_without_an_error() -> None:
    clock = Moved()
    assert (clock.trusted().at, clock.trusted().error_s, clock.trusted().certain) == (NOW, None, False)


def test_a_boot_in_1970_is_not_before_what_was_known_last() -> None:
    clock = Moved(datetime(1970, 1, 1, tzinfo=UTC))
    assert clock.trusted().at == FLOOR
    clock.raise_floor(NOW)
    assert clock.trusted().at == NOW
    clock.raise_floor(NOW - timedelta(days=5))
    assert clock.trusted().at == NOW


def test_the_servers_time_rules_and_half_the_round_trip_is_its_error() -> None:
    clock = Moved(datetime(2031, 1, 1, tzinfo=UTC))
    clock.learn(NOW, 0.4)
    trusted = clock.trusted()
    assert trusted.at == NOW + timedelta(seconds=0.2)
    assert trusted.error_s == pytest.approx(0.2)


def test_a_wall_clock_that_ran_ahead_leaves_no_bound_behind() -> None:
    """A battery that says 2031 must not make 2031 the earliest time for ever."""
    clock = Moved(datetime(2031, 1, 1, tzinfo=UTC))
    assert clock.trusted().at.year == 2031
    clock.learn(NOW, 0.1)
    assert clock.trusted().at < NOW + timedelta(seconds=1)


@pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)])
def test_a_wall_clock_that_jumps_moves_nothing_after_the_first_contact(jump: timedelta) -> None:
    clock = Moved()
    clock.learn(NOW, 0.0)
    clock.advance(10)
    clock.at += jump
    assert clock.trusted().at == NOW + timedelta(seconds=10)


def test_the_error_grows_with_the_crystal_and_a_better_answer_replaces_it() -> None:
    clock = Moved()
    clock.learn(NOW, 0.2)
    clock.advance(100_000)
    assert clock.trusted().error_s == pytest.approx(0.1 + 100_000 * DRIFT)
    clock.learn(NOW + timedelta(seconds=100_001), 1.0)
    assert clock.trusted().error_s == pytest.approx(0.5)
    clock.learn(NOW + timedelta(seconds=100_500), 30.0)
    assert clock.trusted().error_s == pytest.approx(0.5)


def test_trusted_time_never_runs_backwards() -> None:
    clock = Moved()
    clock.learn(NOW, 0.4)
    first = clock.trusted().at
    clock.learn(NOW - timedelta(seconds=30), 0.0)
    assert clock.trusted().at >= first
    clock.advance(31)
    assert clock.trusted().at == first + timedelta(seconds=0.8)


def test_the_machines_clock_moves_forwards() -> None:
    clock = SystemClock()
    assert clock.mono() <= clock.mono()
    assert clock.wall().utcoffset() == timedelta()
    assert clock.boot == boot_id() != ""
