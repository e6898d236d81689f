"""Receipts: the record of a redemption on paper, by itself after each one where the shop wants that, or when somebody asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from kiosk.counter.slips import Slips
from kiosk.events import Bus, Outcome
from kiosk.journal.errors import JournalError
from kiosk.tasks import Spawn, alone

log = logging.getLogger(__name__)
ACCEPTED = ("confirmed", "accepted")
MOST = 20
"""Receipts that may wait to be ordered; a printer that is away longer than that many customers prints none of the newest."""


class Receipts:
    """Has a receipt printed for each redemption. The customer's answer never waits for it."""

    def __init__(self, slips: Slips, bus: Bus) -> None:
        self._slips, self._bus = slips, bus
        self._new: asyncio.Queue[str] = asyncio.Queue(MOST)
        self._off: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None

    async def start(self, spawn: Spawn = alone) -> None:
        """Listen for redemptions."""
        self._off = self._bus.on(Outcome, self._heard)
        self._task = spawn(self._work(), name="receipts")

    async def stop(self) -> None:
        """Order no more; what is ordered already is the spooler's."""
        self._off()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _heard(self, outcome: Outcome) -> None:
        if outcome.kind not in ACCEPTED or not outcome.rid:
            return
        try:
            self._new.put_nowait(outcome.rid)
        except asyncio.QueueFull:
            log.warning("no receipt for %s: %d wait already", outcome.rid, MOST)

    async def _work(self) -> None:
        while True:
            rid = await self._new.get()
            try:
                await self._slips.order_receipt(rid)
            except JournalError as err:
                log.warning("no receipt for %s: %s", rid, err)
