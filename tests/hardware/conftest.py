"""What the tests of devices share: a bus that is watched, and the wait for an event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from kiosk.events import Bus, DeviceState, Event, Scanned
from kiosk.hardware import hid_scanner
from kiosk.hardware.hid_scanner import EVIOCGRAB

WAIT_S = 15.0
"""The machine is shared and stalls; a broken mechanism never comes, so the time says nothing."""


class Watch:
    """Keeps every event of a bus."""

    def __init__(self, bus: Bus) -> None:
        self.events: list[Event] = []
        bus.on(Event, self.events.append)

    def of(self, kind: type[Event]) -> list[Any]:
        """Return the events of one type."""
        return [e for e in self.events if isinstance(e, kind)]

    @property
    def codes(self) -> list[str]:
        """Return the codes that were scanned."""
        return [e.text for e in self.of(Scanned)]

    @property
    def states(self) -> list[str]:
        """Return the states that were published."""
        return [e.state for e in self.of(DeviceState)]


async def until(true: Callable[[], object], what: str = "") -> None:
    """Wait until something is so; fail with its name after the deadline."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, f"never so: {what or true}"
        await asyncio.sleep(0.005)


@pytest.fixture
def bus() -> Bus:
    """Give a bus."""
    return Bus()


@pytest.fixture
def watch(bus: Bus) -> Watch:
    """Watch the bus."""
    return Watch(bus)


@pytest.fixture
def grabs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Watch the grabs of keyboards: a FIFO refuses the call."""
    seen: list[int] = []

    def ioctl(fd: int, request: int, value: int = 0) -> int:
        assert request == EVIOCGRAB
        seen.append(value)
        return 0

    monkeypatch.setattr(hid_scanner.fcntl, "ioctl", ioctl)
    return seen
