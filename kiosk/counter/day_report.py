"""A day's figures, batch by batch; a day begins at midnight in the shop's zone."""

from __future__ import annotations

from datetime import date

from kiosk.clock import Clock
from kiosk.counter.records import day_rows
from kiosk.journal.store import Journal
from kiosk.printing.templates import DayLine
from ui.money import local


async def today(journal: Journal, clock: Clock) -> list[DayLine]:
    """Return today's figures of each batch that anything happened to."""
    return await of_day(journal, local(clock.trusted().at).date())


async def of_day(journal: Journal, day: date) -> list[DayLine]:
    """Return the figures of any day, also of one whose rows are forgotten."""
    names = {b.stock_id: b.name for b in await journal.batches()}
    return [
        DayLine(names.get(r.stock_id, r.stock_id or "-"), r.claimed, r.redeemed, r.value, r.void, r.conflicts)
        for r in await day_rows(journal, day)
    ]
