"""Jobs: durable before they are sent, honest when they end.

A job ends as *printed*, *failed before the first byte* or *unknown*. Only the second goes on to the next printer, or is tried
again, without a person: a slip that may be on paper is never sent twice by itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

import msgspec

from kiosk.coupons.ids import new_rid
from kiosk.events import Bus, PrintDone
from kiosk.journal.rows import JobRow
from kiosk.journal.store import Journal
from kiosk.printing.printers.port import Outcome, Printer
from kiosk.printing.render import render
from kiosk.printing.slip import Slip, parse_slip

log = logging.getLogger(__name__)
JOB_S = 20.0
"""Longest slip (some 40 cm at 60 mm/s) plus the barrier."""
ENDED = ("printed", "failed", "unknown")


class Spooler:
    """Prints slips in order, one at a time."""

    def __init__(
        self, journal: Journal, bus: Bus, printers: Sequence[Printer], mirrors: Sequence[Printer]
    ) -> None:
        self._journal, self._bus, self.printers, self.mirrors = journal, bus, list(printers), list(mirrors)
        self._one = asyncio.Lock()
        self._copies: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the printers; a job that was being sent when the power went is unknown, a queued one never left."""
        for printer in (*self.printers, *self.mirrors):
            await printer.start()
        for job in await self._journal.jobs(("sending",)):
            await self._journal.job_mark(
                job.id, "unknown", {"reason": "the kiosk stopped while this slip was being sent"}, item=True
            )
        for job in await self._journal.jobs(("queued",)):
            await self._journal.job_mark(
                job.id, "failed", {"reason": "the kiosk stopped before this slip was sent"}, item=True
            )

    async def stop(self) -> None:
        """Wait for the slip under way, then let go of the printers."""
        async with self._one:
            if self._copies:
                await asyncio.gather(*self._copies, return_exceptions=True)
        for printer in (*self.mirrors, *self.printers):
            await printer.stop()

    async def print(
        self, slip: Slip, *, rid: str, kind: str, coupon: str = "", reprint_of: str = ""
    ) -> JobRow:
        """Print a slip and return how it ended. It is durable before anything leaves."""
        job = new_rid()
        detail: dict[str, Any] = {"coupon": coupon} if coupon else {}
        if reprint_of:
            detail["reprint_of"] = reprint_of
        await self._journal.job_add(job, rid, kind, msgspec.json.encode(slip), detail)
        async with self._one:
            await asyncio.shield(self._send(job, slip, rid))
        row = await self._journal.job(job)
        assert row is not None
        return row

    async def _send(self, job: str, slip: Slip, rid: str) -> None:
        """Try the printers in the order configured until one has taken the first byte."""
        outcome, name = Outcome("failed", "not_present", "no printer is configured"), ""
        for printer in self.printers:
            name = printer.name
            await self._journal.job_mark(job, "sending", {"printer": name}, item=False)
            outcome = await self._try(printer, slip, job)
            if outcome.ended != "failed":
                break
            log.warning("printer %s took nothing of job %s: %s", name, job, outcome.detail)
        detail = {
            "printer": name,
            "reason": outcome.trouble,
            "detail": outcome.detail[:200],
            "sent": outcome.sent,
        }
        await self._journal.job_mark(job, outcome.ended, detail, item=True)
        if outcome.ended == "printed":
            self._mirror(slip, rid)
        self._bus.publish(PrintDone(job=job, outcome=outcome.ended, reason=outcome.trouble))

    async def _try(self, printer: Printer, slip: Slip, rid: str) -> Outcome:
        to = printer.wants
        rendered = (
            await asyncio.to_thread(render, slip, to, printer.profile)
            if to == "png"
            else render(slip, to, printer.profile)
        )
        for note in rendered.report.lost:
            log.warning("slip %s: %s", rid, note)
        return await printer.send(rendered.data, rid=rid, deadline_s=JOB_S, copies=slip.copies)

    def _mirror(self, slip: Slip, rid: str) -> None:
        """Give every mirror a copy, beside the customer's."""
        for printer in self.mirrors:
            task = asyncio.create_task(self._copy(printer, slip, rid), name=f"mirror-{printer.name}")
            self._copies.add(task)
            task.add_done_callback(self._copies.discard)

    async def _copy(self, printer: Printer, slip: Slip, rid: str) -> None:
        outcome = await self._try(printer, slip, rid)
        if outcome.ended != "printed":
            log.warning("mirror %s: %s", printer.name, outcome.detail)

    async def reprint(self, job_id: str) -> JobRow | None:
        """Print a job once more because a person asks for it; the same code, so it is worth once."""
        job = await self._journal.job(job_id)
        if job is None or job.state not in ENDED:
            return None
        return await self.print(
            parse_slip(json.loads(job.slip)), rid=job.rid, kind=job.kind, reprint_of=job.id
        )

    def find(self, name: str) -> Printer | None:
        """Return a printer by name."""
        return next((p for p in (*self.printers, *self.mirrors) if p.name == name), None)

    async def test(self, printer: Printer, slip: Slip) -> Outcome:
        """Print on one printer, past the queue's choice."""
        async with self._one:
            return await self._try(printer, slip, new_rid())
