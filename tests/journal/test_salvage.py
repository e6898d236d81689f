"""A damaged file: what can be read is saved, and nothing that cannot be proven whole is believed."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.events import Bus
from kiosk.journal import salvage
from kiosk.journal.people import Person
from kiosk.journal.rows import Used
from kiosk.journal.store import Journal

from .conftest import NOW
from .rows import body, codes, intent, redeem, upload_all

Open = Callable[..., Awaitable[Journal]]
PAGE = 4096


async def filled(opened: Open, n: int = 80) -> Journal:
    """A journal with redemptions that went up and others that wait, slips and print jobs."""
    journal = await opened()
    await journal.put("enrolled", "https://hub.example.test")
    await journal.put("pin_salt", "5a17")
    await journal.put_person(Person("p1", "小李", "clerk", "scrypt$1"))
    await journal.note_act("p1", "小李", "redeem", "u000")
    await journal.put_codes("S2", codes(5))
    for i in range(n):
        await redeem(journal, f"u{i:03}", f"1-{i}")
    await upload_all(journal)
    for i in range(n):
        await redeem(journal, f"w{i:03}", f"5-{i}", "offline")
    await journal.hand_out("p1", "S2", "S0001")
    await journal.job_add("j1", "p1", "coupon", b"{}", {})
    await journal.job_mark("j1", "printed", {}, item=True)
    await journal.intend(intent("open", "9-9"))
    await journal._db.close()
    return journal


def pages_of(path: Path, table: str) -> list[int]:
    """Return the pages of a table's rows, the first page of the file being 1."""
    db = sqlite3.connect(path)
    try:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        count = db.execute("PRAGMA page_count").fetchone()[0]
    finally:
        db.close()
    return [root, count]


def damage(path: Path, page: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[(page - 1) * PAGE : page * PAGE] = random.Random(page).randbytes(PAGE)
    path.write_bytes(bytes(raw))


async def mended(journal: Journal, clock: ManualClock) -> tuple[Journal, str]:
    fresh = Journal(journal.dir, clock, Bus())
    recovery = await fresh.start()
    return fresh, recovery.told


async def test_a_file_with_one_bad_page_gives_up_nearly_everything(opened: Open, clock: ManualClock) -> None:
    """The index of acknowledgements is hit: every row is still there."""
    journal = await filled(opened)
    damage(journal.path, pages_of(journal.path, "item_at")[0])
    fresh, told = await mended(journal, clock)
    try:
        assert "journal.damaged-1" in told
        assert "Saved from it: rows for the hub 83, uses 160." in told
        run = await fresh.pending()
        assert run is not None
        kinds = [i.kind for i in run.items]
        assert (kinds.count("redeem_record"), kinds.count("claim"), kinds.count("void")) == (80, 1, 1)
        assert [i.rid for i in run.items][:80] == [f"w{n:03}" for n in range(80)]
        assert {i.t.trusted for i in run.items} == {NOW}
        for coupon in ("1-0", "1-79", "5-0", "5-79"):
            with pytest.raises(Used):
                await fresh.intend(intent(f"again{coupon}", coupon))
        assert await fresh.get("enrolled") == "https://hub.example.test"
        assert [(p.name, p.role) for p in await fresh.people()] == [("小李", "clerk")]
        assert [a.name for a in await fresh.acts()] == ["小李"]
        assert await fresh.get("pin_salt") == "5a17"
        assert await fresh.get("unreconciled") == "1"
        assert await fresh.spare("S2") is None
        assert (await fresh.pool_left("S2"), await fresh.pool_code("A00000000001") is not None) == (0, True)
        assert (await fresh.verify()).ok
        assert await fresh.begin_epoch()
        assert (await fresh.verify()).ok
    finally:
        await fresh.stop()
    assert not list(journal.dir.glob("salvage-*"))


async def test_whatever_page_is_hit_the_rest_is_whole(
    opened: Open, clock: ManualClock, tmp_path: Path
) -> None:
    """Each page in turn: the kiosk starts, the chain holds, no row is believed that was not written."""
    journal = await filled(opened, 40)
    whole = journal.path.read_bytes()
    count = len(whole) // PAGE
    saved = []
    for page in random.Random(7).sample(range(1, count + 1), min(count, 12)):
        for part in journal.dir.glob("journal.*"):
            part.unlink()
        journal.path.write_bytes(whole)
        damage(journal.path, page)
        fresh, told = await mended(journal, clock)
        try:
            if told:
                run = await fresh.pending()
                rids = [i.rid for i in run.items] if run else []
                redeemed = [r for r in rids if r.startswith("w")]
                assert set(redeemed) <= {f"w{n:03}" for n in range(40)}
                assert len(redeemed) == len(set(redeemed))
                found = re.search(r"Saved from it: rows for the hub (\d+)", told)
                saved.append(int(found[1]) if found else 0)
                for rid in redeemed:
                    assert await fresh.uses(f"5-{int(rid[1:])}")
            assert (await fresh.verify()).ok
            await redeem(fresh, "new", "7-7")
        finally:
            await fresh.stop()
    assert len(saved) >= 6
    assert sorted(saved)[len(saved) // 2] >= 20


async def test_a_row_that_was_changed_is_not_believed(opened: Open, clock: ManualClock) -> None:
    journal = await filled(opened)
    db = sqlite3.connect(journal.path)
    db.execute("UPDATE item SET body = json_set(body, '$.value', 99999) WHERE rid = 'w003'")
    db.commit()
    db.close()
    damage(journal.path, pages_of(journal.path, "item_at")[0])
    fresh, _ = await mended(journal, clock)
    try:
        run = await fresh.pending()
        assert run is not None
        assert "w003" not in [i.rid for i in run.items]
        assert len([i for i in run.items if i.kind == "redeem_record"]) == 79
    finally:
        await fresh.stop()


async def test_a_file_that_is_no_database_gives_nothing_and_stops_nothing(
    opened: Open, clock: ManualClock
) -> None:
    journal = await filled(opened, 2)
    journal.path.write_bytes(b"noise" * 5000)
    fresh, told = await mended(journal, clock)
    assert "Saved from it: rows for the hub 0, uses 0." in told
    assert await fresh.pending() is None
    await fresh.stop()


async def test_an_index_that_misses_a_row_is_damage(opened: Open, clock: ManualClock) -> None:
    """Pages of different ages, each of them whole, as a card leaves them that did not do what it said."""
    journal = await filled(opened)
    root = pages_of(journal.path, "used_coupon")[0]
    before = journal.path.read_bytes()
    again = Journal(journal.dir, clock, Bus())
    await again.start()
    await redeem(again, "later", "7-7")
    await again._db.close()
    raw = bytearray(journal.path.read_bytes())
    raw[(root - 1) * PAGE : root * PAGE] = before[(root - 1) * PAGE : root * PAGE]
    journal.path.write_bytes(bytes(raw))
    fresh, told = await mended(journal, clock)
    try:
        assert "journal.damaged-1" in told
        assert [u.rid for u in await fresh.uses("7-7")] == ["later"]
        with pytest.raises(Used):
            await fresh.intend(intent("again", "7-7"))
    finally:
        await fresh.stop()


async def test_a_row_that_is_missing_between_others_is_damage(opened: Open, clock: ManualClock) -> None:
    journal = await filled(opened)
    db = sqlite3.connect(journal.path, isolation_level=None)
    db.execute("DELETE FROM item WHERE rid = 'w040'")
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.close()
    fresh, told = await mended(journal, clock)
    try:
        assert "journal.damaged-1" in told
        assert fresh.epoch != journal.epoch
        assert (await fresh.verify()).ok
        assert "Saved from it: rows for the hub 82" in told
    finally:
        await fresh.stop()


async def test_a_damaged_row_without_its_place_hides_no_other(opened: Open, clock: ManualClock) -> None:
    """Half a sector of the table's page: some rows come back without an epoch."""
    journal = await filled(opened)
    aside = journal.dir / "journal.damaged-1"
    db = sqlite3.connect(journal.path, isolation_level=None)
    rows = db.execute("SELECT * FROM item WHERE acked_at IS NULL").fetchall()
    names = [r[1] for r in db.execute("PRAGMA table_info(item)")]
    db.close()
    old = sqlite3.connect(aside, isolation_level=None)
    for (table,) in [(t,) for t in salvage.ENDS if t != "item"]:
        old.execute(f"CREATE TABLE {table} (id, name, day, stock_id, epoch, seq, coupon, n)")
    old.execute(f"CREATE TABLE item ({', '.join(names)})")
    old.executemany(f"INSERT INTO item VALUES ({', '.join('?' * len(names))})", rows)
    old.execute("UPDATE item SET epoch = NULL WHERE rid = 'w001'")
    old.execute("UPDATE item SET seq = 'x' WHERE rid = 'w002'")
    old.close()
    saved = salvage.read(aside)
    assert {r[names.index("rid")] for r in rows} - {i.rid for i in saved.waiting} == {"w002"}


async def test_a_slip_whose_print_job_was_lost_is_given_to_nobody_else(
    opened: Open, clock: ManualClock
) -> None:
    """The hub has heard of it, so that no row that waits tells of it either."""
    await filled(opened, 3)
    journal = await opened()
    await upload_all(journal)
    await journal._db.close()
    damage(journal.path, pages_of(journal.path, "job")[0])
    fresh, told = await mended(journal, clock)
    try:
        assert "journal.damaged-1" in told
        assert (await fresh.jobs(), await fresh.pool_code("A00000000001") is not None) == ([], True)
        assert await fresh.spare("S2") is None
    finally:
        await fresh.stop()


async def test_rows_that_are_not_what_was_written_stop_nothing(opened: Open, clock: ManualClock) -> None:
    """Half a sector of zeros or of other bytes in a row: it is left out, and the rest comes over."""
    journal = await filled(opened)
    await journal._db.close()
    db = sqlite3.connect(journal.path, isolation_level=None)
    db.execute("PRAGMA writable_schema=ON")
    db.execute("UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name IN ('attempt', 'used')")
    db.execute("PRAGMA writable_schema=RESET")
    db.execute("UPDATE used SET coupon = char(0, 0, 0) WHERE rid = 'u001'")
    db.execute("UPDATE used SET store = CAST(x'e88081c3' AS TEXT) WHERE rid = 'u002'")
    db.execute("UPDATE pool SET rid = CAST(x'e88081c3' AS TEXT) WHERE rid IS NOT NULL")
    db.execute("UPDATE fact SET value = CAST(x'e88081c3' AS TEXT) WHERE name = 'epoch'")
    db.execute("UPDATE attempt SET value = 'three' WHERE rid = 'u003'")
    db.execute("UPDATE attempt SET at = x'00' WHERE rid = 'u004'")
    db.execute("DELETE FROM item WHERE rid = 'w040'")
    db.close()
    fresh, told = await mended(journal, clock)
    try:
        assert "Saved from it" in told
        found = await fresh._db.read(lambda db: dict(db.execute("SELECT rid, coupon FROM used").fetchall()))
        assert {f"u{n:03}": f"1-{n}" for n in range(80)}.items() <= found.items(), "the attempts tell of both"
        assert [await fresh.attempt(rid) is None for rid in ("u003", "u004", "u005")] == [True, True, False]
    finally:
        await fresh.stop()


async def test_a_text_with_the_sign_for_unreadable_is_a_text(opened: Open, clock: ManualClock) -> None:
    """U+FFFD is what a hub or a till writes in place of what it could not read; a row that holds one is whole."""
    await filled(opened, 3)
    journal = await opened()
    await journal.intend(intent("f1", "9-1"))
    await journal.record(
        "f1", body=body("9-1"), code_key="9-1", store_name="\ufffd店", value=300, result={"why": "\ufffd"}
    )
    await journal.put_person(Person("p9", "\ufffd", "clerk", "verifier"))
    await upload_all(journal)
    await journal._db.close()
    damage(journal.path, pages_of(journal.path, "item_at")[0])
    fresh, told = await mended(journal, clock)
    try:
        assert "journal.damaged-1" in told
        assert [u.store for u in await fresh.uses("9-1")] == ["\ufffd店"]
        assert await fresh.attempt("f1") is not None
        assert "\ufffd" in [p.name for p in await fresh.people()]
    finally:
        await fresh.stop()
