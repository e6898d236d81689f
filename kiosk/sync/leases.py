"""Leases: ask for the next one before the last is used up (facts: sync-fleet A3). What they permit is the counter's affair."""

from __future__ import annotations

from kiosk.clock import Clock
from kiosk.coupons.batch import Batch
from kiosk.coupons.ids import new_rid
from kiosk.coupons.machine import Lease, wants_lease, works_by_lease
from kiosk.journal.store import Journal
from kiosk.sync import protocol as p
from kiosk.sync.client import HubClient

AGAIN_S = 60.0
"""Between two questions for a batch of which there was nothing to grant, or to a hub whose clock is as much behind."""


class Renewal:
    """Keeps a lease of every batch that works by leases."""

    def __init__(self, client: HubClient, journal: Journal, clock: Clock) -> None:
        self._client, self._journal, self._clock = client, journal, clock
        self._not_before: dict[str, float] = {}

    async def renew(self) -> bool:
        """Ask for what is due and give back what no batch wants; return whether a lease was granted: the feed brings it."""
        held: dict[str, list[Lease]] = {}
        for stock_id, lease in await self._journal.leases_by_batch():
            held.setdefault(stock_id, []).append(lease)
        granted = False
        for batch in await self._journal.batches():
            if not works_by_lease(batch):
                continue
            mine = held.pop(batch.stock_id, [])
            if self._waited(batch) and wants_lease(batch, mine, self._clock.trusted().at):
                granted |= await self._ask(batch.stock_id)
        for unwanted in held.values():
            for lease in unwanted:
                await self._journal.give_back(lease.id)
        return granted

    def _waited(self, batch: Batch) -> bool:
        return self._clock.mono() >= self._not_before.get(batch.stock_id, 0.0)

    async def _ask(self, stock_id: str) -> bool:
        name = f"lease:{stock_id}"
        rid = await self._journal.get(name)
        if rid is None:
            rid = new_rid()
            await self._journal.put(name, rid)  # the same rid after a crash gets the same lease
        ask = p.LeaseAsk(rid, stock_id, self._journal.epoch)
        told = await self._client.call("POST", "/v1/device/lease", p.Leased, ask)
        # What a hub grants whose clock was put back is over here already: the next one would be, too, and at once.
        ahead_s = (self._clock.trusted().at - told.server_time).total_seconds()
        if told.amount == 0 or ahead_s > AGAIN_S:
            self._not_before[stock_id] = self._clock.mono() + AGAIN_S
        await self._journal.put(name, None)
        return told.amount > 0
