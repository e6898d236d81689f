"""A card that lied has left one table older than the others: a start puts it right by the items, and never the other way round."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kiosk.coupons.record import Change
from kiosk.journal.store import Journal

from .rows import body, codes, intent, redeem, upload_all

Open = Callable[..., Awaitable[Journal]]
OPEN_AGAIN = "UPDATE attempt SET state = 'open', verdict = '', value = 0, seq = NULL, lease = NULL"


async def older(journal: Journal, *changes: str) -> None:
    """Stop it and make a table what an older page would be."""
    await journal.stop()
    db = sqlite3.connect(journal.path)
    for change in changes:
        db.execute(change)
    db.commit()
    db.close()


async def state(journal: Journal, rid: str) -> str:
    found = await journal.attempt(rid)
    assert found is not None
    return found.state


async def kinds(journal: Journal) -> list[str]:
    run = await journal.pending()
    return [] if run is None else [i.kind for i in run.items]


@pytest.mark.parametrize(
    "change",
    [
        OPEN_AGAIN,
        "UPDATE attempt SET state = 'recorded'",
        "DELETE FROM attempt",
        "INSERT INTO used SELECT rid, coupon, '', at FROM attempt",
    ],
    ids=["open", "recorded", "gone", "used"],
)
async def test_what_was_rolled_back_is_not_used_again(opened: Open, change: str) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    await journal.rollback("r1", "undo", "wrong customer", "clerk")
    await older(journal, change)
    again = await opened()
    assert await again.uses("1-1") == []
    assert await state(again, "r1") == "rolled_back"
    assert await kinds(again) == ["redeem_record", "rollback"], "nothing is voided"
    await redeem(again, "r2")


async def test_what_was_undone_at_the_hub_stays_free_though_its_attempt_was_lost(opened: Open) -> None:
    """The hub tells of it once; without an attempt there was nothing to undo, and the item counted as a use at each start."""
    journal = await opened()
    await redeem(journal, "r1")
    await upload_all(journal)
    await older(journal, "DELETE FROM attempt", "DELETE FROM used")
    again = await opened()
    assert [u.rid for u in await again.uses("1-1")] == ["r1"]
    await again.apply("p1", [Change("put", "rollback", "r1", 1, {"of": "r1", "by": "boss"})])
    assert await again.uses("1-1") == []
    await older(again, "UPDATE attempt SET state = 'recorded'")
    assert await (await opened()).uses("1-1") == []


async def test_what_was_given_up_frees_what_was_learned_and_no_record(opened: Open) -> None:
    journal = await opened()
    await redeem(journal, "r1", "1-1")
    learned = {
        "rid": "r2",
        "coupon": "1-2",
        "store": "S0001",
        "at": "2026-11-24T04:00:00+00:00",
        "state": "ok",
    }
    await journal.learn_uses([learned])
    told = [
        Change("put", "rollback", rid, n, {"of": rid, "by": "boss", "learned": True})
        for n, rid in enumerate(("r1", "r2"), 1)
    ]
    await journal.apply("p1", told)
    await older(journal, "INSERT INTO used VALUES ('r2', '1-2', 'S0001', '2026')")
    again = await opened()
    assert [u.rid for u in await again.uses("1-1")] == ["r1"]
    assert await again.uses("1-2") == []


async def test_what_had_ended_without_a_record_is_not_voided_once_more(opened: Open) -> None:
    journal = await opened()
    await journal.intend(intent("r1", "1-1"))
    await journal.deny("r1", reason="used", by="hub", coupon="1-1", stock_id="S1")
    await journal.intend(intent("r2", "1-2"))
    await journal.void("r2", "nobody answered")
    await older(journal, OPEN_AGAIN)
    again = await opened()
    assert [await state(again, rid) for rid in ("r1", "r2")] == ["denied", "void"]
    assert await kinds(again) == ["attempt_denied", "void"]


async def offline(journal: Journal, rid: str, coupon: str, **more: Any) -> None:
    await journal.intend(intent(rid, coupon))
    told = body(coupon, "offline", **more)
    await journal.record(rid, body=told, code_key=coupon, store_name="x", value=300, result={})


@pytest.mark.parametrize("change", [OPEN_AGAIN, "DELETE FROM attempt"], ids=["open", "gone"])
async def test_an_offline_use_counts_against_its_lease_and_its_cap(opened: Open, change: str) -> None:
    journal = await opened()
    lease = {
        "stock_id": "S1",
        "amount": 2,
        "begins": "2026-11-24T00:00:00Z",
        "not_after": "2026-11-25T00:00:00Z",
        "epoch": journal.epoch,
    }
    await journal.apply("p1", [Change("put", "lease", "L1", 1, lease)])
    await offline(journal, "r1", "1-1", lease="L1")
    await older(journal, change)
    again = await opened()
    held = await again.lease("S1")
    assert held is not None
    assert held.left == 1
    exposed = await again.exposure("S1")
    assert (exposed.count, exposed.value) == (1, 300)


async def test_of_a_row_that_was_moved_the_one_in_the_running_epoch_counts(opened: Open) -> None:
    journal = await opened()
    for n in (1, 2, 3):
        await offline(journal, f"r{n}", f"1-{n}")
    run = await journal.pending()
    assert run is not None
    await journal.acknowledge(run.epoch, 2, [])
    await journal.begin_epoch()
    await older(journal, OPEN_AGAIN)
    again = await opened()
    query = "SELECT rid, seq FROM attempt ORDER BY rid"
    found = await again._db.read(lambda db: [tuple(row) for row in db.execute(query)])
    assert found == [("r1", 1), ("r2", 2), ("r3", 1)]


async def test_a_code_that_was_replaced_stays_void(opened: Open) -> None:
    journal = await opened()
    await journal.put_codes("S2", codes(3))
    await journal.hand_out("p1", "S2", "S0001")
    await journal.job_add("j1", "p1", "coupon", b"{}", {})
    await journal.job_mark("j1", "unknown", {}, item=True)
    await journal.replace_code("j1", "p2", "S0001")
    query = "SELECT coupon, claim, at FROM void_code"
    before = await journal._db.read(lambda db: [tuple(row) for row in db.execute(query)])
    assert [row[:2] for row in before] == [("2-1", "p1")]
    await older(journal, "DELETE FROM void_code", "UPDATE pool SET rid = NULL, handed_at = NULL")
    again = await opened()
    assert await again._db.read(lambda db: [tuple(row) for row in db.execute(query)]) == before


async def test_what_was_given_out_under_another_hub_takes_no_code_of_this_one(opened: Open) -> None:
    """Both hubs call their slips 2-1 and 2-2."""
    journal = await opened()
    await journal.apply("aaaaaaaaaaaa.0.1", [])
    await journal.put_codes("S2", codes(2))
    await journal.hand_out("p1", "S2", "S0001")
    await journal.job_add("j1", "p1", "coupon", b"{}", {})
    await journal.job_mark("j1", "unknown", {}, item=True)
    await journal.replace_code("j1", "p2", "S0001")
    await journal.apply("bbbbbbbbbbbb.0.1", [], whole=True)
    await journal.put_codes("S2", codes(2))
    await journal.stop()
    again = await opened()
    assert await again.pool_left("S2") == 2
    query = "SELECT count(*) FROM void_code"
    assert await again._db.read(lambda db: db.execute(query).fetchone()[0]) == 0


async def test_a_journal_that_agrees_is_left_alone(opened: Open) -> None:
    from kiosk.journal import mend

    journal = await opened()
    await journal.put_codes("S2", codes(2))
    await journal.hand_out("p1", "S2", "S0001")
    await redeem(journal, "r1", "1-1")
    await offline(journal, "r2", "1-2")
    await journal.rollback("r1", "undo", "wrong customer", "clerk")
    await journal.intend(intent("r3", None, "digest"))
    told = {"body": body(None), "code_key": "digest", "store_name": "x", "value": 300, "result": {}}
    await journal.record("r3", **told)
    assert await journal._db.run(mend.mend) == 0
