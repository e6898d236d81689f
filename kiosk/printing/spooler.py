"""Jobs: durable before they are sent, honest when they end.

queued -> sending -> sent -> printed | unknown | failed. Only *failed before the first byte* goes on to the next printer, or
is tried again, without a person: a slip that may be on paper is never sent twice by itself. What was being sent when the
kiosk stopped, by whatever means, is *unknown*; what a cloud had taken by then, the cloud is asked about.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from kiosk.coupons.ids import new_rid
from kiosk.events import Bus, PrintDone
from kiosk.journal.errors import JournalError
from kiosk.journal.rows import JobRow
from kiosk.journal.store import Journal
from kiosk.printing.aftermath import STOPPED, Aftermath
from kiosk.printing.mirrors import Mirrors
from kiosk.printing.pictures import load_pictures
from kiosk.printing.printers.port import Follows, Outcome, Printer, when_left
from kiosk.printing.queue import CAP, Queue, Waiting, rule_of
from kiosk.printing.render import render
from kiosk.printing.report import Rendered
from kiosk.printing.slip import Slip, SlipError, bounded, parse_slip
from kiosk.printing.templates import as_copy

log = logging.getLogger(__name__)
JOB_S = 20.0
"""Longest slip (some 40 cm at 60 mm/s) plus the barrier."""
GRACE_S = 1.5
"""How long a stop waits for the slip under way; the daemon gives every part 3 s."""
LET_GO_S = 0.5
PAUSED = "printing_paused"


class Spooler:
    """Prints slips in order, one at a time."""

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        printers: Sequence[Printer],
        mirrors: Sequence[Printer],
        *,
        pictures: Path | None = None,
        locale: str = "zh_CN",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._bus, self.printers, self.mirrors = journal, bus, list(printers), list(mirrors)
        self._pictures, self._locale, self._now = pictures, locale, now
        self._queue = Queue()
        self._numbers = itertools.count()
        self._changed = asyncio.Event()
        self._aftermath = Aftermath(self._end, _whole_s)
        self._copies = Mirrors(self.mirrors, self._try)
        self._worker: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[Outcome] | None = None
        self._open: set[str] = set()
        """Jobs of which a cloud is asked after the next start."""
        self.paused = False

    # -- start and stop --

    async def start(self) -> None:
        """Start the printers, settle what the last run left open, go on with what still waits."""
        for printer in (*self.printers, *self.mirrors):
            await printer.start()
        self.paused = await self._journal.get(PAUSED) is not None
        left = await self._journal.jobs(("sending", "sent"))
        await self._aftermath.begin(left, self.printers, self._now())
        for row in reversed(await self._journal.jobs(("queued",))):
            await self._take_up(row)
        self._worker = asyncio.create_task(self._work(), name="printing")

    async def _take_up(self, row: JobRow) -> None:
        """Queue a job of the last run again, unless nobody waits for it any more."""
        rule, age = rule_of(row.kind), (self._now() - row.at).total_seconds()
        if not rule.survives or not 0 <= age < rule.deadline_s:
            await self._end(row.id, Outcome("failed", "", "the kiosk stopped before this slip was sent"))
            return
        since = asyncio.get_running_loop().time() - age
        try:
            slip = parse_slip(json.loads(row.slip))
        except SlipError as err:  # written by another version: the others must not wait for it
            await self._end(row.id, Outcome("failed", "configuration", str(err)))
            return
        self._queue.put(Waiting(row.id, row.rid, row.kind, slip, rule, since, next(self._numbers)))

    async def stop(self) -> None:
        """Wait a moment for the slip under way, record what became of it, let go of the printers."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._changed.set()
            await asyncio.wait([worker], timeout=GRACE_S)
            if self._sending is not None:
                self._sending.cancel()
            await asyncio.wait([worker])
        for job in self._queue.take_all():
            if not job.rule.survives:
                await self._end(job.id, Outcome("failed", "", "the kiosk stopped before this slip was sent"))
            await self._tell(job)
        await self._aftermath.stop()
        await self._copies.stop()
        await asyncio.gather(*(self._let_go(p) for p in (*self.mirrors, *self.printers)))

    async def _let_go(self, printer: Printer) -> None:
        """Stop a printer; one that is busy with a test slip is not waited for."""
        try:
            async with asyncio.timeout(LET_GO_S):
                await printer.stop()
        except TimeoutError:
            log.warning("printer %s did not let go within %g s", printer.name, LET_GO_S)

    # -- what others ask --

    async def print(
        self, slip: Slip, *, rid: str, kind: str, coupon: str = "", reprint_of: str = ""
    ) -> JobRow:
        """Print a slip and return how it ended. It is durable before anything leaves."""
        done: asyncio.Future[JobRow] = asyncio.get_running_loop().create_future()
        await self._submit(slip, rid, kind, coupon, reprint_of, done)
        return await asyncio.shield(done)

    async def submit(self, slip: Slip, *, rid: str, kind: str, coupon: str = "") -> str:
        """Have a slip printed when it can be, and return its job; `PrintDone` tells how it ended."""
        return (await self._submit(slip, rid, kind, coupon, "", None)).id

    async def _submit(
        self,
        slip: Slip,
        rid: str,
        kind: str,
        coupon: str,
        reprint_of: str,
        done: asyncio.Future[JobRow] | None,
    ) -> Waiting:
        detail: dict[str, Any] = {"coupon": coupon} if coupon else {}
        if reprint_of:
            detail["reprint_of"] = reprint_of
        slip, cut = bounded(slip)
        for note in cut:
            log.warning("slip %s: %s", rid, note)
        loop = asyncio.get_running_loop()
        job = Waiting(new_rid(), rid, kind, slip, rule_of(kind), loop.time(), next(self._numbers), done=done)
        await self._journal.job_add(job.id, rid, kind, msgspec.json.encode(slip), detail)
        if self._worker is None or len(self._queue) >= CAP:
            why = "too many slips wait already" if self._worker else "the kiosk is stopping"
            await self._end(job.id, Outcome("failed", "busy", why))
            await self._tell(job)
        else:
            self._queue.put(job)
            self._changed.set()
        return job

    async def reprint(self, job_id: str) -> JobRow | None:
        """Print a job once more because a person asks for it; the same code, so it is worth once.

        A slip that may be out already comes marked as a copy, and an *unknown* one is settled by it.
        """
        row = await self._journal.job_again(job_id)
        if row is None:
            return None
        slip = parse_slip(json.loads(row.slip))
        if row.state != "failed":
            slip = as_copy(slip, self._now(), self._locale)
        return await self.print(
            slip, rid=row.rid, kind=row.kind, coupon=row.detail.get("coupon", ""), reprint_of=job_id
        )

    async def settle(self, job_id: str) -> JobRow | None:
        """Note that a person has seen an *unknown* slip on paper."""
        row = await self._journal.job(job_id)
        if row is None or row.state != "unknown":
            return None
        await self._end(job_id, Outcome("printed", "", "seen by a person"))
        return await self._journal.job(job_id)

    async def pause(self) -> None:
        """Hold every slip back, also after a restart, until `resume`; the one under way is finished."""
        await self._journal.put(PAUSED, "1")
        self.paused = True

    async def resume(self) -> None:
        """Go on."""
        await self._journal.put(PAUSED, None)
        self.paused = False
        self._changed.set()

    def waiting(self) -> list[Waiting]:
        """Return what waits, the next one first."""
        return self._queue.all()

    def find(self, name: str) -> Printer | None:
        """Return a printer by name."""
        return next((p for p in (*self.printers, *self.mirrors) if p.name == name), None)

    async def test(self, printer: Printer, slip: Slip) -> Outcome:
        """Print on one printer, past the queue; the printer itself does one job at a time."""
        return await self._try(printer, slip, new_rid())

    # -- the worker --

    async def _work(self) -> None:
        """Take job after job until the spooler stops."""
        loop = asyncio.get_running_loop()
        while self._worker is not None:
            self._changed.clear()
            for old in self._queue.take_expired(loop.time()):
                await self._end(old.id, Outcome("failed", "", "too old: whoever wanted it has gone"))
                await self._tell(old)
            held = self.paused or self._worker is None
            job = None if held else self._queue.take(loop.time())
            if job is not None:
                await self._run(job)
                continue
            at = self._queue.next_event()
            try:
                async with asyncio.timeout(None if at is None else max(0.01, at - loop.time())):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _run(self, job: Waiting) -> None:
        """Do one job; whatever goes wrong with it, the next one gets its turn."""
        try:
            await self._decide(job, await self._send(job))
        except Exception as err:
            log.exception("job %s: how it ended cannot be recorded; it will be unknown", job.id)
            if job.done is not None and not job.done.done():
                job.done.set_exception(err)

    async def _decide(self, job: Waiting, outcome: Outcome) -> None:
        """Queue a job again whose first byte never left, as long as somebody waits for it; else record its end."""
        if job.id in self._open:
            await self._tell(job)
            return
        if outcome.ended == "failed" and outcome.trouble != "configuration":
            if self._worker is None and job.rule.survives:
                await self._journal.job_mark(job.id, "queued", {}, item=False)
                await self._tell(job)
                return
            if self._worker is not None and job.may_try_again(asyncio.get_running_loop().time()):
                await self._journal.job_mark(job.id, "queued", {"detail": outcome.detail[:200]}, item=False)
                self._queue.put(job)
                return
        await self._end(job.id, outcome)
        await self._tell(job)

    async def _send(self, job: Waiting) -> Outcome:
        """Try the printers in the order configured until one has taken the first byte."""
        outcome = Outcome("failed", "configuration", "no printer is configured")
        for printer in self.printers:
            outcome = await self._on(printer, job)
            if outcome.ended != "failed" or self._worker is None:
                break
            log.warning("printer %s took nothing of job %s: %s", printer.name, job.id, outcome.detail)
        if outcome.ended != "failed":
            self._copies.print(job.slip, new_rid())
        return outcome

    async def _on(self, printer: Printer, job: Waiting) -> Outcome:
        """Send on one printer, in a task that a stop may cancel; what had left by then decides how it ended."""
        try:
            rendered = await self._render(printer, job.slip, job.rid)
        except Exception as err:
            log.exception("job %s cannot be drawn for printer %s", job.id, printer.name)
            return Outcome("failed", "configuration", f"the slip cannot be drawn: {err}")
        # Another id for each try and each reprint: under an old one a cloud gives its old answer and prints nothing.
        rid, asked_later = new_rid(), isinstance(printer, Follows) and printer.by_rid
        data, lost = rendered.data, [told[:160] for told in rendered.report.lost[:5]]
        note = {"printer": printer.name, "url": printer.url, "print": rid, "reference": "", "lost": lost}
        await self._journal.job_mark(job.id, "sending", note, item=False)

        async def left(reference: str) -> None:
            nonlocal asked_later
            asked_later |= bool(reference) and isinstance(printer, Follows)
            note = {"reference": reference} if reference else {}
            await self._journal.job_mark(job.id, "sent", note, item=False)

        when_left(left)
        deadline_s, copies = seconds_for(printer, data, job.slip.copies), job.slip.copies
        sending = printer.send(data, rid=rid, deadline_s=deadline_s, copies=copies)
        self._sending = asyncio.create_task(sending, name=f"send {job.id}")
        when_left(None)
        try:
            return await self._sending
        except asyncio.CancelledError:
            if getattr(printer, "sent", None) == 0:
                return Outcome("failed", "", "the kiosk stopped before the first byte")
            if asked_later:
                self._open.add(job.id)
            return Outcome("unknown", "", STOPPED)
        except JournalError:
            raise
        except Exception as err:  # a fault of the driver's own must not keep the others from printing
            log.exception("printer %s failed at job %s", printer.name, job.id)
            untouched = getattr(printer, "sent", None) == 0
            return Outcome("failed" if untouched else "unknown", "io", f"the driver failed: {err}")
        finally:
            self._sending = None

    async def _try(self, printer: Printer, slip: Slip, rid: str) -> Outcome:
        """Print past the queue and the journal."""
        data = (await self._render(printer, slip, rid)).data
        deadline_s = seconds_for(printer, data, slip.copies)
        return await printer.send(data, rid=rid, deadline_s=deadline_s, copies=slip.copies)

    async def _render(self, printer: Printer, slip: Slip, rid: str) -> Rendered:
        """Render for a printer; pictures are drawn beside the loop."""
        profile = printer.profile
        pictures = load_pictures(slip, self._pictures, profile.width_dots)
        if printer.wants == "png" or profile.text_mode == "graphic":
            rendered = await asyncio.to_thread(render, slip, printer.wants, profile, pictures)
        else:
            rendered = render(slip, printer.wants, profile, pictures)
        for note in rendered.report.lost:
            log.warning("slip %s: %s", rid, note)
        return rendered

    async def _end(self, job: str, outcome: Outcome) -> None:
        """Record how a job ended, here and for the hub."""
        detail = {"reason": outcome.trouble, "detail": outcome.detail[:200], "sent": outcome.sent}
        await self._journal.job_mark(job, outcome.ended, detail, item=True)
        self._bus.publish(PrintDone(job=job, outcome=outcome.ended, reason=outcome.trouble))

    async def _tell(self, job: Waiting) -> None:
        """Give whoever waits the job as the journal has it."""
        if job.done is not None and not job.done.done():
            job.done.set_result(await self._journal.job(job.id))


def _whole_s(row: JobRow, printer: Printer) -> float:
    """Return how long a job of the last run had been given."""
    return seconds_for(printer, b"", parse_slip(json.loads(row.slip)).copies)


def seconds_for(printer: Printer, data: bytes, copies: int) -> float:
    """Return how long a job may take: each copy its time on the paper, and all of them theirs on a serial line."""
    baud = getattr(printer, "baud", None)
    return JOB_S * copies + (len(data) * 10 / baud if baud else 0.0)
