"""One table of outcomes: shape, light, sound. Each works for those who cannot see colours and those who cannot hear."""

from __future__ import annotations

from typing import Protocol

import msgspec

from kiosk.events import Bus, Outcome, OutcomeKind


class Signal(msgspec.Struct, frozen=True):
    """How one kind of outcome is shown."""

    shape: str
    colour: str
    pattern: str
    """steady, double (two flashes), fast, slow: rhythm tells what colour alone must not."""
    sound: str
    """Beeps: `.` short, `-` long; two short are accepted, one long is refused."""


TABLE: dict[OutcomeKind, Signal] = {
    "confirmed": Signal("confirmed", "green", "steady", ".."),
    "accepted": Signal("accepted", "green", "double", ".."),
    "refused": Signal("refused", "red", "steady", "-"),
    "retry": Signal("retry", "red", "slow", "-."),
    "help": Signal("help", "red", "fast", "---"),
    "printed": Signal("printed", "blue", "steady", "."),
    "info": Signal("info", "blue", "slow", ""),
    "busy": Signal("retry", "blue", "fast", ""),
}


class Lights(Protocol):
    """The part of the lights that feedback needs."""

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        """Show a colour in a rhythm; the latest call wins."""


class Buzzer(Protocol):
    """The part of the buzzer that feedback needs."""

    def play(self, sound: str) -> None:
        """Play beeps; the latest call wins."""


class Feedback:
    """Lets lights and sound follow every outcome."""

    def __init__(self, bus: Bus, lights: Lights | None, buzzer: Buzzer | None) -> None:
        self._lights, self._buzzer = lights, buzzer
        self._off = bus.on(Outcome, self._show)

    def stop(self) -> None:
        """Follow no more."""
        self._off()

    def _show(self, outcome: Outcome) -> None:
        signal = TABLE[outcome.kind]
        if self._lights is not None:
            self._lights.show(signal.colour, signal.pattern, outcome.until_s)
        if self._buzzer is not None and signal.sound:
            self._buzzer.play(signal.sound)
