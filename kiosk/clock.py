"""Wall, monotonic and trusted time (facts: sync-fleet A8).

A Pi without a real-time clock boots at the last saved time or in 1970, so the wall clock is only evidence. The trusted
time is the last server time plus the monotonic time since, and from then on it never runs backwards. Before the first
contact of a boot it is the wall clock, but not before the newest time ever persisted, and its error is not known: a wall
clock that runs years ahead must not raise the bound for the time after.
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

DRIFT = 50e-6
"""Seconds of error a second: the tolerance of a cheap crystal, 50 ppm."""
FLOOR = datetime(2026, 11, 1, tzinfo=UTC)
"""No trusted time is before the first release."""


class Trusted(msgspec.Struct, frozen=True):
    """A time and how far it can be off."""

    at: datetime
    error_s: float | None
    """Bound in seconds; None: no server time since boot, `at` is only a lower bound."""

    @property
    def certain(self) -> bool:
        """Tell whether the error is known."""
        return self.error_s is not None


class Clock(Protocol):
    """What the rooms know of time."""

    boot: str

    def wall(self) -> datetime:
        """Return the system's time in UTC: evidence only."""

    def mono(self) -> float:
        """Return seconds that only grow within a boot."""

    def trusted(self) -> Trusted:
        """Return the time that decisions use."""

    def learn(self, server_time: datetime, round_trip_s: float) -> None:
        """Take a server time that arrived now after a round trip."""


def boot_id() -> str:
    """Return the kernel's id of this boot, or a random one where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(uuid.uuid4())


class SystemClock:
    """The clock of the machine."""

    def __init__(self, floor: datetime = FLOOR) -> None:
        self.boot = boot_id()
        self._floor = max(floor, FLOOR)
        self._base: tuple[datetime, float, float] | None = None
        self._last = self._floor

    def wall(self) -> datetime:
        """Return the system's time in UTC."""
        return datetime.now(UTC)

    def mono(self) -> float:
        """Return seconds that only grow and that run on while the machine sleeps, where the kernel has such a clock."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def raise_floor(self, at: datetime) -> None:
        """Take a persisted time as a lower bound."""
        self._last = max(self._last, at)

    def learn(self, server_time: datetime, round_trip_s: float) -> None:
        """Take the server's time; half the round trip is its error. A worse estimate never replaces a better one."""
        now = self.mono()
        error = round_trip_s / 2
        if self._base is None or error <= self._error(now):
            self._base = (server_time + timedelta(seconds=error), now, error)

    def _error(self, now: float) -> float:
        assert self._base is not None
        return self._base[2] + (now - self._base[1]) * DRIFT

    def trusted(self) -> Trusted:
        """Return the trusted time; without a server time since boot, the later of wall clock and lower bound."""
        if self._base is None:
            return Trusted(max(self.wall(), self._last), None)
        now = self.mono()
        at = self._base[0] + timedelta(seconds=now - self._base[1])
        self._last = max(self._last, at)
        return Trusted(self._last, self._error(now))


class ManualClock:
    """A clock that tests move by hand."""

    def __init__(self, at: datetime, certain: bool = True) -> None:
        self.boot = "test-boot"
        self.at = at
        self.seconds = 1000.0
        self.error: float | None = 0.0 if certain else None

    def wall(self) -> datetime:
        """Return the time that was set."""
        return self.at

    def mono(self) -> float:
        """Return the seconds that were let pass."""
        return self.seconds

    def trusted(self) -> Trusted:
        """Return the time that was set."""
        return Trusted(self.at, self.error)

    def learn(self, server_time: datetime, round_trip_s: float) -> None:
        """Take the server's time as it is."""
        self.at, self.error = server_time, round_trip_s / 2

    def advance(self, seconds: float) -> None:
        """Let time pass on all clocks."""
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds
