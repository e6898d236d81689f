"""Records: what waits for a decision, the search, the day, the month, and both as CSV."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from aiohttp import web

from kiosk.counter import records, tables
from kiosk.coupons.batch import Batch
from kiosk.journal.rows import DayRow
from kiosk.journal.search import Ask
from kiosk.web.door import Refused
from kiosk.web.staff import told
from kiosk.web.staff.coupons import ended
from kiosk.web.staff.frame import Visit, done, show
from ui.marks import N_
from ui.money import SHANGHAI, local

YEARS = range(2000, 2100)


class Decide(msgspec.Struct, frozen=True):
    """POST /staff/decide."""

    epoch: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{1,32}$")]
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Day(msgspec.Struct, frozen=True):
    """POST /staff/day-slip; without a day today's."""

    day: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""


async def records_page(visiting: Visit) -> web.StreamResponse:
    """Show what waits for a decision, today's figures and what was looked for."""
    services, t, query = visiting.services, visiting.t, visiting.request.query
    journal = services.journal
    batches = await journal.batches()
    names = {b.stock_id: b.name for b in batches}
    day, month = _day(visiting), _month(visiting)
    ask = await _ask(visiting)
    rows, after = await journal.search(ask)
    acts = await journal.acts(limit=1000)
    lines = await records.month_rows(journal, services.clock, month, exact=False)
    return await show(
        visiting,
        "staff_records.html.jinja",
        "records",
        conflicts=[told.row(r, names, t) for r in await journal.waiting_conflicts()],
        doubts=[told.job(j, t) for j in await journal.jobs(("unknown",))],
        day=day.isoformat(),
        figures_of_day=[_figures(r, names) for r in await records.day_rows(journal, day)],
        month=f"{month:%Y-%m}",
        months=[_figures(r, names) for r in tables.sum_up(lines)],
        rows=[told.row(r, names, t) for r in rows],
        after=after,
        asked={k: query.get(k, "") for k in ("code", "from", "to", "person", "batch")},
        shown={"from": _shown(query.get("from", ""), "T00:00"), "to": _shown(query.get("to", ""), "T23:59")},
        people=sorted({a.name for a in acts if a.name and a.what != "locked"}),
        batches=[{"stock_id": b.stock_id, "name": b.name} for b in batches],
    )


def _figures(r: DayRow, names: dict[str, str]) -> dict[str, Any]:
    return {"name": names.get(r.stock_id, r.stock_id or "-"), **msgspec.structs.asdict(r)}


def _shown(text: str, hour: str) -> str:
    """Return a day or a minute as its field shows it."""
    return f"{text}{hour}" if text and "T" not in text else text[:16]


def _date(visiting: Visit, name: str) -> date | None:
    """Return a date of the address; one that is none is named."""
    text = visiting.request.query.get(name, "")
    return _as_date(visiting, text) if text else None


def _as_date(visiting: Visit, text: str) -> date:
    try:
        return _within(date.fromisoformat(text))
    except ValueError:
        told_ = visiting.t("{text} is not a date; write it as 2026-11-24.", text=text[:40])
        raise Refused(400, "bad_request", told_) from None


def _within(day: date) -> date:
    """Return a day of a year that a shop may ask about; the calendar's own ends cannot be counted across."""
    if day.year not in YEARS:
        raise ValueError
    return day


def _moment(visiting: Visit, name: str, *, end: bool) -> datetime | None:
    """Return a day or a minute of the address as a time; `end`: the whole of it lies before."""
    text = visiting.request.query.get(name, "")
    if not text:
        return None
    if "T" not in text:
        day = _as_date(visiting, text)
        return records.day_begin(day + timedelta(days=1) if end else day)
    try:
        at = datetime.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=SHANGHAI)
        _within(at.date())
    except ValueError:
        told_ = visiting.t("{text} is not a time; write it as 2026-11-24T13:00.", text=text[:40])
        raise Refused(400, "bad_request", told_) from None
    return at + timedelta(minutes=1) if end else at


def _today(visiting: Visit) -> date:
    return local(visiting.services.clock.trusted().at).date()


def _day(visiting: Visit) -> date:
    return _date(visiting, "day") or _today(visiting)


def _month(visiting: Visit) -> date:
    text = visiting.request.query.get("month", "")
    if not text:
        return _today(visiting).replace(day=1)
    try:
        return _within(date.fromisoformat(f"{text}-01"))
    except ValueError:
        told_ = visiting.t("{text} is not a month; write it as 2026-11.", text=text[:40])
        raise Refused(400, "bad_request", told_) from None


async def _ask(visiting: Visit) -> Ask:
    query = visiting.request.query
    return Ask(
        since=_moment(visiting, "from", end=False),
        until=_moment(visiting, "to", end=True),
        coupons=await records.keys_of(visiting.services.journal, query.get("code", "")[:2048]),
        stock_id=query.get("batch", "")[:32],
        person=query.get("person", "")[:60],
        after=query.get("after", "")[:200],
    )


async def decide(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Let a conflict stand: the shop bears it."""
    ask, t = msgspec.json.decode(raw, type=Decide), visiting.t
    if not await visiting.services.journal.let_stand(ask.epoch, ask.seq, visiting.name):
        return done(False, t("Nothing waits for a decision there any more."))
    await visiting.note("let_stand", f"{ask.epoch}:{ask.seq}")
    return done(True, t("Noted. The redemption stands."))


class Receipt(msgspec.Struct, frozen=True):
    """POST /staff/receipt."""

    rid: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,32}$")]


async def receipt(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print the record of a redemption."""
    ask = msgspec.json.decode(raw, type=Receipt)
    nothing = N_("Nothing was redeemed there, or it was undone.")
    return ended(visiting, await visiting.services.slips.receipt(ask.rid), nothing)


async def day_slip(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print the figures of a day."""
    ask = msgspec.json.decode(raw, type=Day)
    day = _as_date(visiting, ask.day) if ask.day else None
    return ended(visiting, await visiting.services.slips.day(day), "")


async def day_csv(visiting: Visit) -> web.StreamResponse:
    """Give a day's figures as CSV."""
    day = _day(visiting)
    names = await _names(visiting)
    rows = [(day, r) for r in await records.day_rows(visiting.services.journal, day)]
    return _csv(visiting, rows, names, f"day-{day}.csv")


async def month_csv(visiting: Visit) -> web.StreamResponse:
    """Give a month's figures as CSV, a line for each day and batch."""
    month = _month(visiting)
    rows = await records.month_rows(visiting.services.journal, visiting.services.clock, month)
    return _csv(visiting, rows, await _names(visiting), f"month-{month:%Y-%m}.csv")


async def _names(visiting: Visit) -> dict[str, Batch]:
    return {b.stock_id: b for b in await visiting.services.journal.batches()}


def _csv(
    visiting: Visit, rows: list[tuple[date, DayRow]], batches: dict[str, Batch], name: str
) -> web.StreamResponse:
    return web.Response(
        body=tables.table(rows, batches, visiting.t),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
