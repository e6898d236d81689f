"""Rhythms of lights and beeps, played on the loop: gpiozero's own blinking takes a thread for each LED. Latest wins.

What a colour says is said by the rhythm too, for those who cannot tell red from green.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf

Step = tuple[bool, float]
"""On or off, and for how many seconds."""

PATTERNS: dict[str, tuple[Step, ...]] = {
    "steady": ((True, inf),),
    "double": ((True, 0.15), (False, 0.15), (True, 0.15), (False, 0.75)),
    "fast": ((True, 0.1), (False, 0.1)),
    "slow": ((True, 0.6), (False, 0.6)),
}
"""Repeated until the time of the light is over."""
SHORT_S, LONG_S, GAP_S = 0.08, 0.5, 0.08


def beeps(sound: str) -> tuple[Step, ...]:
    """Return the steps of `.` short and `-` long beeps; other characters are silence of the same length as a gap. Pure."""
    steps: list[Step] = []
    for mark in sound:
        length = {".": SHORT_S, "-": LONG_S}.get(mark)
        steps += [(True, length), (False, GAP_S)] if length else [(False, GAP_S)]
    return tuple(steps)


class Player:
    """Plays steps on something that can be switched; off at the end, and off before the next is played."""

    def __init__(self, switch: Callable[[bool], None]) -> None:
        self._switch = switch
        self._timers: list[asyncio.TimerHandle] = []
        self._on = False

    def play(self, steps: Sequence[Step], *, seconds: float | None = None) -> None:
        """Play steps once, or again and again for `seconds`."""
        self.stop()
        if not steps:
            return
        if seconds is not None:
            self._timers = [asyncio.get_running_loop().call_later(seconds, self.stop)]
        self._step(steps, 0, repeat=seconds is not None)

    def stop(self) -> None:
        """Switch off."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        self._set(on=False)

    def _step(self, steps: Sequence[Step], at: int, *, repeat: bool) -> None:
        if at == len(steps):
            if not repeat:
                self.stop()
                return
            at = 0
        on, seconds = steps[at]
        self._set(on=on)
        if seconds != inf:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(seconds, lambda: self._step(steps, at + 1, repeat=repeat))
            self._timers = [*self._timers[: int(repeat)], timer]

    def _set(self, *, on: bool) -> None:
        if on != self._on:
            self._on = on
            self._switch(on)
