"""The port of a printer."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Literal, Protocol, runtime_checkable

import msgspec

from kiosk.printing.profiles import Profile

Wants = str
"""The renderer whose output a printer takes: `escpos`, `png`, or a cloud's scheme (`kiosk.printing.render`)."""
Ended = Literal["printed", "failed", "unknown"]
"""printed; failed before the first byte (safe to send again); unknown (a person must look)."""
Trouble = Literal[
    "",
    "not_present",
    "permission",
    "busy",
    "gone",
    "blocked",
    "io",
    "no_answer",
    "unconfirmed",
    "configuration",
]
"""blocked: no paper, cover open, nobody reads; no_answer: it took the job and fell silent; unconfirmed: it never confirms."""
State = Literal["ok", "near_end", "out", "cover", "offline", "error", "cannot_ask", "nobody_answered"]


class Outcome(msgspec.Struct, frozen=True):
    """How a job ended."""

    ended: Ended
    trouble: Trouble = ""
    detail: str = ""
    sent: int = 0
    """Bytes that left."""


class Status(msgspec.Struct, frozen=True):
    """What a printer says of itself."""

    state: State
    detail: str = ""


class Printer(Protocol):
    """One slip printer."""

    name: str
    url: str
    profile: Profile
    wants: Wants

    async def start(self) -> None:
        """Make ready; a printer that is not there is no error."""

    async def stop(self) -> None:
        """Let go of the device."""

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Print a job; never raises for what a printer can do wrong.

        `rid` names this print: letters and digits, another one for each print, reprints too. `copies` is the slip's; only
        a printer whose job cannot say it (Feie) passes it on. A printer calls `has_left` when the whole job is on its way
        (with the cloud's number for it), and may be cancelled at any time.
        """

    async def status(self) -> Status:
        """Ask how the printer is."""


@runtime_checkable
class Follows(Printer, Protocol):
    """A printer that knows a job after everything here was forgotten: by its number, or also by our own name for it."""

    by_rid: bool
    """It can tell of a job by its `rid` alone, so also of one that was broken off before a number came back."""

    async def follow_up(self, reference: str, *, rid: str, age_s: float, whole_s: float) -> Outcome | None:
        """Tell what became of a job that left `age_s` ago and had `whole_s` in all; None when nobody answers now.

        `reference` is empty when no number came back (`by_rid` only).
        """


class PrinterError(Exception):
    """A printer that cannot be used as configured: one sentence."""


_left: ContextVar[Callable[[str], Awaitable[None]] | None] = ContextVar("left", default=None)


def when_left(note: Callable[[str], Awaitable[None]] | None) -> None:
    """Have `note` called when the job that this task sends has left as a whole."""
    _left.set(note)


async def has_left(reference: str = "") -> None:
    """Say that the whole job has left; `reference` is the number that a cloud gave it."""
    if (note := _left.get()) is not None:
        await note(reference)


TROUBLES: dict[int, Trouble] = {
    errno.ENOENT: "not_present",
    errno.ENXIO: "not_present",
    errno.ECONNREFUSED: "not_present",
    errno.EHOSTUNREACH: "not_present",
    errno.ENETUNREACH: "not_present",
    errno.EACCES: "permission",
    errno.EPERM: "permission",
    errno.EBUSY: "busy",
    errno.ENODEV: "gone",
    errno.EPIPE: "gone",
    errno.ECONNRESET: "gone",
    errno.EIO: "gone",
    errno.EAGAIN: "blocked",
    errno.ETIMEDOUT: "blocked",
}


def trouble_of(err: OSError) -> Trouble:
    """Map an error of the system."""
    return TROUBLES.get(err.errno or 0, "io")


def failed(trouble: Trouble, detail: str, sent: int) -> Outcome:
    """Return the outcome of a job that broke: safe to repeat only when nothing had left."""
    return Outcome("unknown" if sent else "failed", trouble, detail, sent)
