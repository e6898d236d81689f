"""The ports of the counter's devices.

A device is never an error of the kiosk: what is not there is retried for ever, and the rest goes on. `state` is one word,
`detail` one sentence that says what to do about it.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

State = Literal["ok", "absent", "error", "starting"]
"""ok; absent (not plugged in, gone, or stopped); error (there, and does not work as configured); starting."""


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


def experimental(device: Device) -> bool:
    """Tell whether nobody has seen a device of this family work with this program."""
    return bool(getattr(device, "experimental", False))


def draws(device: Device) -> QrCapability | None:
    """Return what a display draws; None for devices that are none."""
    return getattr(device, "qr", None)


class Lights(Device, Protocol):
    """Coloured light; the latest call wins."""

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        """Show `green`, `red` or `blue`, `steady`, `double`, `fast` or `slow`, for a while."""


class Buzzer(Device, Protocol):
    """Beeps; the latest call wins."""

    def play(self, sound: str) -> None:
        """Play `.` short and `-` long beeps."""


Level = Literal["L", "M", "Q", "H"]
LEVELS: tuple[Level, ...] = ("L", "M", "Q", "H")
"""Error correction of QR codes, the lowest first."""


class QrCapability(msgspec.Struct, frozen=True):
    """What a display can draw of a QR code."""

    max_bytes: int = 0
    """Longest code; 0: it shows text only."""
    level: Level | None = None
    """Level that it draws with by itself, where that is known."""
    levels: tuple[Level, ...] = ()
    """Levels that it can be told to draw; empty: it has no command for them."""

    def __str__(self) -> str:
        """Say it in a few words."""
        if not self.max_bytes:
            return "text only"
        if self.levels:
            how = f"level {self.levels[0]} to {self.levels[-1]}, chosen here"
        else:
            how = f"level {self.level}" if self.level else "at a level of its own"
        return f"codes of up to {self.max_bytes} bytes, {how}"


class Display(Device, Protocol):
    """A small display for a code, for text or for both; the latest call wins and is sent again after a reconnect."""

    qr: QrCapability

    def show_code(self, data: str, lines: tuple[str, ...]) -> None:
        """Show a code and up to three lines of text; an empty code shows text alone."""


class Drawer(Device, Protocol):
    """A cash drawer."""

    def open(self, by: str = "") -> bool:
        """Open it; `by` is who asked for it (`till:NAME`, `staff:NAME`). False when it is not there to be opened."""


Can = Literal["text", "clips", "amount"]
"""What a speaker can say: any text; recordings stored in it, by name; an amount of money between fixed words."""


class Announcement(msgspec.Struct, frozen=True):
    """Something to be said. Each speaker takes the part that it can say."""

    text: str = ""
    clip: str = ""
    amount: int | None = None
    """In fen. Never set for a coupon: speakers that know amounts only say "received", which would not be true."""


class Speaker(Device, Protocol):
    """A speaker; the latest wins, and what is older than 15 s is never said."""

    can: frozenset[Can]

    def say(self, announcement: Announcement) -> bool:
        """Say something; False when it has no part that this speaker can say."""


class Till(Device, Protocol):
    """A cash register: it pushes baskets (`BasketPushed`) and is told what became of them."""

    def answer(self, message: dict[str, object]) -> bool:
        """Send an answer; False when it is not there to hear it: what counts is in the journal."""


class HardwareError(Exception):
    """A device that cannot be used as configured: one sentence."""
