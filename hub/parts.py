"""What the hub is made of."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime

from hub.config import Settings
from hub.errors import HubError
from hub.schema import TENANT
from hub.secrets import Vault
from hub.store import feed, openings
from hub.store.acts import Acts
from hub.store.catalog import Catalog
from hub.store.coupons import Coupons
from hub.store.database import Database
from hub.store.decide import Decisions
from hub.store.devices import Devices
from hub.store.leases import Leases
from hub.store.upload import Uploads

log = logging.getLogger(__name__)


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
        self.leases = Leases(self.catalog)
        self.devices = Devices(self.catalog)
        self.uploads = Uploads(self.catalog)
        self.acts = Acts(self.catalog)
        self.bell = Bell(self)

    def open(self) -> str:
        """Open the database and the secret; return what was done to the schema: `made`, `migrated` or empty."""
        done = self.database.open()
        sealed = self.database.call(self.catalog.any_sealed)
        self.vault.unlock(make=sealed is None)
        if sealed is not None:
            self.vault.open(sealed, "code key")  # the wrong file is noticed now, not at the first customer
        self.database.call(feed.mend)
        self.database.call(feed.identify, self.tenant)
        openings.opened(self.database, self.tenant)
        return done

    def close(self) -> None:
        """Close the database."""
        self.database.close()


LOOK_S = 0.25
"""How often the change log is looked at: 40 µs of SQLite that write nothing."""


class Bell:
    """Wakes who waits for the change log to move. It carries no data: losing a ring costs a quarter of a second.

    Take `event` first, then look at the log, then wait: what is written after the look sets that very event.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.event = asyncio.Event()
        self._look_now = asyncio.Event()
        self._looker: asyncio.Task[None] | None = None
        self.stopping = False

    def start(self) -> None:
        """Begin to look."""
        self._looker = asyncio.create_task(self._look(), name="hub-bell")

    def ring(self) -> None:
        """Say that something may have been written here: it is looked at at once."""
        self._look_now.set()

    async def stop(self) -> None:
        """Wake everybody for the last time."""
        self.stopping = True
        self._wake()
        if self._looker is not None:
            self._looker.cancel()
            await asyncio.gather(self._looker, return_exceptions=True)

    def _wake(self) -> None:
        event, self.event = self.event, asyncio.Event()
        event.set()

    async def _look(self) -> None:
        """Wake everybody when the log has moved; other processes write to it too."""
        database, tenant = self._parts.database, self._parts.tenant
        last: tuple[int, int] | None = None
        while True:
            self._look_now.clear()
            try:
                tip = await database.run(feed.tip, tenant)
            except HubError as err:
                log.warning("%s", err)
            else:
                if tip != last:
                    last = tip
                    self._wake()
            # Not `wait_for`: before Python 3.12 that takes a ring for an answer to a cancellation of the same moment.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._look_now.wait()
