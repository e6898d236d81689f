"""The day's figures and the rows for people: every fact once, page by page, by the shop's midnight."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.counter.day_report import today
from kiosk.coupons.record import ItemVerdict
from kiosk.journal.errors import JournalError
from kiosk.journal.export import COLUMNS, Shelf
from kiosk.journal.rows import DayRow
from kiosk.journal.store import Journal
from kiosk.printing.templates import DayLine

from .conftest import NOW
from .rows import codes, intent, redeem, upload_all

DAY = timedelta(days=1)


async def busy_day(journal: Journal, clock: ManualClock) -> None:
    """Two claims, three redemptions (one undone, one in conflict), one attempt given up."""
    await journal.put_codes("S2", codes(2))
    for n in range(2):
        await journal.hand_out(f"p{n}", "S2", "S0001")
    for n in range(3):
        await redeem(journal, f"r{n}", f"1-{n}", "offline")
        clock.advance(60)
    await journal.rollback("r0", "rb", "wrong", "staff")
    await journal.intend(intent("v", "1-9"))
    await journal.void("v", "no")
    run = await journal.pending()
    assert run is not None
    verdicts = [ItemVerdict(i.seq, "conflict" if i.rid == "r1" else "accepted") for i in run.items]
    await journal.acknowledge(run.epoch, run.items[-1].seq, verdicts)


async def test_the_days_figures_count_every_fact_once(journal: Journal, clock: ManualClock) -> None:
    await busy_day(journal, clock)
    rows = await journal.day(NOW - DAY, NOW + DAY)
    assert rows == [
        DayRow("S1", claimed=0, redeemed=2, value=600, void=1, conflicts=1),
        DayRow("S2", claimed=2, redeemed=0, value=0, void=0, conflicts=0),
    ]


async def test_a_new_epoch_does_not_count_rows_twice(journal: Journal) -> None:
    await redeem(journal, "r1", "1-1", "offline")
    before = await journal.day(NOW - DAY, NOW + DAY)
    await journal.begin_epoch()
    assert await journal.day(NOW - DAY, NOW + DAY) == before
    await upload_all(journal)
    assert await journal.day(NOW - DAY, NOW + DAY) == before


async def test_a_day_begins_at_midnight_in_the_shop(journal: Journal, clock: ManualClock) -> None:
    """16:00 UTC is midnight in Shanghai; NOW is noon there."""
    await redeem(journal, "r1")
    clock.advance(11 * 3600 + 59 * 60)
    await redeem(journal, "r2", "1-2")
    assert await today(journal, clock) == [DayLine("S1", 0, 2, 600, 0, 0)]
    clock.advance(60)
    assert await today(journal, clock) == []
    await redeem(journal, "r3", "1-3")
    assert await today(journal, clock) == [DayLine("S1", 0, 1, 300, 0, 0)]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_rows_come_page_by_page_each_once(journal: Journal, clock: ManualClock, size: int) -> None:
    await busy_day(journal, clock)
    await journal.begin_epoch()
    clock.advance(1)
    await redeem(journal, "last", "1-8")
    seen, after, pages = [], "", 0
    while pages == 0 or after:
        rows, after = await journal.export(None, None, after, size)
        seen += [(r["kind"], r["rid"]) for r in rows]
        assert len(rows) <= size
        pages += 1
    assert len(seen) == len(set(seen)) == 8
    assert seen[-1] == ("redeem_record", "last")
    assert pages == -(-8 // size)


async def test_rows_say_what_a_book_keeper_needs(journal: Journal, clock: ManualClock) -> None:
    await busy_day(journal, clock)
    rows, _ = await journal.export(NOW, NOW + timedelta(seconds=61), "", 100)
    assert [r["rid"] for r in rows] == ["p0", "p1", "r0", "r1"]
    row = rows[-1]
    assert tuple(row) == COLUMNS
    assert (row["verdict"], row["value_fen"], row["coupon"], row["hub_status"], row["threshold"]) == (
        "offline",
        300,
        "1-1",
        "conflict",
        "unchecked",
    )
    none, after = await journal.export(NOW + DAY, None, "", 100)
    assert (none, after) == ([], "")


async def test_a_journal_whose_kiosk_does_not_run_can_be_read(
    journal: Journal, clock: ManualClock, tmp_path: Path
) -> None:
    await busy_day(journal, clock)
    await journal.stop()
    before = journal.path.read_bytes()
    with Shelf(journal.dir) as shelf:
        rows, after = shelf.page(None, None, "", 3)
        assert (len(rows), shelf.verify()) == (3, (7, None))
        rest, end = shelf.page(None, None, after, 100)
        assert (len(rest), end) == (4, "")
    assert journal.path.read_bytes() == before
    with pytest.raises(JournalError, match="there is no journal"), Shelf(tmp_path / "nowhere"):
        pytest.fail("there was one")
