"""What a start finds: open attempts, an unclean end, a journal that went backwards."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from kiosk.clock import ManualClock
from kiosk.coupons.record import GENESIS, Change
from kiosk.events import Bus
from kiosk.journal.store import Journal

from .conftest import NOW
from .rows import body, codes, intent, redeem, upload_all

Open = Callable[..., Awaitable[Journal]]


async def crash(journal: Journal) -> None:
    """End without the clean end's last words."""
    await journal._db.close()


async def test_an_attempt_that_was_open_is_void_after_a_crash(opened: Open, clock: ManualClock) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    await journal.intend(intent("r2", "1-2"))
    await crash(journal)
    again = Journal(journal.dir, clock, Bus())
    recovery = await again.start()
    try:
        assert (recovery.voided, recovery.unclean, recovery.new_epoch, recovery.told) == (1, True, False, "")
        run = await again.pending()
        assert run is not None
        assert [(i.kind, i.rid) for i in run.items] == [("redeem_record", "r1"), ("void", "r2")]
        attempt = await again.attempt("r2")
        assert attempt is not None
        assert attempt.state == "void"
        await again.intend(intent("r3", "1-2"))
        assert len(await again.uses("1-1")) == 1
    finally:
        await again.stop()


async def test_a_clean_end_is_no_finding(opened: Open, clock: ManualClock) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    epoch = journal.epoch
    await journal.stop()
    again = Journal(journal.dir, clock, Bus())
    recovery = await again.start()
    await again.stop()
    assert (recovery.voided, recovery.unclean, recovery.new_epoch, recovery.told) == (0, False, False, "")
    assert again.epoch == epoch


async def test_the_first_start_begins_an_epoch_that_needs_no_reconciling(journal: Journal) -> None:
    assert len(journal.epoch) == 16
    assert await journal.get("unreconciled") is None


async def test_a_restored_copy_is_noticed_by_the_witness(
    opened: Open, clock: ManualClock, tmp_path: Path
) -> None:
    """The second file knows how far the journal had come: an older copy that is put back ends before that."""
    journal = await opened()
    await redeem(journal, "r1", "1-1", "offline")
    await journal.stop()
    shutil.copy(journal.path, tmp_path / "copy.db")
    later = await opened()
    epoch = later.epoch
    await redeem(later, "r2", "1-2", "offline")
    await later.stop()
    shutil.copy(tmp_path / "copy.db", journal.path)

    restored = Journal(journal.dir, clock, Bus())
    recovery = await restored.start()
    try:
        assert recovery.new_epoch
        assert "before item 2" in recovery.told
        assert restored.epoch != epoch
        assert await restored.get("unreconciled") == "1"
        run = await restored.pending()
        assert run is not None
        assert (run.epoch, run.first_seq, run.prev) == (restored.epoch, 1, GENESIS)
        assert [i.rid for i in run.items] == ["r1"]
    finally:
        await restored.stop()


async def test_a_restored_copy_gives_no_code_that_may_have_been_given(
    opened: Open, clock: ManualClock, tmp_path: Path
) -> None:
    """Neither the next one of the pool, nor one whose slip had failed by then, nor those of a question on its way."""
    journal = await opened()
    await journal.put_codes("S2", codes(3))
    await journal.hand_out("p1", "S2", "S0001")
    await journal.put("pool:S2", "rid 2")
    await journal.stop()
    shutil.copy(journal.path, tmp_path / "copy.db")
    later = await opened()
    given = await later.hand_out("p2", "S2", "S0001")
    await later.stop()
    shutil.copy(tmp_path / "copy.db", journal.path)
    restored = await opened()
    assert given is not None
    assert await restored.pool_left("S2") == 0
    assert await restored.hand_out("p3", "S2", "S0001") is None
    assert await restored.spare("S2") is None
    assert await restored.get("pool:S2") is None
    assert await restored.pool_code("A00000000001") is not None, "what was handed out is still known"
    assert await restored.put_codes("S2", codes(2, 7)) == 2
    fresh = await restored.hand_out("p4", "S2", "S0001")
    assert fresh is not None
    assert fresh.coupon == "2-7"


async def test_a_journal_that_is_gone_is_noticed(opened: Open, clock: ManualClock) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    await journal.stop()
    journal.path.unlink()
    fresh = Journal(journal.dir, clock, Bus())
    recovery = await fresh.start()
    await fresh.stop()
    assert recovery.new_epoch
    assert "gone" in recovery.told


async def test_a_broken_witness_accuses_nobody(opened: Open, clock: ManualClock) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    await journal.stop()
    for raw in ("", "{", "[]", '{"epoch": 1}', '{"epoch": "x", "seq": "9"}'):
        (journal.dir / "tip").write_text(raw)
        again = Journal(journal.dir, clock, Bus())
        assert (await again.start()).told == ""
        await again.stop()
    assert json.loads((journal.dir / "tip").read_text()) == {"epoch": journal.epoch, "seq": 1}


async def test_the_witness_is_written_only_when_something_was_appended(opened: Open) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    await journal.stop()
    before = (journal.dir / "tip").stat().st_mtime_ns
    await (await opened()).stop()
    assert (journal.dir / "tip").stat().st_mtime_ns == before


async def test_a_code_whose_slip_was_never_begun_is_a_spare_after_a_crash(
    opened: Open, clock: ManualClock
) -> None:
    """The power went between taking the code and making the print job: the code was claimed and is on no paper."""
    journal = await opened()
    await journal.put_codes("S2", codes(3))
    taken = await journal.hand_out("p1", "S2", "S0001")
    await crash(journal)
    again = Journal(journal.dir, clock, Bus())
    await again.start()
    try:
        assert await again.spare("S2") == ("p1", taken)
        await again.job_add("j1", "p1", "coupon", b"{}", {})
        assert await again.spare("S2") is None
    finally:
        await again.stop()


async def test_what_was_acknowledged_before_a_crash_is_not_sent_again(
    opened: Open, clock: ManualClock
) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    await upload_all(journal)
    await crash(journal)
    again = Journal(journal.dir, clock, Bus())
    await again.start()
    assert await again.pending() is None
    await again.stop()


async def test_what_is_left_of_an_epoch_is_kept_until_a_hub_has_heard_of_it(
    opened: Open, clock: ManualClock, tmp_path: Path
) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    await upload_all(journal)
    await redeem(journal, "r2", "1-2")
    await journal.stop()
    shutil.copy(journal.path, tmp_path / "copy.db")
    again = await opened()
    await redeem(again, "r3", "1-3")
    await again.stop()
    shutil.copy(tmp_path / "copy.db", journal.path)
    restored = await opened()
    left = await restored.ended()
    assert left is not None
    assert (left.epoch, left.kept, left.had) == (journal.epoch, ((1, 2),), 3)
    assert [n for n, _ in left.marks] == [2]
    await restored.begin_epoch()
    assert await restored.ended() == left, "the hub knows the first of them alone"


async def test_of_a_damaged_journal_what_is_whole_is_named(opened: Open, clock: ManualClock) -> None:
    journal = await opened()
    for n in range(5):
        await redeem(journal, f"r{n}", f"1-{n}")
    await journal.stop()
    db = sqlite3.connect(journal.path)
    db.execute("DELETE FROM item WHERE rid = 'r2'")
    db.commit()
    db.close()
    fresh = await opened()
    left = await fresh.ended()
    assert left is not None
    assert (left.epoch, left.kept, left.had) == (journal.epoch, ((1, 2), (4, 5)), 5)
    assert [n for n, _ in left.marks] == [1, 2, 4, 5]


async def changed(journal: Journal, change: str) -> None:
    """End the journal, and let its card lose or keep an older page of what came down."""
    await journal.stop()
    db = sqlite3.connect(journal.path)
    db.execute(change)
    db.commit()
    db.close()


@pytest.mark.parametrize(
    "change", ["DELETE FROM object WHERE id = 'b'", "UPDATE object SET rev = 1, body = '{}' WHERE id = 'b'"]
)
async def test_what_came_down_and_was_lost_is_asked_for_again(opened: Open, change: str) -> None:
    journal = await opened()
    await journal.apply("p1", [Change("put", "setting", name, n, {}) for n, name in enumerate("abc", 1)])
    await journal.apply("p2", [Change("put", "setting", "b", 7, {}), Change("del", "setting", "c", 8, None)])
    await changed(journal, change)
    again = await opened()
    assert await again.pos() == ""
    assert await again.get("unreconciled") == "1"
    await again.apply("p2", [Change("put", "setting", name, n, {}) for n, name in ((1, "a"), (7, "b"))])
    await again.stop()
    assert await (await opened()).pos() == "p2"


async def test_what_came_down_and_is_there_is_not_asked_for_again(opened: Open) -> None:
    """A lease that was given back, a snapshot, and a journal of a release that kept no sum."""
    journal = await opened()
    lease = {"stock_id": "S1", "amount": 1, "begins": NOW, "not_after": NOW, "epoch": journal.epoch}
    put = Change("put", "lease", "L1", 4, msgspec.to_builtins(lease))
    await journal.apply(
        "p1", [put, Change("put", "setting", "a", 1, {}), Change("del", "setting", "x", 2, None)]
    )
    assert await journal.give_back("L1")
    await journal.stop()
    journal = await opened()
    assert await journal.pos() == "p1"
    await journal.apply("p3", [Change("put", "setting", "b", 9, {})], whole=True)
    await journal.stop()
    journal = await opened()
    assert await journal.pos() == "p3"
    await changed(journal, "DELETE FROM fact WHERE name = 'revisions'")
    journal = await opened()
    await journal.apply("p4", [Change("put", "setting", "c", 10, {})])
    await journal.stop()
    assert await (await opened()).pos() == "p4"


@pytest.mark.parametrize("coupon", ["1-1", None])
async def test_a_use_that_one_table_has_lost_is_known_from_the_others(
    opened: Open, coupon: str | None
) -> None:
    journal = await opened()
    await journal.intend(intent("r1", coupon, "digest"))
    told = {"body": body(coupon), "code_key": "digest", "store_name": "x", "value": 300, "result": {}}
    await journal.record("r1", **told)
    await redeem(journal, "r2", "1-2")
    await journal.rollback("r2", "undo", "wrong customer", "clerk")
    await changed(journal, "DELETE FROM used")
    again = await opened()
    assert [u.rid for u in await again.uses(coupon or "digest")] == ["r1"]
    assert await again.uses("1-2") == []


async def test_what_was_recorded_is_not_voided_for_an_older_page(opened: Open) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    await changed(journal, "UPDATE attempt SET state = 'open', verdict = '', value = 0, seq = NULL")
    again = await opened()
    attempt = await again.attempt("r1")
    assert attempt is not None
    assert (attempt.state, attempt.verdict, attempt.value) == ("recorded", "confirmed", 300)
    run = await again.pending()
    assert run is not None
    assert [i.kind for i in run.items] == ["redeem_record"]


@pytest.mark.parametrize(
    "lost",
    [
        "DELETE FROM job",
        "UPDATE job SET state = 'failed'",
        "UPDATE pool SET rid = NULL, handed_at = NULL",
        "DELETE FROM job WHERE id = 'j2'",
    ],
)
async def test_a_slip_that_may_be_on_paper_is_known_from_the_items(opened: Open, lost: str) -> None:
    """A card that lied kept an older page of the print jobs, or of the pool: the code is given to nobody else."""
    journal = await opened()
    await journal.put_codes("S2", codes(2))
    first = await journal.hand_out("p1", "S2", "S0001")
    for job, state in (("j1", "failed"), ("j2", "printed")):
        await journal.job_add(job, "p1", "coupon", b"{}", {})
        await journal.job_mark(job, state, {}, item=True)
    await changed(journal, lost)
    again = await opened()
    assert await again.spare("S2") is None
    second = await again.hand_out("p2", "S2", "S0001")
    assert first is not None
    assert second is not None
    assert second.coupon != first.coupon
