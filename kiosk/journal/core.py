"""What every story of the journal stands on: the file, the epoch, the clock, one transaction a call."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from kiosk.clock import Clock
from kiosk.coupons.record import ItemKind
from kiosk.events import Bus, JournalGrew
from kiosk.journal import items
from kiosk.journal.database import Database
from kiosk.journal.items import text

R = TypeVar("R")


class Core:
    """The file and its small facts; the stories (attempts, pool, jobs, upload, objects, figures) build on it."""

    def __init__(self, data_dir: Path, clock: Clock, bus: Bus) -> None:
        self.dir, self.clock, self.bus = data_dir, clock, bus
        self.path = data_dir / "journal.db"
        self.epoch = ""
        self._db = Database(self.path)

    async def get(self, name: str) -> str | None:
        """Return a small fact of this kiosk."""
        return await self._db.read(lambda db: self._fact(db, name))

    async def put(self, name: str, value: str | None) -> None:
        """Keep or (None) forget a small fact of this kiosk."""

        def work(db: sqlite3.Connection) -> None:
            if value is None:
                db.execute("DELETE FROM fact WHERE name = ?", (name,))
            else:
                self._put(db, name, value)

        await self._db.run(work)

    @staticmethod
    def _fact(db: sqlite3.Connection, name: str) -> str | None:
        row = db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    @staticmethod
    def _put(db: sqlite3.Connection, name: str, value: str) -> None:
        db.execute(
            "INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    async def _write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Run a transaction that appends, then say that the journal grew."""
        result = await self._db.run(work)
        self.bus.publish(JournalGrew())
        return result

    def _append(self, db: sqlite3.Connection, kind: ItemKind, rid: str, body: dict[str, Any]) -> int:
        """Append to the epoch that the file names, which changes in a transaction of its own."""
        return items.append(db, self._fact(db, "epoch") or "", items.stamp(self.clock), kind, rid, body)

    def _now(self) -> str:
        return text(self.clock.trusted().at)
