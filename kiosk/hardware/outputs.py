"""Lights, buzzers and a relay on pins. Nothing here takes a thread, but for the relay's last resort."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from kiosk.events import Bus
from kiosk.hardware.board import Board, OnPins
from kiosk.hardware.rhythm import PATTERNS, Player, beeps
from kiosk.hardware.signals import DrawerOpened

TONE_HZ = 2700
"""Where small piezo discs are loudest."""
LONGEST_PULSE_S = 1.0
"""No drawer and no gate needs longer, and a coil that stays on gets hot."""
GRACE_S = 0.1


class GpioLights(OnPins):
    """Red, green and blue LEDs."""

    kind = "lights"

    def __init__(self, name: str, pins: dict[str, int], board: Board, bus: Bus) -> None:
        super().__init__(name, board, bus)
        self._pins = pins
        self._leds: dict[str, Any] = {}
        self._players: dict[str, Player] = {}

    def _take(self) -> None:
        for colour, pin in self._pins.items():
            led = self._leds[colour] = self._board.take("DigitalOutputDevice", pin)
            self._players[colour] = Player(_switch(led))

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        """Show a colour in a rhythm for a while; the latest call wins."""
        for player in self._players.values():
            player.stop()
        if (player := self._players.get(colour)) is not None:  # type: ignore[assignment]
            player.play(PATTERNS.get(pattern, PATTERNS["steady"]), seconds=seconds)

    def _give(self) -> None:
        for player in self._players.values():
            player.stop()
        for led in self._leds.values():
            self._board.give(led)
        self._players, self._leds = {}, {}


def quiet(at: time, begin: time | None, end: time | None) -> bool:
    """Tell whether a time of day lies in quiet hours, which may go past midnight. Pure."""
    if begin is None or end is None or begin == end:
        return False
    if begin < end:
        return begin <= at < end
    return at >= begin or at < end


class GpioBuzzer(OnPins):
    """An active buzzer (it beeps when it has power) or a passive one (a piezo disc, which needs a tone)."""

    kind = "buzzer"

    def __init__(
        self,
        name: str,
        pin: int,
        board: Board,
        bus: Bus,
        *,
        passive: bool = False,
        hours: tuple[time | None, time | None] = (None, None),
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        super().__init__(name, board, bus)
        self._pin, self._passive, self._hours, self._now = pin, passive, hours, now
        self._device: Any = None
        self._player: Player | None = None

    def _take(self) -> None:
        if self._passive:
            self._device = self._board.take("PWMOutputDevice", self._pin, frequency=TONE_HZ)
            self._player = Player(lambda on: setattr(self._device, "value", 0.5 if on else 0.0))
        else:
            self._device = self._board.take("DigitalOutputDevice", self._pin)
            self._player = Player(_switch(self._device))

    def play(self, sound: str) -> None:
        """Play beeps, but for quiet hours; the latest call wins."""
        if self._player is not None and not quiet(self._now().time(), *self._hours):
            self._player.play(beeps(sound))

    def _give(self) -> None:
        if self._player is not None:
            self._player.stop()
            self._player = None
        if self._device is not None:
            self._board.give(self._device)
            self._device = None


class GpioRelay(OnPins):
    """A cash drawer behind a relay: one pulse, with a hard maximum that holds even while the loop is blocked."""

    kind = "drawer"

    def __init__(self, name: str, pin: int, board: Board, bus: Bus, *, pulse_s: float = 0.2) -> None:
        super().__init__(name, board, bus)
        self._pin, self._pulse_s = pin, min(pulse_s, LONGEST_PULSE_S)
        self._device: Any = None
        self._off: asyncio.TimerHandle | None = None
        self._guard: threading.Timer | None = None

    def _take(self) -> None:
        self._device = self._board.take("DigitalOutputDevice", self._pin)

    def open(self, by: str = "") -> bool:
        """Give one pulse; `by` is who asked for it. False when there is no pin, or while the last pulse still runs."""
        if self._device is None or self._off is not None:
            return False
        self._guard = threading.Timer(self._pulse_s + GRACE_S, self._device.off)
        self._guard.name, self._guard.daemon = f"relay-{self.name}", True
        self._guard.start()
        self._device.on()
        self._off = asyncio.get_running_loop().call_later(self._pulse_s, self._end)
        self._bus.publish(DrawerOpened(drawer=self.name, by=by))
        return True

    def _end(self) -> None:
        if self._off is not None:
            self._off.cancel()
            self._off = None
        if self._guard is not None:
            self._guard.cancel()
            self._guard.join()
            self._guard = None
        if self._device is not None:
            self._device.off()

    def _give(self) -> None:
        self._end()
        if self._device is not None:
            self._board.give(self._device)
            self._device = None


def _switch(device: Any) -> Callable[[bool], None]:
    def switch(on: bool) -> None:
        (device.on if on else device.off)()

    return switch
