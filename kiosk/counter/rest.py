"""Lets the screen rest while nobody is at the counter, and wakes it when somebody comes.

Without a presence sensor, or while it does not work, the screen stays as it is: "nobody was seen" is then no answer. While the
shop is open the code itself is never dimmed: what rests is everything around it, unless the shop wants the screen dark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, Protocol

from kiosk.events import Bus, DeviceState, Event, Outcome, Pressed, Scanned
from kiosk.hardware.ports import State
from kiosk.hardware.signals import Held, PresenceChanged

Nobody = Literal["dim", "dark", "stay"]
"""What the screen does when nobody is there."""
Resting = Literal["awake", "dim", "dark"]


class Sensor(Protocol):
    """The part of a presence sensor that is needed here."""

    present: bool

    @property
    def state(self) -> State:
        """Return how it is."""


class RestChanged(Event, frozen=True):
    """The screen rests, or wakes."""

    state: Resting


def resting(nobody: Nobody, sensor: State, present: bool, quiet_s: float, after_s: float) -> Resting:
    """Return what the screen should do; `quiet_s` is how long nothing has happened. Pure."""
    if nobody == "stay" or sensor != "ok" or present or quiet_s < after_s:
        return "awake"
    return nobody


class Rest:
    """Follows the sensor and whatever else shows that somebody is there."""

    def __init__(self, bus: Bus, sensor: Sensor | None, nobody: Nobody, after_s: float) -> None:
        self._bus, self._sensor, self._nobody, self._after_s = bus, sensor, nobody, after_s
        self.state: Resting = "awake"
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._off: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to follow; nothing to do without a sensor."""
        if self._sensor is None:
            return
        for kind in (PresenceChanged, Pressed, Held, Scanned, Outcome):
            self._off.append(self._bus.on(kind, self._stirred))
        self._off.append(self._bus.on(DeviceState, lambda _: self._look()))
        self._stirred()

    def stop(self) -> None:
        """Follow no more; the screen is awake."""
        for off in self._off:
            off()
        self._off = []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._go("awake")

    def _stirred(self, _: Event | None = None) -> None:
        """Begin to wait anew: somebody came, left, pressed, scanned, or is being told something."""
        self._last = asyncio.get_running_loop().time()
        self._look()

    def _look(self) -> None:
        assert self._sensor is not None
        loop = asyncio.get_running_loop()
        quiet_s = loop.time() - self._last
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if quiet_s < self._after_s:
            self._timer = loop.call_later(self._after_s - quiet_s, self._look)
        self._go(resting(self._nobody, self._sensor.state, self._sensor.present, quiet_s, self._after_s))

    def _go(self, state: Resting) -> None:
        if state != self.state:
            self.state = state
            self._bus.publish(RestChanged(state=state))
