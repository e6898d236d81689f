"""hub+feie://SN, hub+yilianyun://MACHINE: the hub holds the account and prints; the kiosk hands it the rendered slip.

The hub knows a print by its id and does it once, so a lost answer is asked for again under the same id.
"""

from __future__ import annotations

import asyncio
from typing import Literal, Protocol

import msgspec

from kiosk.printing.printers.port import Outcome, Status, Trouble, Wants, has_left
from kiosk.printing.profiles import Profile

CALL_S = 5.0
MARGIN_S = 2.0
"""Kept from the deadline that the hub is given, so that its answer is here in time."""
PAUSE_S = 0.5
FOLLOW_S = 10.0
"""Longest wait for one answer about a print of the last run; it is asked for again."""


class HubJob(msgspec.Struct, frozen=True):
    """One print as the hub is asked for it."""

    rid: str
    printer: str
    """The printer's address at the hub, such as feie://920000001."""
    content: str
    copies: int
    deadline_s: float


class ViaError(Exception):
    """The hub did not print: one sentence. `away`: nobody answered, so it may have."""

    def __init__(self, detail: str, trouble: Trouble, *, away: bool) -> None:
        super().__init__(detail)
        self.trouble, self.away = trouble, away


class Via(Protocol):
    """The way to the hub; handed in by who knows it."""

    async def print(self, job: HubJob, wait_s: float) -> Outcome:
        """Have a slip printed and return how it ended; the same `rid` again gives the same answer. ViaError."""

    async def ended(self, rid: str, wait_s: float) -> Outcome:
        """Return how a print ended; one that the hub never got can never print after this. ViaError."""

    async def status(self, printer: str, wait_s: float) -> Status:
        """Return how a printer is. ViaError."""


class HubPrinter:
    """A cloud printer of the fleet's account."""

    by_rid = True

    def __init__(
        self,
        name: str,
        url: str,
        profile: Profile,
        cloud: str,
        number: str,
        via: Via,
    ) -> None:
        self.name, self.url, self.profile = name, url, profile
        self.wants: Wants = cloud
        self._there, self._via = f"{cloud}://{number}", via
        self._one = asyncio.Lock()
        self.sent = 0
        """Bytes of the print under way, or of the last one, that may have left."""

    async def start(self) -> None:
        """Do nothing yet: the way to the hub is not ours to open."""
        return

    async def stop(self) -> None:
        """Wait for the print under way."""
        async with self._one:
            return

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Have the hub print; a hub that is away is noticed before anything is asked of it."""
        asked = False
        try:
            async with asyncio.timeout(deadline_s), self._one:
                end, self.sent = asyncio.get_running_loop().time() + deadline_s, 0
                try:
                    await self._via.status(self._there, min(CALL_S, deadline_s * 0.3))
                except ViaError as err:
                    return Outcome("failed", err.trouble, f"{err} Nothing was printed.")
                asked, self.sent = True, len(job)
                await has_left(rid)
                return await self._ask(job.decode("utf-8"), rid, end, copies)
        except TimeoutError:
            told = f"the hub has not told how it ended within {deadline_s:g} s"
            return Outcome("unknown" if asked else "failed", "no_answer", told, len(job) if asked else 0)

    async def _ask(self, content: str, rid: str, end: float, copies: int) -> Outcome:
        """Ask until there is an answer; TimeoutError by the caller's deadline."""
        again = False
        while True:
            left = end - asyncio.get_running_loop().time()
            ask = HubJob(rid, self._there, content, copies, max(1.0, left - MARGIN_S))
            try:
                outcome = await self._via.print(ask, left)
            except ViaError as err:
                if not err.away:
                    ended: Literal["unknown", "failed"] = "unknown" if again else "failed"
                    return Outcome(ended, err.trouble, str(err), len(content.encode()) if again else 0)
            else:
                return outcome
            again = True
            await asyncio.sleep(PAUSE_S)

    async def follow_up(self, reference: str, *, rid: str, age_s: float, whole_s: float) -> Outcome | None:
        """Ask the hub how a print of the last run ended; it tells by the print's own deadline at the latest."""
        del reference, age_s  # the hub knows the print by our own name for it, and its time
        try:
            return await self._via.ended(rid, min(FOLLOW_S, whole_s))
        except ViaError as err:
            return None if err.away else Outcome("unknown", err.trouble, str(err))

    async def status(self) -> Status:
        """Ask the hub for the printer's state."""
        try:
            return await self._via.status(self._there, CALL_S)
        except ViaError as err:
            return Status("nobody_answered" if err.away else "error", str(err))
