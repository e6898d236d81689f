"""The ports of the counter's devices."""

from __future__ import annotations

from typing import Literal, Protocol

State = Literal["ok", "absent", "error", "starting"]


class Device(Protocol):
    """What every device has."""

    name: str
    kind: str
    url: str

    @property
    def state(self) -> State:
        """Return how it is."""

    @property
    def detail(self) -> str:
        """Return a sentence about the state."""

    async def start(self) -> None:
        """Begin; a device that is not there is retried, never an error."""

    async def stop(self) -> None:
        """Let go of it."""


class Lights(Device, Protocol):
    """Coloured light; the latest call wins."""

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        """Show `green`, `red` or `blue`, `steady`, `double`, `fast` or `slow`, for a while."""


class Buzzer(Device, Protocol):
    """Beeps; the latest call wins."""

    def play(self, sound: str) -> None:
        """Play `.` short and `-` long beeps."""


class TextDisplay(Device, Protocol):
    """A small display; the latest call wins."""

    def show_code(self, data: str, lines: tuple[str, ...]) -> None:
        """Show a code and up to three lines of text."""


class HardwareError(Exception):
    """A device that cannot be used as configured: one sentence."""
