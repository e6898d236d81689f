"""T9: the power goes after every single step of a migration; the next start has every row, and a whole copy from before."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.events import Bus
from kiosk.journal.store import Journal
from tests.journal.test_upgrade import EARLIER, NEWEST, Rows, as_of, contents, fill, nothing_missing, shape_of
from tests.proof.card import Cut, Image, cuts
from tests.proof.cuts import FILE, Tape, fail, reopened
from tests.proof.loop import seeded

Note = Callable[[str, object], None]


def after_a_crash(place: Path) -> Image:
    """Return the files of a journal whose last change is in its log only, as a kill leaves them."""
    path = place / FILE
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("INSERT INTO fact VALUES ('last', 'in the log')")
    image = {f"{FILE}{end}": Path(f"{path}{end}").read_bytes() for end in ("", "-wal")}
    db.close()
    return image


async def migrated(
    shelf: Path, clock: ManualClock, version: int, share: float
) -> tuple[Rows, dict[str, list[str]], list[Cut]]:
    """Record how a full journal of an earlier schema is brought up, and where the power may go meanwhile."""
    journal = Journal(shelf / "full", clock, Bus())
    await journal.start()
    await fill(journal)
    await journal._db.close()
    path = shelf / f"v{version}" / FILE
    as_of(version, journal.path, path)
    image = after_a_crash(path.parent)
    columns, old = shape_of(path), contents(path)
    tape = Tape(shelf / f"card-{version}", image, version)
    with seeded(version), tape.running():
        up = await tape.start(clock)
        await up._db.close()
    return old, columns, list(cuts(tape.card, random.Random(version), share=share))


async def judge_migrated(
    place: Path, cut: Cut, version: int, old: Rows, columns: dict[str, list[str]], clock: ManualClock
) -> None:
    """Check that every row is there after the next start, and beside it a whole copy from before."""
    journal, found, told = await reopened(place, cut.image, clock)
    try:
        assert (found.integrity, told) == ("ok", "")
        nothing_missing(old, journal.path, columns)
        assert (await journal.verify()).ok
        copy = journal.path.with_suffix(f".before-{NEWEST:04}")
        assert contents(copy, columns) == old
        db = sqlite3.connect(copy)
        assert db.execute("PRAGMA user_version").fetchone()[0] == version
        db.close()
    finally:
        await journal.stop()


@pytest.mark.parametrize("version", EARLIER)
async def test_t9_a_power_cut_during_a_migration_costs_no_row(
    version: int, shelf: Path, clock: ManualClock
) -> None:
    old, columns, some = await migrated(shelf, clock, version, 0.05)
    for cut in some:
        await judge_migrated(shelf / "cut", cut, version, old, columns, clock)
    assert len(some) > 10


@pytest.mark.prove
@pytest.mark.parametrize("version", EARLIER)
async def test_t9_power_cuts_after_every_step_of_a_migration(
    version: int, shelf: Path, clock: ManualClock, record_property: Note
) -> None:
    old, columns, every = await migrated(shelf, clock, version, 1.0)
    for cut in every:
        try:
            await judge_migrated(shelf / "cut", cut, version, old, columns, clock)
        except AssertionError as err:
            fail(err, cut, version, f"tests/proof/test_crash_migrations.py -k 'every_step and {version}'")
    record_property("cases", len(every))
    assert len(every) > 200
