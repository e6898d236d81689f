"""Attempts: open, then recorded, denied or void, and never a use too many."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from kiosk.clock import ManualClock
from kiosk.coupons.machine import Exposure
from kiosk.events import Bus, JournalGrew
from kiosk.journal.errors import JournalError
from kiosk.journal.rows import Busy, Used
from kiosk.journal.store import Journal

from .conftest import NOW
from .rows import body, intent, redeem, upload_all


async def test_a_redemption_uses_the_coupon_up(journal: Journal) -> None:
    await redeem(journal, "r1")
    with pytest.raises(Used) as used:
        await journal.intend(intent("r2"))
    assert (used.value.first.rid, used.value.first.store, used.value.first.at) == ("r1", "老王便利店", NOW)
    assert await journal.attempt("r2") is None


async def test_a_coupon_with_two_uses_has_two(journal: Journal) -> None:
    for rid in ("r1", "r2"):
        await journal.intend(intent(rid, max_uses=2))
        await journal.record(
            rid, body=body(), code_key="1-1", store_name="x", value=300, result={}, max_uses=2
        )
    with pytest.raises(Used):
        await journal.intend(intent("r3", max_uses=2))


async def test_the_same_code_waits_for_its_attempt_to_end(journal: Journal) -> None:
    await journal.intend(intent("r1"))
    with pytest.raises(Busy):
        await journal.intend(intent("r2"))
    await journal.void("r1", "not accepted")
    await journal.intend(intent("r2"))


async def test_two_readings_of_one_coupon_are_one_coupon(journal: Journal) -> None:
    """The barcode and the QR of a slip are two codes; only the hub knows that they are one coupon."""
    await journal.intend(intent("r1", None, "h:barcode"))
    await journal.intend(intent("r2", "1-1"))
    await journal.record("r1", body=body("1-1"), code_key="h:barcode", store_name="x", value=300, result={})
    with pytest.raises(Used):
        await journal.record("r2", body=body("1-1"), code_key="1-1", store_name="x", value=300, result={})
    attempt = await journal.attempt("r2")
    assert attempt is not None
    assert attempt.state == "open"


async def test_a_code_that_only_the_hub_knows_is_known_as_used_afterwards(journal: Journal) -> None:
    await journal.intend(intent("r1", None, "h:opaque"))
    await journal.record("r1", body=body("h:hub"), code_key="h:opaque", store_name="x", value=300, result={})
    with pytest.raises(Used):
        await journal.intend(intent("r2", None, "h:opaque"))


async def test_only_an_open_attempt_can_be_recorded_or_voided(journal: Journal) -> None:
    await redeem(journal, "r1")
    before = (await journal.verify()).rows
    with pytest.raises(JournalError):
        await journal.void("r1", "late")
    with pytest.raises(JournalError):
        await journal.record("r9", body=body("1-9"), code_key="1-9", store_name="x", value=1, result={})
    assert (await journal.verify()).rows == before
    assert await journal.uses("1-9") == []


async def test_a_rollback_gives_the_use_back_once(journal: Journal) -> None:
    await redeem(journal, "r1")
    assert await journal.rollback("r1", "rb1", "wrong customer", "staff")
    assert not await journal.rollback("r1", "rb2", "again", "staff")
    assert await journal.uses("1-1") == []
    await redeem(journal, "r2")
    run = await journal.pending()
    assert run is not None
    assert [i.kind for i in run.items] == ["redeem_record", "rollback", "redeem_record"]
    assert run.items[1].body == {"of": "r1", "why": "wrong customer", "by": "staff"}


async def test_the_result_of_a_request_is_found_again(journal: Journal) -> None:
    await journal.intend(intent("r1", request_no="T1"))
    await journal.deny(
        "r1", reason="expired", by="hub", coupon="1-1", stock_id="S1", result={"reason": "expired"}
    )
    attempt = await journal.attempt_by_request("T1")
    assert attempt is not None
    assert (attempt.rid, attempt.state, attempt.result) == ("r1", "denied", {"reason": "expired"})


async def test_exposure_is_what_the_hub_has_not_judged(journal: Journal) -> None:
    await redeem(journal, "r1", "1-1", "offline", 300)
    await redeem(journal, "r2", "1-2", "confirmed", 300)
    await redeem(journal, "r3", "1-3", "offline", 500)
    assert await journal.exposure("S1") == Exposure(2, 800)
    assert await journal.exposure("S2") == Exposure(0, 0)
    await journal.rollback("r3", "rb", "", "staff")
    assert await journal.exposure("S1") == Exposure(1, 300)
    await upload_all(journal)
    assert await journal.exposure("S1") == Exposure(0, 0)


async def test_exposure_counts_rows_that_wait_in_another_epoch(journal: Journal) -> None:
    await redeem(journal, "r1", "1-1", "offline", 300)
    await journal.begin_epoch()
    await redeem(journal, "r2", "1-2", "offline", 300)
    assert await journal.exposure("S1") == Exposure(2, 600)


async def test_every_append_tells_that_the_journal_grew(journal: Journal, bus: Bus) -> None:
    grew: list[JournalGrew] = []
    bus.on(JournalGrew, grew.append)
    await journal.intend(intent("r1"))
    assert grew == []
    await journal.void("r1", "x")
    assert len(grew) == 1


async def test_a_cancelled_caller_leaves_a_whole_transaction(journal: Journal) -> None:
    """Whoever gives up waiting does not halve a redemption: row, use and attempt are all there or none is."""
    seen = []
    for n in range(40):
        rid, coupon = f"r{n}", f"1-{n}"
        await journal.intend(intent(rid, coupon))
        task = asyncio.create_task(
            journal.record(rid, body=body(coupon), code_key=coupon, store_name="x", value=1, result={})
        )
        for _ in range(n % 4):
            await asyncio.sleep(0)
        if n % 8 == 7:  # on a busy machine no other would have come so far
            await asyncio.wait([task])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        attempt, uses = await journal.attempt(rid), await journal.uses(coupon)
        assert attempt is not None
        seen.append((attempt.state, len(uses)))
    assert set(seen) <= {("recorded", 1), ("open", 0)}
    assert ("recorded", 1) in seen
    check = await journal.verify()
    assert (check.ok, check.rows) == (True, sum(uses for _, uses in seen))


async def test_the_newest_attempts_come_first(journal: Journal, clock: ManualClock) -> None:
    for n in range(3):
        await redeem(journal, f"r{n}", f"1-{n}")
        clock.advance(1)
    assert [a.rid for a in await journal.recent(2)] == ["r2", "r1"]


async def test_the_home_of_a_coupon_is_found_by_an_index(journal: Journal) -> None:
    """Fifty thousand codes may have come down; a scan without the hub has 50 ms in all."""

    def plan(db: sqlite3.Connection) -> str:
        told = "SELECT 1 FROM object WHERE type = 'code' AND json_extract(body, '$.coupon') = ?"
        return " ".join(r["detail"] for r in db.execute(f"EXPLAIN QUERY PLAN {told}", ("1-1",)))

    assert "USING INDEX object_coupon" in await journal._db.read(plan)
