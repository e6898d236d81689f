"""One counter: what its scanners read is redeemed, its button hands out slips."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from kiosk.counter.baskets import Baskets
from kiosk.counter.baskets import Held as Basket
from kiosk.counter.hand_out import HandOut
from kiosk.counter.redeem import Redeemer
from kiosk.events import Bus, Pressed, Scanned
from kiosk.hardware.signals import Held
from kiosk.tasks import Spawn, alone

log = logging.getLogger(__name__)
WAITING = 20
"""Scans that may wait behind one another; a scanner that floods loses the oldest."""
Waiting = asyncio.Queue[tuple[Scanned, Basket | None]]
"""A scan and what the till had pushed before it."""


class Station:
    """Takes the events of the devices. A scanner's codes are redeemed one after another, scanners beside one another."""

    def __init__(
        self,
        bus: Bus,
        redeemer: Redeemer,
        hand_out: HandOut,
        scanners: Sequence[str],
        held: Callable[[], Awaitable[object]],
        baskets: Baskets,
    ) -> None:
        self._bus, self._redeemer, self._hand_out, self._held = bus, redeemer, hand_out, held
        self._baskets = baskets
        self._queues: dict[str, Waiting] = {name: asyncio.Queue(WAITING) for name in scanners}
        self._tasks: set[asyncio.Task[None]] = set()
        self._off: list[Callable[[], None]] = []
        self._spawn: Spawn = alone

    async def start(self, spawn: Spawn = alone) -> None:
        """Begin to serve."""
        self._spawn = spawn
        self._off = [
            self._bus.on(Scanned, self._scanned),
            self._bus.on(Pressed, lambda _: self._begin(self._served(self._hand_out.press), "hand-out")),
            self._bus.on(Held, lambda _: self._begin(self._served(self._held), "held")),
        ]
        for name, queue in self._queues.items():
            self._begin(self._redeem_each(queue), f"redeem-{name}")

    async def stop(self) -> None:
        """Take nothing new and end what is under way: an attempt that was open is voided at the next start."""
        for off in self._off:
            off()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[None, None, None], name: str) -> None:
        task: asyncio.Task[None] = self._spawn(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _scanned(self, scan: Scanned) -> None:
        queue = self._queues.get(scan.scanner)
        if queue is None:
            return
        if queue.full():
            _, basket = queue.get_nowait()
            self._baskets.failed(basket)
            log.warning(
                "scanner %s reads faster than coupons can be redeemed: the oldest scan was dropped",
                scan.scanner,
            )
        queue.put_nowait((scan, self._baskets.take(scan.scanner)))

    async def _redeem_each(self, queue: Waiting) -> None:
        while True:
            scan, basket = await queue.get()
            try:
                await self._redeem(scan, basket)
            except Exception:
                log.exception("a scan could not be redeemed; the next one can")
                self._baskets.failed(basket)

    async def _redeem(self, scan: Scanned, held: Basket | None) -> None:
        """Redeem a scan, with the till's basket where it has pushed one."""
        source = f"scanner:{scan.scanner}"
        if held is None:
            await self._redeemer.redeem(scan.text, source=source)
            return
        sale = held.basket
        result = await self._redeemer.redeem(
            scan.text,
            source=source,
            total=sale.total,
            goods=sale.goods,
            own_coupon_applied=sale.own_coupon_applied,
        )
        self._baskets.done(held, result)

    async def _served(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do what a button asks for; a press that goes wrong must not end the station."""
        try:
            await work()
        except Exception:
            log.exception("a press could not be served; the next one can")
