"""Kiosks of the simulation: the real journal, sync and counter; they can be killed, copied and restored."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.clock import SystemClock
from kiosk.counter.place import Places
from kiosk.counter.redeem import Redeemer
from kiosk.events import Bus, Outcome
from kiosk.journal.database import Database
from kiosk.journal.store import Journal
from kiosk.sync.authority import HubAuthority
from kiosk.sync.identity import NAME, Identity
from kiosk.sync.reach import Reach
from kiosk.sync.service import PoolSettings, Sync
from tests.proof.net import Link, Net, SimClient

POOL = 4


class SimClock(SystemClock):
    """The machine's clock: monotonic by the loop, its calendar as wrong as the history wants it."""

    def __init__(self, begin: datetime, off: timedelta) -> None:
        super().__init__()
        self._begin, self.off = begin, off

    def wall(self) -> datetime:
        return self._begin + timedelta(seconds=self.mono()) + self.off

    def mono(self) -> float:
        return asyncio.get_running_loop().time()


class SimDatabase(Database):
    """The real database without its thread: transactions run in turn, each at a moment of its own; none after death."""

    dead = False

    def _on_thread(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()

        def turn() -> None:
            if self.dead:
                return
            try:
                result = work()
            except BaseException as err:  # noqa: BLE001  (it belongs to who waits)
                if not done.done():
                    done.set_exception(err)
                return
            if not done.done():
                done.set_result(result)

        loop.call_soon(turn)
        return done


class SimKiosk:
    """One kiosk over all its lives."""

    def __init__(
        self, name: str, base: Path, net: Net, token: str, begin: datetime, rng: random.Random
    ) -> None:
        self.name, self.base, self.net, self.token, self.begin = name, base, net, token, begin
        self.link, self.alive, self.lives = Link(), False, 0
        self.off = timedelta(0)
        self.restored = 0
        self.said: Callable[[Outcome], None] | None = None
        """Hears what the counter is told, at the moment when it is."""
        self.scans: set[asyncio.Task[Any]] = set()
        base.mkdir(exist_ok=True)
        if not (base / NAME).exists():
            key = Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))
            (base / NAME).write_bytes(key.private_bytes_raw())
        self.identity = Identity.load_or_create(base)
        self.device = self.identity.device

    def _file(self) -> SimDatabase:
        return SimDatabase(self.base / "journal.db")

    async def start(self) -> None:
        self.bus, self.clock = Bus(), SimClock(self.begin, self.off)
        if self.said is not None:
            self.bus.on(Outcome, self.said)
        self.journal = Journal(self.base, self.clock, self.bus)
        self.database = self.journal._db = self._file()
        self.reach = Reach(self.bus, self.clock)
        client: Any = SimClient(self.net, self.link, self.identity, self.clock)
        pool = PoolSettings(POOL, 0.5, "")
        self.sync = Sync(
            client,
            self.reach,
            self.journal,
            self.bus,
            self.clock,
            name=self.name,
            token=self.token,
            pool=pool,
        )
        place = Places(self.journal, self.bus, lambda: self.device, "en")
        since = self.reach.since_sync_s
        authority = HubAuthority(client, self.reach)
        self.redeemer = Redeemer(self.journal, authority, self.bus, self.clock, place, since)
        await self.journal.start()
        if (kept := await self.journal.get("time")) is not None:
            self.clock.raise_floor(datetime.fromtimestamp(float(kept), UTC))
        await self.sync.start()
        self.alive, self.lives = True, self.lives + 1

    async def kill(self) -> None:
        """Kill -9: from this moment nothing more reaches the files."""
        self.alive, self.database.dead = False, True
        tasks = [*self.scans, *([self.sync._task] if self.sync._task else [])]
        for off in self.sync._off:
            off()
        for _ in range(50):
            for task in tasks:
                task.cancel()
            if all(t.done() for t in tasks):
                break
            await asyncio.sleep(0)
        await asyncio.wait(tasks, timeout=5) if tasks else None
        assert all(t.done() for t in tasks), "a task outlived its kiosk"
        self.database._close()

    def copy(self, to: Path) -> None:
        """Copy the card as it is now."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.base, to)

    def restore(self, copy: Path) -> None:
        """Put an older copy of the card in place of a dead kiosk's."""
        shutil.rmtree(self.base)
        shutil.copytree(copy, self.base)
        self.restored += 1

    def rows(self, query: str) -> list[Any]:
        """Read the files, alive or dead."""
        if self.alive:
            assert self.database._db is not None
            return self.database._db.execute(query).fetchall()
        import sqlite3

        db = sqlite3.connect(self.base / "journal.db")
        try:
            db.row_factory = sqlite3.Row
            return db.execute(query).fetchall()
        finally:
            db.close()
