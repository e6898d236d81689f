"""What the hub is made of."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from hub.config import Settings
from hub.schema import TENANT
from hub.secrets import Vault
from hub.store import feed
from hub.store.catalog import Catalog
from hub.store.coupons import Coupons
from hub.store.database import Database
from hub.store.decide import Decisions
from hub.store.devices import Devices
from hub.store.upload import Uploads


def now() -> datetime:
    """Return the hub's time, which rules every online decision."""
    return datetime.now(UTC)


class Parts:
    """The hub below HTTP: settings, database and the rooms that work on it."""

    def __init__(self, settings: Settings, tenant: str = TENANT) -> None:
        self.settings, self.tenant = settings, tenant
        self.database = Database(settings.database)
        self.vault = Vault(settings.secret_path)
        self.catalog = Catalog(tenant, self.vault, settings.public_url)
        self.coupons = Coupons(self.catalog)
        self.decisions = Decisions(self.catalog)
        self.devices = Devices(self.catalog)
        self.uploads = Uploads(self.catalog)
        self.bell = Bell(self)

    def open(self) -> str:
        """Open the database."""
        return self.database.open()

    def close(self) -> None:
        """Close the database."""
        self.database.close()


LOOK_S = 0.25
"""How often the change log is looked at while somebody waits: other processes write to it too."""


class Bell:
    """Wakes who waits for the change log to move. It carries no data: losing a ring costs a quarter of a second."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._event = asyncio.Event()
        self._waiting = 0
        self._tip: tuple[int, int] = (0, 0)
        self._looker: asyncio.Task[None] | None = None
        self.stopping = False

    def ring(self) -> None:
        """Wake everybody: something was written here."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    def stop(self) -> None:
        """Wake everybody for the last time."""
        self.stopping = True
        self.ring()

    async def wait(self, timeout_s: float) -> None:
        """Wait for a ring; the first who waits keeps an eye on the log for all."""
        self._waiting += 1
        try:
            if self._looker is None or self._looker.done():
                self._looker = asyncio.create_task(self._look(), name="hub-bell")
            event = self._event
            await asyncio.wait_for(event.wait(), timeout_s)
        except TimeoutError:
            return
        finally:
            self._waiting -= 1
            if self._waiting == 0 and self._looker is not None:
                self._looker.cancel()
                self._looker = None

    async def _look(self) -> None:
        database, tenant = self._parts.database, self._parts.tenant
        self._tip = await database.run(feed.tip, tenant)
        while True:
            await asyncio.sleep(LOOK_S)
            tip = await database.run(feed.tip, tenant)
            if tip != self._tip:
                self._tip = tip
                self.ring()
