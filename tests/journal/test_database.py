"""The file: pragmas that are real, one owner, migrations, and what happens when the card is full, damaged or read-only."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.events import Bus
from kiosk.journal import database
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal

from .conftest import NOW
from .rows import intent, redeem

Open = Callable[..., Awaitable[Journal]]


async def refused(tmp_path: Path, clock: ManualClock, name: str = "data") -> JournalError:
    with pytest.raises(JournalError) as err:
        await Journal(tmp_path / name, clock, Bus()).start()
    return err.value


# -- the file --


async def test_the_pragmas_are_real(journal: Journal) -> None:
    def ask(db: sqlite3.Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    assert await journal._db.read(ask) == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_a_file_system_that_gives_no_wal_is_refused(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database.PRAGMAS, "journal_mode", "delete")
    err = await refused(tmp_path, clock)
    assert err.kind == "io"
    assert "journal_mode is wal, not delete" in str(err)


async def test_only_one_kiosk_runs_on_a_directory(opened: Open, tmp_path: Path, clock: ManualClock) -> None:
    first = await opened()
    err = await refused(tmp_path, clock)
    assert err.kind == "locked"
    assert str(tmp_path / "data") in str(err)
    await first.stop()
    await (await opened()).get("epoch")


async def test_a_closed_journal_says_so(tmp_path: Path, clock: ManualClock) -> None:
    journal = Journal(tmp_path, clock, Bus())
    with pytest.raises(JournalError, match="closed"):
        await journal.get("epoch")


async def test_everything_of_a_transaction_is_undone_when_it_fails(journal: Journal) -> None:
    def half(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO fact VALUES ('half', '1')")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await journal._db.run(half)
    assert await journal.get("half") is None


async def test_idle_costs_the_card_nothing(journal: Journal, clock: ManualClock) -> None:
    """Looking changes neither the file nor its log, and neither does a page of changes that says nothing new."""
    await redeem(journal, "r1")
    await journal.apply("p1", ())

    def state() -> list[tuple[str, int, int]]:
        parts = (journal.path, Path(f"{journal.path}-wal"), journal.dir / "tip", journal.dir / "running")
        return [(p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in parts if p.exists()]

    before = state()
    for _ in range(20):
        clock.advance(60)
        await journal.apply("p1", ())
        await journal.pending()
        await journal.backlog()
        await journal.batches()
        await journal.conflicts()
        await journal.jobs(("unknown",))
        await journal.pool_left("S1")
        await journal.exposure("S1")
    assert state() == before
    await journal.put("x", "1")
    assert state() != before


# -- migrations --


def at_version(path: Path, version: int) -> None:
    """Make a database as an older release left it."""
    path.parent.mkdir(parents=True)
    db = sqlite3.connect(path)
    for number, step in database.steps():
        if number <= version:
            db.executescript(f"{step.read_text('utf-8')}\nPRAGMA user_version={number};")
    db.execute("INSERT INTO fact VALUES ('epoch', 'old-epoch')")
    db.execute(
        "INSERT INTO attempt (rid, code_key, coupon, state, at) VALUES ('r1', '1-1', '1-1', 'recorded', '2026-11-01T00:00:00.000000Z')"
    )
    db.execute("INSERT INTO used VALUES ('r1', '1-1', 'Laowang', '2026-11-01T00:00:00.000000Z')")
    db.commit()
    db.close()


async def test_every_older_schema_is_brought_up_with_its_rows(tmp_path: Path, opened: Open) -> None:
    newest = database.steps()[-1][0]
    for version in range(1, newest + 1):
        name = f"from{version}"
        at_version(tmp_path / name / "journal.db", version)
        journal = await opened(name)
        assert journal.epoch == "old-epoch"
        assert [u.rid for u in await journal.uses("1-1")] == ["r1"]
        await redeem(journal, "r2", "1-2")
        found = await journal._db.read(lambda db: db.execute("PRAGMA user_version").fetchone()[0])
        copies = list((tmp_path / name).glob("journal.before-*"))
        assert (found, len(copies)) == (newest, 0 if version == newest else 1)
        await journal.stop()


async def test_a_migration_keeps_a_whole_copy_from_before(tmp_path: Path, opened: Open) -> None:
    at_version(tmp_path / "data/journal.db", 1)
    half = tmp_path / "data" / f"journal.before-{database.steps()[-1][0]:04}.half"
    half.write_bytes(b"from a power cut")
    await opened()
    copy = half.with_suffix("")
    db = sqlite3.connect(copy)
    assert db.execute("PRAGMA user_version").fetchone()[0] == 1
    assert db.execute("SELECT rid FROM used").fetchall() == [("r1",)]
    db.close()
    assert not half.exists()


async def test_a_migration_that_fails_leaves_the_old_schema(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_version(tmp_path / "data/journal.db", 1)
    steps = tmp_path / "steps"
    shutil.copytree(database.MIGRATIONS, steps)
    for number, step in database.steps():
        if number > 1:
            (steps / step.name).unlink()
    (steps / "0002_bad.sql").write_text("DELETE FROM used;\nALTER TABLE nowhere ADD COLUMN x;\n")
    monkeypatch.setattr(database, "MIGRATIONS", steps)
    err = await refused(tmp_path, clock)
    assert "nowhere" in str(err)
    db = sqlite3.connect(tmp_path / "data/journal.db")
    assert db.execute("PRAGMA user_version").fetchone()[0] == 1
    assert db.execute("SELECT count(*) FROM used").fetchone()[0] == 1
    db.close()


async def test_a_newer_database_is_refused_and_left_alone(
    tmp_path: Path, clock: ManualClock, opened: Open
) -> None:
    journal = await opened()
    await redeem(journal, "r1")
    await journal.stop()
    db = sqlite3.connect(journal.path)
    db.execute("PRAGMA user_version=999")
    db.close()
    before = journal.path.read_bytes()
    err = await refused(tmp_path, clock)
    assert err.kind == "newer"
    assert "schema 999" in str(err)
    assert "update the kiosk" in str(err)
    assert journal.path.read_bytes() == before


# -- damage --


@pytest.mark.parametrize("where", ["head", "middle", "not a database"])
async def test_a_damaged_file_is_set_aside_and_a_new_journal_begun(
    opened: Open, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    journal = await opened()
    for n in range(60):
        await redeem(journal, f"r{n}", f"1-{n}")
    await journal.stop()
    raw = bytearray(journal.path.read_bytes())
    if where == "not a database":
        raw[:] = b"this was a journal once" * 100
    else:
        at = 0 if where == "head" else len(raw) // 2 // 4096 * 4096
        raw[at : at + 4096 * 4] = os.urandom(4096 * 4)
    journal.path.write_bytes(bytes(raw))
    fresh = Journal(journal.dir, journal.clock, Bus())
    recovery = await fresh.start()
    try:
        assert recovery.new_epoch
        assert "journal.damaged-1" in recovery.told
        assert fresh.epoch != journal.epoch
        assert (journal.dir / "journal.damaged-1").read_bytes() == bytes(raw)
        assert await fresh.get("unreconciled") == "1"
        await redeem(fresh, "new", "9-9")
    finally:
        await fresh.stop()
    again = Journal(journal.dir, journal.clock, Bus())
    assert (await again.start()).told == ""
    assert again.set_aside() == (str(journal.dir / "journal.damaged-1"),)
    await again.stop()
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == [recovery.told]


async def test_a_second_damaged_file_does_not_replace_the_first(opened: Open) -> None:
    journal = await opened()
    for _ in range(2):
        await journal.stop()
        journal.path.write_bytes(os.urandom(8192))
        journal = Journal(journal.dir, journal.clock, Bus())
        await journal.start()
    await journal.stop()
    assert sorted(p.name for p in journal.dir.glob("journal.damaged-*")) == [
        "journal.damaged-1",
        "journal.damaged-2",
    ]


# -- no room, no right to write --


async def until_refused(journal: Journal) -> tuple[int, JournalError]:
    """Redeem until the journal refuses; return how many were acknowledged."""
    for n in range(500):
        try:
            await redeem(journal, f"r{n}", f"1-{n}")
        except JournalError as err:
            return n, err
    pytest.fail("the journal never filled up")


async def test_a_full_disk_is_one_sentence_and_halves_nothing(journal: Journal) -> None:
    def no_room(db: sqlite3.Connection) -> None:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count={pages}")

    await journal._db.read(no_room)
    n, err = await until_refused(journal)
    assert err.kind == "full"
    assert str(journal.dir) in str(err)
    assert "free some space" in str(err)
    rows = await journal._db.read(
        lambda db: (
            db.execute("SELECT count(*) FROM used").fetchone()[0],
            db.execute("SELECT count(*) FROM item").fetchone()[0],
            db.execute("SELECT count(*) FROM attempt WHERE state = 'recorded'").fetchone()[0],
        )
    )
    assert rows == (n, n, n)
    assert (await journal.verify()).ok
    await journal._db.read(lambda db: db.execute("PRAGMA max_page_count=1000000").fetchone())
    await redeem(journal, "after", "9-9")


CHILD = """
import asyncio, os, sys
from datetime import UTC, datetime
from pathlib import Path
from kiosk.clock import ManualClock
from kiosk.events import Bus
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
async def main():
    try:
        await Journal(Path(sys.argv[1]), ManualClock(datetime(2026, 11, 24, tzinfo=UTC)), Bus()).start()
    except JournalError as err:
        print(err.kind, err)
asyncio.run(main())
"""


@pytest.mark.parametrize("below", ["", "new"])
def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, below: str) -> None:
    """Run as somebody without rights: root may write everywhere."""
    place = tmp_path / "locked"
    place.mkdir(mode=0o755)
    os.chmod(place, 0o555)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(parent, 0o755)
    target = place / below if below else place
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(target)], capture_output=True, text=True, check=False, timeout=60
    )
    os.chmod(place, 0o755)
    assert done.stderr == ""
    assert done.stdout.startswith("readonly ")
    assert str(place) in done.stdout
    assert "writable" in done.stdout


async def test_work_goes_on_in_the_thread_when_many_ask_at_once(journal: Journal) -> None:
    await asyncio.gather(*(redeem(journal, f"r{n}", f"1-{n}") for n in range(50)))
    check = await journal.verify()
    assert (check.ok, check.rows) == (True, 50)


async def test_times_are_kept_in_utc(journal: Journal) -> None:
    await journal.intend(intent("r1"))
    attempt = await journal.attempt("r1")
    assert attempt is not None
    assert attempt.at == NOW
    assert attempt.at.utcoffset() is not None
