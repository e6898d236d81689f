"""The day's figures, batch by batch; a day begins at midnight in the shop's zone."""

from __future__ import annotations

from datetime import timedelta

from kiosk.clock import Clock
from kiosk.journal.store import Journal
from kiosk.printing.templates import DayLine
from ui.money import local


async def today(journal: Journal, clock: Clock) -> list[DayLine]:
    """Return today's figures of each batch that anything happened to."""
    begin = local(clock.trusted().at).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = await journal.day(begin, begin + timedelta(days=1))
    names = {b.stock_id: b.name for b in await journal.batches()}
    return [
        DayLine(names.get(r.stock_id, r.stock_id or "-"), r.claimed, r.redeemed, r.value, r.void, r.conflicts)
        for r in rows
    ]
