"""Notices of conflicts: what this kiosk honoured offline and the hub found used elsewhere, on paper for the shop's drawer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from kiosk.clock import Clock
from kiosk.counter.result import Place
from kiosk.events import Bus, JournalAcked
from kiosk.journal.errors import JournalError
from kiosk.journal.rows import Conflict
from kiosk.journal.store import Journal
from kiosk.printing import templates
from kiosk.printing.spooler import Spooler
from kiosk.tasks import Spawn, alone

log = logging.getLogger(__name__)
FRESH = timedelta(days=1)
"""A verdict that is older is no news: its notice would not be printed any more (`printing.queue.RULES`)."""


class ConflictNotices:
    """Has one notice printed for each redemption of this kiosk that the hub calls a conflict."""

    def __init__(
        self,
        journal: Journal,
        spooler: Spooler,
        bus: Bus,
        clock: Clock,
        place: Callable[[], Awaitable[Place]],
    ) -> None:
        self._journal, self._spooler, self._bus, self._clock, self._place = (
            journal,
            spooler,
            bus,
            clock,
            place,
        )
        self._new = asyncio.Event()
        self._off: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None

    async def start(self, spawn: Spawn = alone) -> None:
        """Print what the last run did not come to, then whatever comes."""
        self._new.set()
        self._off = self._bus.on(JournalAcked, self._acked)
        self._task = spawn(self._work(), name="conflict-notices")

    async def stop(self) -> None:
        """Take nothing new; what is ordered already waits in the journal."""
        self._off()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _acked(self, acked: JournalAcked) -> None:
        if acked.conflicts:
            self._new.set()

    async def _work(self) -> None:
        while True:
            await self._new.wait()
            self._new.clear()
            try:
                await self.order()
            except JournalError as err:
                log.warning("notices of conflicts wait for the journal: %s", err)

    async def order(self) -> int:
        """Order the notices that nobody has ordered; return how many."""
        since = self._clock.trusted().at - FRESH
        conflicts = await self._journal.conflicts_without_notice(since)
        for conflict in conflicts:
            await self._print(conflict)
        return len(conflicts)

    async def _print(self, conflict: Conflict) -> None:
        place, stores = await self._place(), await self._journal.stores()
        uses = [templates.ConflictUse(place.store_name, place.device, conflict.at)]
        if (first := _first_use(conflict.detail)) is not None:
            store = stores.get(first.store)
            uses.insert(0, templates.ConflictUse(store.name if store else first.store, first.kiosk, first.at))
        slip = templates.conflict_slip(
            await self._journal.batch(conflict.stock_id), conflict.coupon, uses, conflict.value, place.locale
        )
        await self._spooler.submit(slip, rid=conflict.rid, kind="conflict")


def _first_use(detail: str) -> templates.ConflictUse | None:
    """Read where the hub knows the coupon to be used, {"device", "store", "at"}; None where it does not tell."""
    try:
        told: Any = json.loads(detail)
        return templates.ConflictUse(
            str(told["store"]), str(told["device"]), datetime.fromisoformat(told["at"])
        )
    except (ValueError, TypeError, KeyError):
        return None  # an older hub tells nothing: the notice then names our own use alone
