"""Printers, slips and what became of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec

from kiosk.health.model import PrinterFact, told
from kiosk.journal.rows import JobRow
from kiosk.web.api.operation import Call, File, operation
from kiosk.web.api.problems import Problem

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
"""Days that have a midnight before and after them on the calendar of every zone."""
JOBS = 200
"""Slips in one answer, the newest first."""


class NamePath(msgspec.Struct, frozen=True):
    """One printer."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class JobPath(msgspec.Struct, frozen=True):
    """One slip."""

    job: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,32}$")]


class KindPath(msgspec.Struct, frozen=True):
    """A kind of slip."""

    kind: Annotated[str, msgspec.Meta(pattern=r"^[a-z-]{1,32}$")]


class Paper(msgspec.Struct, frozen=True):
    """For which paper a slip is drawn; empty: the first printer's."""

    paper: Annotated[str, msgspec.Meta(max_length=40)] = ""


class Printers(msgspec.Struct, frozen=True):
    """Every printer as it is now."""

    printers: tuple[PrinterFact, ...]


class Ended(msgspec.Struct, frozen=True):
    """How a print ended: `printed`, `failed` before the first byte, or `unknown`; `sent` bytes."""

    outcome: str
    reason: str
    detail: str
    sent: int
    job: str = ""
    """Its number; empty for a test slip, which is not kept."""


class Job(msgspec.Struct, frozen=True):
    """A slip: what was to be printed, and how it ended."""

    job: str
    rid: str
    kind: str
    state: str
    """`queued`, `sending`, `sent`, `printed`, `failed`, `unknown`, or `replaced` by a reprint."""
    at: datetime
    changed_at: datetime
    reason: str
    detail: str


class Jobs(msgspec.Struct, frozen=True):
    """Slips, the newest first, and whether new ones are held back."""

    held: bool
    jobs: tuple[Job, ...]


class Held(msgspec.Struct, frozen=True):
    """Whether slips are held back."""

    held: bool


def shown(row: JobRow) -> Job:
    """Return a slip as callers see it; what is printed on it stays here."""
    return Job(
        row.id,
        row.rid,
        row.kind,
        row.state,
        row.at,
        row.changed_at,
        str(row.detail.get("reason", "")),
        str(row.detail.get("detail", "")),
    )


def ended(row: JobRow) -> Ended:
    """Return how a slip ended."""
    told_ = row.detail
    return Ended(row.state, told_.get("reason", ""), told_.get("detail", ""), told_.get("sent", 0), row.id)


def _no_job(job: str) -> Problem:
    return Problem("unknown_job", told("slip {job} is not there, or not in that state.", job=job))


@operation("GET", "printers", "read")
async def printers(call: Call) -> Printers:
    """Ask each printer how it is."""
    await call.services.gatherer.ask_printers()
    return Printers(call.services.gatherer.printers())


@operation("POST", "printers/{name}/test", "print", "unknown_printer")
async def test_printer(call: Call, path: NamePath) -> Ended:
    """Print a self-test slip."""
    outcome = await call.services.slips.self_test(path.name)
    if outcome is None:
        known = ", ".join(p.name for p in call.services.gatherer.printers()) or "-"
        sentence = told("there is no printer {name}; there are: {known}.", name=path.name, known=known)
        raise Problem("unknown_printer", sentence)
    await call.note("test")
    return Ended(outcome.ended, outcome.trouble, outcome.detail, outcome.sent)


@operation("GET", "jobs", "read")
async def jobs(call: Call) -> Jobs:
    """List slips, the newest first, with how each ended."""
    rows = await call.services.journal.jobs(limit=JOBS)
    return Jobs(call.services.spooler.paused, tuple(map(shown, rows)))


@operation("POST", "jobs/{job}/reprint", "print", "unknown_job")
async def reprint(call: Call, path: JobPath) -> Ended:
    """Print a slip once more: the same code, worth once; a slip that may be out already comes marked as a copy."""
    row = await call.services.spooler.reprint(path.job)
    if row is None:
        raise _no_job(path.job)
    await call.note("reprint", row.id)
    return ended(row)


@operation("POST", "jobs/{job}/settle", "print", "unknown_job")
async def settle(call: Call, path: JobPath) -> Ended:
    """Note that a slip of which nobody knew has been seen on paper."""
    row = await call.services.spooler.settle(path.job)
    if row is None:
        raise _no_job(path.job)
    await call.note("settle", row.id)
    return ended(row)


@operation("POST", "printing/hold", "print", again="repeat")
async def hold(call: Call) -> Held:
    """Hold every slip back, as while the paper is changed; the one under way is finished."""
    await call.services.spooler.pause()
    return Held(call.services.spooler.paused)


@operation("POST", "printing/release", "print", again="repeat")
async def release(call: Call) -> Held:
    """Go on printing."""
    await call.services.spooler.resume()
    return Held(call.services.spooler.paused)


@operation("POST", "slips/enrolment", "print", "not_pending")
async def enrolment_slip(call: Call) -> Ended:
    """Print the code that lets this kiosk in."""
    if not (code := call.services.pairing()):
        sentence = told(
            "this kiosk does not wait for approval: it is in, or kiosk.toml names no hub; `kiosk status` tells."
        )
        raise Problem("not_pending", sentence)
    return ended(await call.services.slips.enrolment(code, call.services.settings.hub.url))


@operation("POST", "slips/claim", "print", "no_store")
async def claim_slip(call: Call) -> Ended:
    """Print the store's code, which customers scan."""
    row = await call.services.slips.claim()
    if row is None:
        raise Problem("no_store", told("The cloud has not given this kiosk a store yet."))
    return ended(row)


class ReceiptAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/slips/receipt: of which redemption."""

    rid: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,32}$")]


@operation("POST", "slips/receipt", "print", "unknown_redemption")
async def receipt(call: Call, body: ReceiptAsk) -> Ended:
    """Print the record of a redemption; one more of the same comes marked as a copy."""
    row = await call.services.slips.receipt(body.rid)
    if row is None:
        raise Problem("unknown_redemption", told("Nothing was redeemed there, or it was undone."))
    return ended(row)


class DayAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/slips/day: which day of the shop; null: today."""

    day: date | None = None


@operation("POST", "slips/day", "print")
async def day_slip(call: Call, body: DayAsk) -> Ended:
    """Print a day's figures."""
    day = None if body.day is None else min(max(body.day, FIRST_DAY), LAST_DAY)
    return ended(await call.services.slips.day(day))


@operation("POST", "slips/status", "print")
async def status_slip(call: Call) -> Ended:
    """Print how the kiosk is: addresses, lights, version."""
    from kiosk.health.summary import lines

    services = call.services
    facts, place = await services.gatherer.facts(), await services.place()
    address = str(call.request.url.origin())
    made = lines(facts, address, services.device, services.version, place.locale)
    return ended(await services.slips.status(made))


@operation("GET", "slips/{kind}/picture", "read", "unknown_slip", media=("image/png",))
async def slip_picture(call: Call, path: KindPath, query: Paper) -> File:
    """Draw what a slip looks like here, dot for dot; nothing is printed."""
    from kiosk.web.slip_previews import draw

    made = await draw(call.services, path.kind, query.paper, str(call.request.url.origin()))
    if made is None:
        sentence = told("there is no slip {kind} to look at here yet.", kind=path.kind)
        raise Problem("unknown_slip", sentence)
    return File(made, "image/png")
