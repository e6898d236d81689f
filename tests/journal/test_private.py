"""Nobody but its owner reads the journal: it holds signed codes that are worth money."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.events import Bus
from kiosk.journal.store import Journal
from kiosk.private import make_private

from .rows import redeem

Open = Callable[..., Awaitable[Journal]]


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Every system's own umask, under which a file is made for all to read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes(journal: Journal) -> dict[str, int]:
    return {path.name: mode(path) for path in journal.dir.glob("journal.*")}


async def test_a_new_journal_its_log_and_its_directory_are_its_owners_alone(opened: Open) -> None:
    journal = await opened("made/here")
    await redeem(journal, "r1")
    assert modes(journal) == dict.fromkeys(("journal.db", "journal.db-wal", "journal.db-shm"), 0o600)
    assert mode(journal.dir) == 0o700


async def test_a_journal_that_all_could_read_is_shut_with_every_copy(
    opened: Open, clock: ManualClock
) -> None:
    journal = await opened()
    await journal.stop()
    for name in ("journal.db", "journal.damaged-1", "journal.damaged-1-wal", "journal.before-0002"):
        path = journal.dir / name
        path.touch()
        path.chmod(0o644)
    fresh = Journal(journal.dir, clock, Bus())
    await fresh.start()
    try:
        assert set(modes(fresh).values()) == {0o600}
    finally:
        await fresh.stop()


async def test_a_damaged_journal_that_is_set_aside_stays_shut(opened: Open, clock: ManualClock) -> None:
    journal = await opened()
    await journal.stop()
    journal.path.write_bytes(os.urandom(8192))
    journal.path.chmod(0o644)
    fresh = Journal(journal.dir, clock, Bus())
    await fresh.start()
    try:
        assert mode(journal.dir / "journal.damaged-1") == 0o600
        assert mode(fresh.path) == 0o600
    finally:
        await fresh.stop()


async def test_the_copy_from_before_a_migration_is_its_owners_alone(opened: Open) -> None:
    journal = await opened()
    copy = journal.dir / "journal.before-9999"
    await journal._db.read(lambda db: journal._db._copy(db, copy))
    assert mode(copy) == 0o600
    db = sqlite3.connect(copy)
    assert db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    assert db.execute("SELECT count(*) FROM fact").fetchone()[0] > 0
    db.close()


def test_the_owners_own_rights_are_left_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"kept")
    path.chmod(0o464)
    make_private(path)
    assert mode(path) == 0o400
    assert path.read_bytes() == b"kept"
