"""T9: a full journal of every earlier schema is brought up with every row, also when the migration is killed in the middle."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kiosk.clock import ManualClock
from kiosk.coupons.record import Change
from kiosk.events import Bus
from kiosk.journal import database
from kiosk.journal.store import Journal

from .rows import codes, intent, redeem, upload_all

Open = Callable[..., Awaitable[Journal]]
Rows = dict[str, set[tuple[Any, ...]]]
NEWEST = database.steps()[-1][0]
EARLIER = range(1, NEWEST)
FILE = "journal.db"
USED = 60

KILLED = """
import os, signal, shutil, sqlite3, sys
from pathlib import Path
from kiosk.journal.database import Database

old, base = Path(sys.argv[1]), Path(sys.argv[2])
connect, n = sqlite3.connect, 0

def one(place, at):
    seen = 0
    def count(statement):
        nonlocal seen
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
    def counted(*args, **more):
        db = connect(*args, **more)
        db.set_trace_callback(count)
        return db
    sqlite3.connect = counted
    Database(place / "journal.db")._open()
    os._exit(0)

while True:
    n += 1
    place = base / str(n)
    shutil.copytree(old, place)
    if (pid := os.fork()) == 0:
        one(place, n)
    if os.WIFEXITED(os.waitpid(pid, 0)[1]):
        break
print(n - 1)
"""
"""Opens copies of an old journal; the n-th is killed at its n-th statement, the last one not at all."""


async def fill(journal: Journal) -> None:
    """Put something of every kind into a journal, half of it acknowledged, one attempt open."""
    await journal.apply("p1", [Change("put", "setting", f"s{n}", n, {"value": f"{n}"}) for n in range(1, 21)])
    await journal.put_codes("S1", codes(10))
    for n in range(USED):
        await redeem(journal, f"r{n}", f"1-{n}", "offline" if n % 3 else "confirmed")
        if n == USED // 2:
            await upload_all(journal)
    await journal.rollback("r1", "undo1", "wrong customer", "clerk")
    for n in range(3):
        assert await journal.hand_out(f"h{n}", "S1", "S0001") is not None
    await journal.intend(intent("open", "1-999"))


def tables(db: sqlite3.Connection) -> dict[str, list[str]]:
    """Return the columns of every table."""
    names = [r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {name: [r[1] for r in db.execute(f"PRAGMA table_info({name})")] for name in names}


def as_of(version: int, full: Path, path: Path) -> Rows:
    """Make a full journal as an earlier release left it; return what is in it."""
    path.parent.mkdir(parents=True)
    db = sqlite3.connect(path)
    for number, step in database.steps():
        if number <= version:
            db.executescript(f"{step.read_text('utf-8')}\nPRAGMA user_version={number};")
    db.execute("ATTACH ? AS new", (str(full),))
    for name, columns in tables(db).items():
        some = ", ".join(columns)
        db.execute(f"INSERT INTO {name} ({some}) SELECT {some} FROM new.{name}")
    db.commit()
    db.close()
    return contents(path)


def contents(path: Path, columns: dict[str, list[str]] | None = None) -> Rows:
    """Return the rows of a file, in the columns of an earlier schema when these are given."""
    db = sqlite3.connect(path)
    shape = columns or tables(db)
    rows = {name: set(db.execute(f"SELECT {', '.join(some)} FROM {name}")) for name, some in shape.items()}
    db.close()
    return rows


def shape_of(path: Path) -> dict[str, list[str]]:
    db = sqlite3.connect(path)
    found = tables(db)
    db.close()
    return found


@pytest.fixture
async def full(tmp_path: Path, clock: ManualClock) -> Path:
    """The file of a full journal of the newest schema, left as by a crash."""
    journal = Journal(tmp_path / "full", clock, Bus())
    await journal.start()
    await fill(journal)
    await journal._db.close()
    return journal.path


def nothing_missing(old: Rows, path: Path, columns: dict[str, list[str]]) -> None:
    """Check that a file has every row of old; what a start does may be added."""
    found = contents(path, columns)
    for name in set(old) - {"fact", "attempt"}:
        assert old[name] <= found[name], name
    state = columns["attempt"].index("state")
    assert {r for r in old["attempt"] if r[state] != "open"} <= found["attempt"]
    assert len(found["attempt"]) == len(old["attempt"])
    kept: dict[str, str] = dict(found["fact"])
    assert ("epoch", kept["epoch"]) in old["fact"]


async def goes_on(journal: Journal) -> None:
    """Check that a journal is whole, knows its uses and takes more."""
    assert (await journal.verify()).ok
    assert len(await journal.uses("1-7")) == 1
    attempt = await journal.attempt("open")
    assert attempt is not None
    assert attempt.state == "void"
    waiting = (await journal.backlog()).count
    assert waiting > USED // 2 - 2
    await redeem(journal, "after", "1-1000")
    assert await upload_all(journal) == waiting + 1
    given = await journal.hand_out("after", "S1", "S0001")
    assert given is not None
    assert given.coupon == "2-4"


def kill_everywhere(old: Path, places: Path) -> int:
    """Open a copy in places/n for each n, killed at its n-th statement; return how many were killed."""
    words = [sys.executable, "-c", KILLED, str(old), str(places)]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("version", EARLIER)
async def test_a_full_journal_keeps_every_row(version: int, full: Path, tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "old" / FILE
    old = as_of(version, full, path)
    assert min(len(old[name]) for name in ("item", "attempt", "used", "object", "pool")) >= 10
    columns = shape_of(path)
    journal = await opened("old")
    nothing_missing(old, path, columns)
    assert contents(path.with_suffix(f".before-{NEWEST:04}"), columns) == old
    await goes_on(journal)


@pytest.mark.prove
@pytest.mark.parametrize("version", EARLIER)
async def test_a_migration_that_is_killed_at_any_statement_is_done_at_the_next_start(
    version: int,
    full: Path,
    tmp_path: Path,
    clock: ManualClock,
    record_property: Callable[[str, object], None],
) -> None:
    path = tmp_path / "old" / FILE
    old = as_of(version, full, path)
    columns, places = shape_of(path), tmp_path / "killed"
    kills = kill_everywhere(path.parent, places)
    assert kills > 10
    versions = set()
    for n in range(1, kills + 1):
        db = sqlite3.connect(places / str(n) / FILE)
        versions.add(db.execute("PRAGMA user_version").fetchone()[0])
        db.close()
        journal = Journal(places / str(n), clock, Bus())
        await journal.start()
        try:
            nothing_missing(old, journal.path, columns)
            await goes_on(journal)
        finally:
            await journal.stop()
        shutil.rmtree(journal.dir)
    assert versions == set(EARLIER[version - 1 :]), "it was killed in every step and between all"
    record_property("cases", kills)
