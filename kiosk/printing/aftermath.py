"""What the last run had given to a cloud and not heard of: the cloud is asked what became of it, beside the new slips."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from kiosk.journal.rows import JobRow
from kiosk.printing.printers.port import Follows, Outcome, Printer

log = logging.getLogger(__name__)
PATIENCE_S = 180.0
"""After a power cut the network is back in a minute or two; then a person has to look."""
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)
STOPPED = "the kiosk stopped while this slip was being sent"


class Aftermath:
    """Settles jobs of the last run, each in a task of its own; one that a stop breaks off is asked about after the next start."""

    def __init__(
        self, end: Callable[[str, Outcome], Awaitable[None]], deadline_s: Callable[[JobRow, Printer], float]
    ) -> None:
        self._end, self._deadline_s = end, deadline_s
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, rows: Iterable[JobRow], printers: Iterable[Printer], now: datetime) -> None:
        """Ask about each job that its cloud knows, by number or by our name; every other one is *unknown* at once."""
        known = {p.url: p for p in printers}
        for row in rows:
            printer = known.get(row.detail.get("url", ""))
            if isinstance(printer, Follows) and _known(row, printer):
                age_s = max(0.0, (now - row.changed_at).total_seconds())
                task = asyncio.create_task(self._settle(row, printer, age_s), name=f"ask about {row.id}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                await self._end(row.id, Outcome("unknown", "", STOPPED))

    async def stop(self) -> None:
        """Ask no more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _settle(self, row: JobRow, printer: Follows, age_s: float) -> None:
        """Ask until the cloud answers, or nobody has patience any more."""
        loop = asyncio.get_running_loop()
        began, whole_s, pauses = loop.time(), self._deadline_s(row, printer), iter(PAUSES_S)
        outcome: Outcome | None = None
        while outcome is None and loop.time() - began < PATIENCE_S:
            age = age_s + loop.time() - began
            reference, rid = row.detail.get("reference", ""), row.detail.get("print", "")
            outcome = await printer.follow_up(reference, rid=rid, age_s=age, whole_s=whole_s)
            if outcome is None:
                await asyncio.sleep(next(pauses, PAUSES_S[-1]))
        try:
            await self._end(
                row.id, outcome or Outcome("unknown", "no_answer", f"{STOPPED}; its cloud is away")
            )
        except Exception:
            log.exception("job %s: how it ended cannot be recorded; it is asked about again", row.id)


def _known(row: JobRow, printer: Follows) -> bool:
    """Tell whether a printer can say what became of a job."""
    if row.state == "sent" and row.detail.get("reference"):
        return True
    return printer.by_rid and bool(row.detail.get("print"))
