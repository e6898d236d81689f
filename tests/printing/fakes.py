"""A printer whose every outcome is said beforehand: for the decisions of the spooler."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kiosk.printing.printers.port import Outcome, Status, Wants, has_left
from kiosk.printing.profiles import Profile
from tests.printing.made import P58

PRINTED = Outcome("printed", "", "", 10)
UNKNOWN = Outcome("unknown", "blocked", "no paper", 10)
FAILED = Outcome("failed", "not_present", "not there", 0)


class FakePrinter:
    """Gives its outcomes in turn, the last one for ever."""

    wants: Wants = "escpos"

    def __init__(self, name: str, *outcomes: Outcome, profile: Profile = P58) -> None:
        self.name, self.url, self.profile = name, f"fake://{name}", profile
        self.outcomes: Sequence[Outcome] = outcomes or (PRINTED,)
        self.jobs: list[tuple[str, bytes]] = []
        self.sent = 0
        self.gate = asyncio.Event()
        self.gate.set()
        """Cleared: a job hangs after `hang_at` bytes."""
        self.hang_at = 10
        self.started = self.stopped = 0

    async def start(self) -> None:
        """Count."""
        self.started += 1

    async def stop(self) -> None:
        """Count."""
        self.stopped += 1

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Take a job."""
        self.jobs.append((rid, job))
        self.sent = 0 if self.gate.is_set() else self.hang_at
        await self.gate.wait()
        outcome = self.outcomes[min(len(self.jobs), len(self.outcomes)) - 1]
        self.sent = outcome.sent
        if outcome.sent:
            await has_left(f"order-{len(self.jobs)}")
        return outcome

    async def status(self) -> Status:
        """Be fine."""
        return Status("ok")
