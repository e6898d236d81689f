"""The real journal at work on a recorded card, and what must be found on it after a power cut at any step."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

from kiosk.clock import ManualClock
from kiosk.coupons.record import Change
from kiosk.events import Bus
from kiosk.journal import files
from kiosk.journal.database import Check, Database
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal
from tests.journal.rows import codes, intent, redeem, upload_all
from tests.proof.card import Card, Cut, Image, Told, lay
from tests.proof.recorder import Connection, Recorder, RecordingOs
from tests.proof.world import Violation

R = TypeVar("R")
Rows = dict[str, frozenset[tuple[Any, ...]]]
PAGES = 8
"""The log is folded into the file after 8 pages, not SQLite's 1,000, so that it happens within a few transactions."""
FILE = "journal.db"
AS_IT_IS: dict[str, str] = {}
SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
"""For all that is done with cards together."""
SEED = os.environ.get("KIOSK_SEED")
SEEDS = -(-int(os.environ.get("SEEDS", "0")) // 200)
"""A day at the counter is some 2,000 cuts, as long as 200 histories of a fleet."""
UNCLEAN = "an end without a clean stop is known"


def contents(db: Any) -> Rows:
    """Return every row of every table."""
    names = [r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()]
    return {name: frozenset(tuple(r) for r in db.execute(f"SELECT * FROM {name}")) for name in names}


class RecordedDatabase(Database):
    """The real database on a connection that is written down; each acknowledged transaction is marked in the card's log."""

    def __init__(
        self, path: Path, card: Card, told: list[Rows], recorder: Recorder, instead: dict[str, str]
    ) -> None:
        super().__init__(path)
        self.card, self.told, self.recorder, self.instead = card, told, recorder, instead

    def _opened(self) -> sqlite3.Connection:
        db: Any = Connection(self.path, self.recorder.vfs, self.instead)
        db.execute(f"PRAGMA wal_autocheckpoint={PAGES}")
        return db  # type: ignore[no-any-return]

    async def open(self, check: Check | None = None) -> None:
        await super().open(check)
        if not self.told:
            self.told.append(await self.read(contents))

    async def run(self, work: Callable[[sqlite3.Connection], R]) -> R:
        result = await super().run(work)
        self.told.append(await self.read(contents))
        self.card.log.append(Told(len(self.told) - 1))
        return result


D = TypeVar("D", bound=RecordedDatabase)


class Tape:
    """Records the lives of a journal on one card."""

    def __init__(self, directory: Path, image: Image, seed: int, instead: dict[str, str] = AS_IT_IS) -> None:
        self.card = Card(directory, image)
        self.told: list[Rows] = []
        """What the journal held: first at its opening, then after each acknowledged transaction."""
        self.recorder = Recorder(self.card, seed)
        self._instead = instead

    def database(self, kind: type[D] = RecordedDatabase) -> D:  # type: ignore[assignment]
        return kind(self.card.directory / FILE, self.card, self.told, self.recorder, self._instead)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Note what the journal does to files by itself, too."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "os", RecordingOs(self.card))
            yield

    async def start(self, clock: ManualClock) -> Journal:
        journal = Journal(self.card.directory, clock, Bus())
        journal._db = self.database()
        await journal.start()
        self.card.log.append(Told(UNCLEAN))
        return journal

    async def stop(self, journal: Journal) -> None:
        self.card.log.append(Told(""))
        await journal.stop()


class Till:
    """Does what a counter does, drawn from a seed."""

    def __init__(self, journal: Journal, rng: random.Random, first: int) -> None:
        self.journal, self.rng, self.n = journal, rng, first
        self.recorded: list[str] = []

    async def work(self, times: int) -> int:
        """Do so many things; return the number of the next one."""
        doing = [
            (self._redeem, 6), (self._deny, 1), (self._void, 2), (self._undo, 1), (self._slip, 2), (self._upload, 2), (self._fact, 1),
            (self._settings, 1), (self._epoch, 1),
        ]  # fmt: skip
        ways, weights = zip(*doing, strict=True)
        for _ in range(times):
            self.n += 1
            await self.rng.choices(ways, weights)[0]()
        return self.n

    async def _redeem(self) -> None:
        await redeem(self.journal, f"r{self.n}", f"1-{self.n}", self.rng.choice(["offline", "confirmed"]))
        self.recorded.append(f"r{self.n}")

    async def _deny(self) -> None:
        await self.journal.intend(intent(f"d{self.n}", f"1-{self.n}"))
        await self.journal.deny(f"d{self.n}", reason="revoked", by="hub", coupon=None, stock_id="S1")

    async def _void(self) -> None:
        await self.journal.intend(intent(f"v{self.n}", f"1-{self.n}"))
        if self.rng.random() < 0.5:
            await self.journal.void(f"v{self.n}", "no answer")

    async def _undo(self) -> None:
        if self.recorded:
            of = self.recorded.pop(self.rng.randrange(len(self.recorded)))
            await self.journal.rollback(of, f"u{self.n}", "wrong customer", "clerk")

    async def _slip(self) -> None:
        if await self.journal.pool_left("S1") == 0:
            await self.journal.put_codes("S1", codes(3, self.n * 10))
        await self.journal.hand_out(f"h{self.n}", "S1", "S0001")
        await self.journal.job_add(f"j{self.n}", f"h{self.n}", "coupon", b'{"lines": []}', {})
        await self.journal.job_mark(f"j{self.n}", self.rng.choice(["printed", "unknown"]), {}, item=True)

    async def _upload(self) -> None:
        await upload_all(self.journal)

    async def _fact(self) -> None:
        await self.journal.put("time", f"{self.n}")

    async def _settings(self) -> None:
        name = self.rng.choice("abc")
        await self.journal.apply(f"p{self.n}", [Change("put", "setting", name, self.n, {"value": "x" * 300})])

    async def _epoch(self) -> None:
        await self.journal.begin_epoch()


class Found(Database):
    """The real database with the standard library's SQLite; it says what it found before anything was mended."""

    integrity = ""
    rows: Rows

    def _migrate(self, db: sqlite3.Connection) -> None:
        super()._migrate(db)
        self.integrity = db.execute("PRAGMA integrity_check").fetchone()[0]
        self.rows = contents(db)


async def reopened(place: Path, image: Image, clock: ManualClock) -> tuple[Journal, Found, str]:
    """Open what a power cut left as a kiosk does at its next start; return also what that start told."""
    shutil.rmtree(place, ignore_errors=True)
    lay(place, image)
    journal = Journal(place, clock, Bus())
    found = journal._db = Found(journal.path)
    recovery = await journal.start()
    return journal, found, recovery.told


def lost(found: Rows, told: Rows) -> list[str]:
    """Name the tables of which acknowledged rows are missing."""
    return [name for name in told if not told[name] <= found.get(name, frozenset())]


async def judge(place: Path, cut: Cut, told: list[Rows], clock: ManualClock) -> None:
    """Raise Violation when a start after a power cut finds anything but what was acknowledged, whole, and goes on."""
    try:
        journal, found, sentence = await reopened(place, cut.image, clock)
    except JournalError as err:
        raise Violation(f"P1: the journal does not start: {err}") from err
    try:
        if found.integrity != "ok":
            raise Violation(f"P1: SQLite says {found.integrity}")
        if sentence:
            raise Violation(f"P6: nothing is wrong, and the start says: {sentence}")
        if found.rows not in told[cut.acked : cut.acked + 2]:
            raise Violation(f"P1: acknowledged rows are missing from {lost(found.rows, told[cut.acked])}")
        if cut.promised == UNCLEAN and not journal.unclean:
            raise Violation("P7: the kiosk does not know that its last end was not clean")
        if not (verified := await journal.verify()).ok:
            raise Violation(f"P1: the chain breaks at item {verified.first_bad}")
    finally:
        await journal.stop()


# -- how long, and what is said when it fails --


def fail(err: AssertionError, cut: Cut, seed: int, test: str) -> NoReturn:
    """Fail a test and say what replays it; `test` is its node."""
    where = (
        f"after step {cut.at}, {cut.loss} of what was not flushed kept, {cut.acked} transactions acknowledged"
    )
    pytest.fail(f"{err} ({where})\nreplay: KIOSK_SEED={seed} .venv/bin/pytest -m prove {test}", pytrace=False)


def seeds(seconds: float) -> Iterator[int]:
    """Return seeds until the time is used up, at least one; or what the environment asks for."""
    if SEED is not None:
        yield int(SEED)
        return
    begun, n = time.monotonic(), 0
    while n < SEEDS or (not SEEDS and (n == 0 or time.monotonic() - begun < seconds)):
        yield 1 + n
        n += 1
