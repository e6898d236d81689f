"""Buttons, a presence sensor and the power-good line on pins.

gpiozero's debounce loses and invents events (its issues 378, 550, 1090), and its callbacks come on threads: here every
edge only starts a timer on the loop, and what the pin says when it has been quiet for 25 ms is what counts.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Any

from kiosk.events import Bus, Pressed
from kiosk.hardware.board import Board, OnPins
from kiosk.hardware.signals import Held, PowerBack, PowerFailing, PresenceChanged

QUIET_S = 0.025
"""Arcade buttons bounce for up to 20 ms."""
CHATTER_EDGES = 100
"""Edges within a second that no hand makes: eight presses a second with six bounces each."""
STUCK_S = 30.0
POWER_S = 2.0
"""A dip of the mains that is shorter stops nothing."""


class OnInput(OnPins):
    """A line that is read. A line that chatters is let go for a while, or it would keep the loop busy."""

    quiet_s = QUIET_S

    def __init__(self, name: str, pin: int, board: Board, bus: Bus, *, pull_up: bool = True) -> None:
        super().__init__(name, board, bus)
        self._pin, self._pull_up = pin, pull_up
        self._device: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = False
        self._edges = self._counted = 0
        self._second = (0.0, 0)
        self._settles: asyncio.TimerHandle | None = None
        self.active = False
        """Whether the line is active now, once it has settled."""

    @abstractmethod
    def _changed(self, active: bool) -> None:
        """Act on a line that has settled at another level."""

    def _take(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._device = self._board.take("DigitalInputDevice", self._pin, pull_up=self._pull_up)
        self.active = bool(self._device.value)
        self._told, self._second = False, (0.0, self._edges)
        self._counted = self._edges
        self._device.when_activated = self._device.when_deactivated = self._edge_on_a_thread

    def _give(self) -> None:
        if self._settles is not None:
            self._settles.cancel()
            self._settles = None
        if self._device is not None:
            self._board.give(self._device)
            self._device = None

    def _edge_on_a_thread(self) -> None:
        """Count an edge; the loop is told of many at once."""
        self._edges += 1
        if not self._told and self._loop is not None:
            self._told = True
            self._loop.call_soon_threadsafe(self._edge)

    def _edge(self) -> None:
        self._told = False
        if self._device is None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() - self._second[0] > 1:
            self._second = (loop.time(), self._counted)
        self._counted = self._edges
        if self._counted - self._second[1] > CHATTER_EDGES:
            self._give()
            self._fail(
                f"pin {self._pin} chatters; it is switched off for a while: check its wire and its ground."
            )
            return
        if self._settles is not None:
            self._settles.cancel()
        self._settles = loop.call_later(self.quiet_s, self._settle)

    def _settle(self) -> None:
        self._settles = None
        active = bool(self._device.value)
        if active != self.active:
            self.active = active
            self._changed(active)


class GpioButton(OnInput):
    """A button to ground. With `hold_s` a long press is told as `Held`, and a short one when it is let go."""

    kind = "button"

    def __init__(self, name: str, pin: int, board: Board, bus: Bus, *, hold_s: float = 0.0) -> None:
        super().__init__(name, pin, board, bus)
        self._hold_s = hold_s
        self._held = False
        self._timers: list[asyncio.TimerHandle] = []

    def _take(self) -> None:
        super()._take()
        if self.active:
            self._held = True  # down since before the start: nobody has pressed it now
            self._wait_for_stuck()

    def _changed(self, active: bool) -> None:
        if active:
            self._held = False
            self._wait_for_stuck()
            if self._hold_s:
                self._timers.append(asyncio.get_running_loop().call_later(self._hold_s, self._hold))
            else:
                self._bus.publish(Pressed(button=self.name))
            return
        self._forget()
        if self._state == "error":
            self._go("ok")
        elif self._hold_s and not self._held:
            self._bus.publish(Pressed(button=self.name))

    def _hold(self) -> None:
        self._held = True
        self._bus.publish(Held(button=self.name))

    def _wait_for_stuck(self) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(STUCK_S, self._stuck))

    def _stuck(self) -> None:
        self._go("error", f"has been down for {STUCK_S:g} s: it is stuck, or its wire touches ground.")

    def _forget(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers = []

    def _give(self) -> None:
        self._forget()
        super()._give()


class GpioPresence(OnInput):
    """A radar or PIR sensor, active high; somebody is there until it has been still for `hold_s`."""

    kind = "presence"

    def __init__(self, name: str, pin: int, board: Board, bus: Bus, *, hold_s: float = 30.0) -> None:
        super().__init__(name, pin, board, bus, pull_up=False)
        self._hold_s = hold_s
        self._leaves: asyncio.TimerHandle | None = None
        self.present = False

    def _changed(self, active: bool) -> None:
        if self._leaves is not None:
            self._leaves.cancel()
            self._leaves = None
        if not active:
            self._leaves = asyncio.get_running_loop().call_later(self._hold_s, self._tell, False)
        elif not self.present:
            self._tell(True)

    def _take(self) -> None:
        super()._take()
        if self.active != self.present:  # somebody stands there already, or has left while the pin was let go
            self._changed(self.active)

    def _tell(self, present: bool) -> None:
        self.present = present
        self._bus.publish(PresenceChanged(present=present))

    def _give(self) -> None:
        if self._leaves is not None:
            self._leaves.cancel()
            self._leaves = None
        super()._give()


class GpioPower(OnInput):
    """The line of a UPS that says whether the mains are there."""

    kind = "power"
    quiet_s = POWER_S

    def __init__(self, name: str, pin: int, board: Board, bus: Bus, *, good_high: bool = True) -> None:
        super().__init__(name, pin, board, bus, pull_up=not good_high)
        self._good_high = good_high

    def _changed(self, active: bool) -> None:
        # a line that is pulled up is active when it is low; either way "active" is the level that means good
        if active:
            self._go("ok")
            self._bus.publish(PowerBack())
        else:
            self._go("error", "the mains are gone; the kiosk runs on its battery and stops.")
            self._bus.publish(PowerFailing())

    def _take(self) -> None:
        super()._take()
        if not self.active:
            self.active = True  # told as a change if it stays so
            self._edge()
