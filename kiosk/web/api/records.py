"""The record: searched, decided about, summed up, exported, proven."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import msgspec

from kiosk.clock import FLOOR
from kiosk.counter import records, tables
from kiosk.health.model import told
from kiosk.journal.rows import DayRow, Verification
from kiosk.journal.search import Ask, Row
from kiosk.web.api.operation import Call, File, operation
from kiosk.web.api.printing import FIRST_DAY, LAST_DAY, Job, shown
from kiosk.web.api.problems import Problem
from ui.money import SHANGHAI, local

PAGE = 1000
"""Rows of the journal in one answer."""
CSV = "text/csv; charset=utf-8"
Place = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z|:.-]{0,100}$")]
When = Annotated[datetime, msgspec.Meta(tz=True)]
Moment = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?)?$")]
"""A day, or a time."""


class JournalQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """Which rows of the journal."""

    since: When | None = None
    until: When | None = None
    """Not included."""
    after: Place = ""
    """Where the last page ended."""


class JournalPage(msgspec.Struct, frozen=True):
    """Rows of the journal, the oldest first, as `kiosk journal export` writes them."""

    rows: list[dict[str, Any]]
    after: str
    """Where the next page begins; empty at the end."""


class RecordsQuery(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """What is looked for; what is left out does not narrow. Days, and times without an offset, are the shop's."""

    code: Annotated[str, msgspec.Meta(max_length=300)] = ""
    """A code, or the rid of an attempt; an address holds 8,190 bytes, and a character may take twelve of them."""
    since: Moment = ""
    until: Moment = ""
    """A day is included, a time is not."""
    person: Annotated[str, msgspec.Meta(max_length=60)] = ""
    batch: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{0,32}$")] = ""
    after: Place = ""


class Records(msgspec.Struct, frozen=True):
    """Rows of the record, the newest first."""

    rows: list[Row]
    after: str


class Decisions(msgspec.Struct, frozen=True):
    """What waits for a person: redemptions in conflict, and slips of which nobody knows whether they came out."""

    conflicts: list[Row]
    doubts: list[Job]


class ConflictPath(msgspec.Struct, frozen=True):
    """One row of the journal."""

    epoch: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{1,32}$")]
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Stands(msgspec.Struct, frozen=True):
    """A conflict that the shop bears."""

    epoch: str
    seq: int


class DayQuery(msgspec.Struct, frozen=True):
    """A day of the shop; today when it is left out."""

    day: date | None = None


class MonthQuery(msgspec.Struct, frozen=True):
    """A month; this one when it is left out."""

    month: Annotated[str, msgspec.Meta(pattern=r"^(2[0-9]{3}-(0[1-9]|1[0-2]))?$")] = ""


class Day(msgspec.Struct, frozen=True):
    """A day's figures, batch by batch; values in fen."""

    day: date
    batches: list[DayRow]


class Month(msgspec.Struct, frozen=True):
    """A month's figures: summed up by batch, and day by day."""

    month: str
    batches: list[DayRow]
    days: list[Day]


@operation("GET", "journal", "read")
async def journal(call: Call, query: JournalQuery) -> JournalPage:
    """Give a page of the journal, oldest first: ?from=&to=&after=EPOCH:SEQ."""
    since, until = (None if at is None else _countable(at) for at in (query.since, query.until))
    rows, after = await call.services.journal.export(since, until, query.after, PAGE)
    return JournalPage(rows, after)


@operation("GET", "journal/verify", "read")
async def verify(call: Call) -> Verification:
    """Walk the journal's hash chain."""
    return await call.services.journal.verify()


@operation("GET", "records", "read")
async def search(call: Call, query: RecordsQuery) -> Records:
    """Search the record by code, day, person or batch, the newest first."""
    ask = Ask(
        since=_moment(query.since, last=False),
        until=_moment(query.until, last=True),
        coupons=await records.keys_of(call.services.journal, query.code),
        stock_id=query.batch,
        person=query.person,
        after=query.after,
    )
    rows, after = await call.services.journal.search(ask)
    return Records(rows, after)


def _countable(at: datetime) -> datetime:
    """Return a time as UTC; one beyond the calendar's ends, or before there were kiosks, as the nearest there is."""
    try:
        return max(FLOOR, at.astimezone(UTC))
    except OverflowError:
        return FLOOR if at.year == 1 else datetime.max.replace(tzinfo=UTC)


def _moment(text: str, *, last: bool) -> datetime | None:
    """Return the time that a day or a time of the shop stands for; `last`: the end of a day, not its beginning."""
    if not text:
        return None
    try:
        if len(text) == len("2026-11-24"):
            day = _within(date.fromisoformat(text))
            return records.day_begin(day + timedelta(days=1) if last else day)
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=SHANGHAI)).astimezone(UTC)
    except (ValueError, OverflowError):
        sentence = told(
            "{text} is neither a day nor a time; write it as 2026-11-24 or 2026-11-24T18:30.", text=text
        )
        raise Problem("bad_request", sentence) from None


@operation("GET", "decisions", "read")
async def decisions(call: Call) -> Decisions:
    """List what waits for a person's decision."""
    journal = call.services.journal
    doubts = await journal.jobs(("unknown",))
    return Decisions(await journal.waiting_conflicts(), [shown(j) for j in doubts])


@operation("POST", "conflicts/{epoch}/{seq}/let-stand", "undo", "not_waiting")
async def let_stand(call: Call, path: ConflictPath) -> Stands:
    """Let a conflict stand: the shop bears it. To undo the redemption instead, roll it back."""
    if not await call.services.journal.let_stand(path.epoch, path.seq, call.name):
        raise Problem("not_waiting", told("Nothing waits for a decision there any more."))
    await call.note("let_stand", f"{path.epoch}:{path.seq}")
    return Stands(path.epoch, path.seq)


def _today(call: Call) -> date:
    return local(call.services.clock.trusted().at).date()


@operation("GET", "day", "read")
async def day(call: Call, query: DayQuery) -> Day:
    """Give a day's figures."""
    of = _within(query.day or _today(call))
    return Day(of, await records.day_rows(call.services.journal, of))


@operation("GET", "day.csv", "read", media=(CSV,))
async def day_csv(call: Call, query: DayQuery) -> File:
    """Give a day's figures as CSV."""
    of = _within(query.day or _today(call))
    lines = [(of, r) for r in await records.day_rows(call.services.journal, of)]
    return await _csv(call, lines, f"day-{of}.csv")


@operation("GET", "month", "read")
async def month(call: Call, query: MonthQuery) -> Month:
    """Give a month's figures: by batch, and day by day."""
    first = _month(call, query)
    lines = await records.month_rows(call.services.journal, call.services.clock, first)
    days = sorted({of for of, _ in lines})
    by_day = [Day(of, [r for d, r in lines if d == of]) for of in days]
    return Month(f"{first:%Y-%m}", tables.sum_up(lines), by_day)


@operation("GET", "month.csv", "read", media=(CSV,))
async def month_csv(call: Call, query: MonthQuery) -> File:
    """Give a month's figures as CSV, a line for each day and batch."""
    first = _month(call, query)
    lines = await records.month_rows(call.services.journal, call.services.clock, first)
    return await _csv(call, lines, f"month-{first:%Y-%m}.csv")


def _within(of: date) -> date:
    return min(max(of, FIRST_DAY), LAST_DAY)


def _month(call: Call, query: MonthQuery) -> date:
    return date.fromisoformat(f"{query.month}-01") if query.month else _today(call).replace(day=1)


async def _csv(call: Call, lines: list[tuple[date, DayRow]], name: str) -> File:
    batches = {b.stock_id: b for b in await call.services.journal.batches()}
    return File(tables.table(lines, batches, call.t), CSV, name)
