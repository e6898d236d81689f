"""Rows on their way up: order, verdicts, retention, epochs."""

from __future__ import annotations

import sqlite3

import pytest

from kiosk.clock import ManualClock
from kiosk.coupons.record import GENESIS, Change, ItemVerdict, item_hash
from kiosk.events import Bus, JournalAcked
from kiosk.journal.errors import JournalError
from kiosk.journal.store import RETENTION_DAYS, Journal

from .conftest import NOW
from .rows import codes, intent, redeem, upload_all

DAY = 86400.0


async def test_what_waits_is_a_chain_from_the_first_row(journal: Journal) -> None:
    for n in range(3):
        await redeem(journal, f"r{n}", f"1-{n}")
    run = await journal.pending()
    assert run is not None
    assert (run.epoch, run.first_seq, run.prev) == (journal.epoch, 1, GENESIS)
    prev = run.prev
    for item in run.items:
        prev = item_hash(prev, item.seq, item.kind, item.rid, item.body, item.t)
        assert item.hash == prev
    assert [i.seq for i in run.items] == [1, 2, 3]


async def test_a_run_ends_at_the_limits(journal: Journal) -> None:
    for n in range(5):
        await redeem(journal, f"r{n}", f"1-{n}")
    few = await journal.pending(limit=2)
    small = await journal.pending(max_bytes=1)
    assert few is not None
    assert small is not None
    assert (len(few.items), len(small.items)) == (2, 1)


async def test_acknowledging_keeps_the_verdicts_and_counts_new_conflicts(journal: Journal, bus: Bus) -> None:
    told: list[JournalAcked] = []
    bus.on(JournalAcked, told.append)
    for n in range(4):
        await redeem(journal, f"r{n}", f"1-{n}", "offline")
    verdicts = [
        ItemVerdict(1, "accepted", "accepted"),
        ItemVerdict(2, "conflict", "conflict", "elsewhere"),
        ItemVerdict(3, "retry"),
        ItemVerdict(4, "accepted"),
    ]
    assert await journal.acknowledge(journal.epoch, 2, verdicts) == 1
    assert await journal.conflicts() == 1
    backlog = await journal.backlog()
    assert (backlog.count, backlog.oldest) == (2, NOW)
    run = await journal.pending()
    assert run is not None
    assert run.first_seq == 3
    assert await journal.acknowledge(journal.epoch, 2, verdicts) == 0
    assert [t.conflicts for t in told] == [1, 0]


async def test_nothing_is_acknowledged_above_ack_through(journal: Journal) -> None:
    await redeem(journal, "r1")
    await journal.acknowledge(journal.epoch, 0, [ItemVerdict(1, "accepted")])
    assert (await journal.backlog()).count == 1


async def test_rows_stay_for_the_retention_after_their_acknowledgement(
    journal: Journal, clock: ManualClock
) -> None:
    """Counted from the acknowledgement: a row that waited offline for a month has not been seen at the hub for long."""
    await redeem(journal, "r1")
    clock.advance(30 * DAY)
    await upload_all(journal)
    clock.advance(14 * DAY - 60)
    await redeem(journal, "r2", "1-2")
    await upload_all(journal)
    assert (await journal.verify()).rows == 2
    clock.advance(120)
    await redeem(journal, "r3", "1-3")
    await upload_all(journal)
    check = await journal.verify()
    assert (check.ok, check.rows) == (True, 2)
    assert len(await journal.uses("1-1")) == 1


async def test_the_chain_goes_on_from_its_anchor(journal: Journal, clock: ManualClock) -> None:
    for n in range(3):
        await redeem(journal, f"r{n}", f"1-{n}")
    await upload_all(journal)
    clock.advance((RETENTION_DAYS + 1) * DAY)
    await journal.acknowledge(journal.epoch, 3, [])
    assert (await journal.verify()).rows == 0
    await redeem(journal, "r9", "1-9")
    run = await journal.pending()
    assert run is not None
    assert run.first_seq == 4
    assert run.prev != GENESIS
    assert (await journal.verify()).ok


async def test_a_row_that_was_not_acknowledged_is_never_forgotten(
    journal: Journal, clock: ManualClock
) -> None:
    await redeem(journal, "r1")
    clock.advance(400 * DAY)
    await redeem(journal, "r2", "1-2")
    await journal.acknowledge(journal.epoch, 0, [])
    assert (await journal.backlog()).count == 2


async def test_old_printed_slips_go_and_their_codes_are_no_spares(
    journal: Journal, clock: ManualClock
) -> None:
    await journal.put_codes("S2", codes(2))
    for rid, state in (("p1", "printed"), ("p2", "unknown")):
        code = await journal.hand_out(rid, "S2", "S0001")
        assert code is not None
        await journal.job_add(f"j-{rid}", rid, "coupon", b"{}", {})
        await journal.job_mark(f"j-{rid}", state, {}, item=True)
    await upload_all(journal)
    clock.advance((RETENTION_DAYS + 1) * DAY)
    await journal.acknowledge(journal.epoch, 0, [])
    assert [j.id for j in await journal.jobs()] == ["j-p2"]
    assert await journal.spare("S2") is None
    assert await journal.pool_code("A00000000001") is not None


async def test_a_new_epoch_takes_what_waits_with_its_own_time(journal: Journal, clock: ManualClock) -> None:
    await redeem(journal, "r1")
    await upload_all(journal)
    await redeem(journal, "r2", "1-2", "offline")
    await journal.rollback("r2", "rb", "wrong", "staff")
    old = journal.epoch
    clock.advance(3600)
    fresh = await journal.begin_epoch()
    assert fresh == journal.epoch != old
    run = await journal.pending()
    assert run is not None
    assert (run.epoch, run.first_seq, run.prev) == (fresh, 1, GENESIS)
    assert [(i.kind, i.rid, i.t.trusted) for i in run.items] == [
        ("redeem_record", "r2", NOW),
        ("rollback", "rb", NOW),
    ]
    assert (await journal.backlog()).count == 2
    assert await journal.get("unreconciled") == "1"
    assert (await journal.verify()).ok
    assert len((await journal.export(None, None, "", 100))[0]) == 3


async def test_an_old_epoch_goes_as_a_whole(journal: Journal, clock: ManualClock) -> None:
    await redeem(journal, "r1")
    await journal.begin_epoch()
    await upload_all(journal)
    clock.advance((RETENTION_DAYS + 1) * DAY)
    await redeem(journal, "r2", "1-2")
    await upload_all(journal)
    check = await journal.verify()
    assert (check.ok, check.rows) == (True, 1)


async def test_an_epoch_that_cannot_begin_changes_nothing(journal: Journal) -> None:
    await redeem(journal, "r1")
    old = journal.epoch
    await journal._db.read(lambda db: db.execute("PRAGMA query_only=ON").fetchall())
    with pytest.raises(JournalError, match="readonly"):
        await journal.begin_epoch()
    await journal._db.read(lambda db: db.execute("PRAGMA query_only=OFF").fetchall())
    await redeem(journal, "r2", "1-2")
    run = await journal.pending()
    assert run is not None
    assert (journal.epoch, run.epoch, len(run.items)) == (old, old, 2)


async def test_uses_that_the_hub_knows_count_here_too(journal: Journal) -> None:
    await redeem(journal, "r1")
    await journal.rollback("r1", "rb", "", "staff")
    use = {"store": "S0001", "at": "2026-11-24T04:00:00+00:00"}
    await journal.learn_uses([{"rid": "r1", "coupon": "1-1", **use}, {"rid": "x1", "coupon": "1-5", **use}])
    assert await journal.uses("1-1") == []
    assert [u.rid for u in await journal.uses("1-5")] == ["x1"]


async def test_what_was_undone_since_an_older_copy_was_made_is_undone_there_too(journal: Journal) -> None:
    await redeem(journal, "r1")
    use = {"coupon": "1-1", "store": "S0001", "at": "2026-11-24T04:00:00+00:00", "state": "rolled_back"}
    for _ in range(2):
        await journal.learn_uses([{"rid": "r1", **use}, {"rid": "x1", **use}])
    assert await journal.uses("1-1") == []
    run = await journal.pending()
    assert run is not None
    assert [(i.kind, i.body.get("of")) for i in run.items] == [("redeem_record", None), ("rollback", "r1")]
    await redeem(journal, "r2")


async def test_what_was_given_up_at_the_hub_is_forgotten_and_no_record_with_it(journal: Journal) -> None:
    use = {"coupon": "1-5", "store": "S0001", "at": "2026-11-24T04:00:00+00:00", "state": "ok"}
    await journal.learn_uses([{"rid": "x1", **use}])
    await redeem(journal, "r1")
    said = [
        Change("put", "rollback", rid, n, {"of": rid, "by": "boss", "learned": True})
        for n, rid in enumerate(("x1", "r1"), 1)
    ]
    await journal.apply("p1", said)
    assert await journal.uses("1-5") == []
    assert [u.rid for u in await journal.uses("1-1")] == ["r1"]
    await journal._db.run(lambda db: db.execute("DELETE FROM attempt"))
    await journal.apply(
        "p2", [Change("put", "rollback", "r1", 3, {"of": "r1", "by": "boss", "learned": True})]
    )
    assert [u.rid for u in await journal.uses("1-1")] == ["r1"], "its row in the chain is a record too"


@pytest.mark.parametrize("column", ["body", "rid", "kind", "prev", "t"])
async def test_a_changed_row_breaks_the_chain(journal: Journal, column: str) -> None:
    for n in range(3):
        await redeem(journal, f"r{n}", f"1-{n}")
    assert (await journal.verify()).ok
    changed = {
        "body": "json_set(body, '$.value', 1)", "rid": "'other'", "kind": "'void'", "prev": f"'{'1' * 64}'",
        "t": "json_set(t, '$.mono', 7)",
    }[column]  # fmt: skip

    def tamper(db: sqlite3.Connection) -> None:
        db.execute(f"UPDATE item SET {column} = {changed} WHERE seq = 2")

    await journal._db.run(tamper)
    check = await journal.verify()
    assert (check.ok, check.first_bad) == (False, 2)


async def test_a_missing_row_breaks_the_chain(journal: Journal) -> None:
    for n in range(3):
        await redeem(journal, f"r{n}", f"1-{n}")
    await journal._db.run(lambda db: db.execute("DELETE FROM item WHERE seq = 2"))
    check = await journal.verify()
    assert (check.ok, check.first_bad) == (False, 3)


async def test_the_journal_holds_no_text_of_a_code(journal: Journal) -> None:
    await journal.intend(intent("r1"))
    await journal.void("r1", "x")
    run = await journal.pending()
    assert run is not None
    assert "code" not in run.items[0].body


async def test_a_conflict_that_may_stand_stays_decided_when_it_goes_up_again(journal: Journal) -> None:
    """A restored hub finds the same conflict; staff have looked at it already."""
    for n in (1, 2):
        await redeem(journal, f"r{n}", f"1-{n}", "offline")
    await upload_all(journal, "conflict")
    let, waits = sorted(await journal.waiting_conflicts(), key=lambda row: row.seq)
    assert await journal.let_stand(let.epoch, let.seq, "王芳")
    fresh = await journal.begin_epoch()
    assert await journal.send_older({}) == 2
    await upload_all(journal, "conflict")
    assert [(c.epoch, c.rid) for c in await journal.waiting_conflicts()] == [(fresh, waits.rid)]
