"""Sync: enrols, uploads, downloads, refills, waits for a wake-up; for ever, in one group of tasks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Literal

from kiosk.clock import Clock
from kiosk.coupons.ids import new_rid
from kiosk.events import Bus, DeviceAccepted, JournalGrew, PoolChanged
from kiosk.journal.store import Journal
from kiosk.sync import protocol as p
from kiosk.sync.client import HubAway, HubClient, HubRefused
from kiosk.sync.reach import Reach

log = logging.getLogger(__name__)
State = Literal["none", "pending", "accepted", "revoked"]
PROBE_S = (0.4, 1.2)
"""Between two looks for a hub that is away: short, since a look costs one packet; jittered, since a fleet looks together."""
WAKE_S = 60.0
BACK_OFF_S = (0.5, 30.0)


class PoolSettings:
    """How many slip codes are kept ready."""

    def __init__(self, size: int, refill_at: float, stock_id: str) -> None:
        self.size, self.refill_at, self.stock_id = size, refill_at, stock_id


class Sync:
    """Keeps the journal and the hub in step."""

    def __init__(
        self,
        client: HubClient,
        reach: Reach,
        journal: Journal,
        bus: Bus,
        clock: Clock,
        *,
        name: str,
        token: str | None,
        pool: PoolSettings,
    ) -> None:
        self.client, self.reach, self.journal, self.bus, self.clock = client, reach, journal, bus, clock
        self._name, self._token, self._pool = name, token, pool
        self.state: State = "none"
        self.code: str | None = None
        self._up, self._down = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._off: list[Callable[[], None]] = []
        self._max_items = p.MAX_ITEMS

    async def start(self) -> None:
        """Begin; the kiosk works without waiting for any of it."""
        await self.client.start()
        self.state = "accepted" if await self.journal.get("enrolled") == self.client.url else "none"
        self._off = [
            self.bus.on(JournalGrew, lambda _: self._up.set()),
            self.bus.on(PoolChanged, lambda _: self._down.set()),
        ]
        self._tasks = [asyncio.create_task(self._for_ever(), name="sync")]

    async def stop(self) -> None:
        """End; what did not go up stays in the journal."""
        for off in self._off:
            off()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.stop()

    def nudge(self) -> None:
        """Look at once whether there is something to do."""
        self._up.set()
        self._down.set()

    async def _for_ever(self) -> None:
        failures = 0
        while True:
            try:
                await self._ready()
                failures = 0
                await self._in_step()
            except HubAway as err:
                self.reach.missed(str(err))
                await asyncio.sleep(random.uniform(*PROBE_S))
            except HubRefused as err:
                await self._refused(err)
                failures += 1
                await asyncio.sleep(min(BACK_OFF_S[1], BACK_OFF_S[0] * 2**failures) * random.uniform(0.5, 1))
            except Exception:
                log.exception("sync failed; it goes on")
                failures += 1
                await asyncio.sleep(min(BACK_OFF_S[1], BACK_OFF_S[0] * 2**failures) * random.uniform(0.5, 1))

    async def _refused(self, err: HubRefused) -> None:
        if err.error == "revoked":
            self.state = "revoked"
        elif err.error in ("pending", "unknown_device"):
            self.state = "pending" if err.error == "pending" else "none"
            await self.journal.put("enrolled", None)
        elif err.error == "seq_regress":
            log.warning("the hub does not accept the journal's order: a new epoch begins")
            await self._new_epoch()
        elif err.error == "resync_required":
            await self._snapshot()
        elif err.status == 413:
            self._max_items = max(1, self._max_items // 2)
        else:
            log.warning("the hub refused: %s (%s)", err, err.error)

    # -- enrolment --

    async def _ready(self) -> None:
        """Be let in, however long it takes."""
        while self.state != "accepted":
            told = await self.client.enrol(self._name, self._token)
            self.reach.answered()
            self.state, self.code = told.state, told.code
            if told.state == "accepted":
                await self.journal.put("enrolled", self.client.url)
                self.bus.publish(DeviceAccepted(device=told.device))
            else:
                await asyncio.sleep(random.uniform(1, 3))

    # -- in step --

    async def _in_step(self) -> None:
        """Exchange everything, then go on whenever either side has something new."""
        await self.upload()
        await self.download()
        await self._reconcile()
        await self.refill()
        self.reach.answered()
        self.reach.synced()
        await self._remember_time()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._loop(self._up, self.upload), name="sync-up")
                group.create_task(self._loop(self._down, self._pull), name="sync-down")
                group.create_task(self._listen(), name="sync-wake")
        except* (HubAway, HubRefused) as group_err:
            errors = group_err.exceptions
            raise next((e for e in errors if isinstance(e, HubRefused)), errors[0]) from group_err

    async def _loop(self, wanted: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await wanted.wait()
            wanted.clear()
            await work()
            self.reach.answered()
            if (await self.journal.backlog()).count == 0:
                self.reach.synced()

    async def _listen(self) -> None:
        while True:
            begun = self.clock.mono()
            pos = await self.journal.pos()
            told = await self.client.call("GET", f"/v1/device/wake?pos={pos}", p.Wake, deadline_s=WAKE_S)
            self.reach.answered()
            if told.changed:
                await self._pull()
            elif self.clock.mono() - begun < 1:
                await asyncio.sleep(
                    random.uniform(0.5, 1.5)
                )  # a hub that closes held requests at once must not be stormed

    async def _pull(self) -> None:
        await self.download()
        await self.refill()

    async def upload(self) -> None:
        """Send what waits, run by run."""
        while (run := await self.journal.pending(self._max_items)) is not None:
            told = await self.client.call(
                "POST",
                "/v1/device/journal",
                p.Acknowledged,
                p.Upload(run.epoch, run.first_seq, run.prev, run.items),
            )
            await self.journal.acknowledge(told.epoch, told.ack_through, told.items)
            self._max_items = max(1, min(p.MAX_ITEMS, told.max_items))
            if told.ack_through < run.first_seq:
                raise HubRefused("retry", "the hub asks to try again later", 429)

    async def download(self) -> None:
        """Take the pages of the change log."""
        more = True
        while more:
            pos = await self.journal.pos()
            page = await self.client.call("GET", f"/v1/device/changes?after={pos}", p.Changes)
            await self.journal.apply(page.pos, page.items)
            more = page.more

    async def _snapshot(self) -> None:
        whole = await self.client.call("GET", "/v1/device/snapshot", p.Snapshot)
        await self.journal.apply(whole.pos, whole.items, whole=True)

    async def _new_epoch(self) -> None:
        await self.journal.begin_epoch()
        await self._reconcile()

    async def _reconcile(self) -> None:
        """After the journal went backwards: learn this kiosk's own redemptions before any offline right returns."""
        if await self.journal.get("unreconciled") is None:
            return
        after: str | None = ""
        while after is not None:
            page = await self.client.call("GET", f"/v1/device/uses?after={after}", p.Uses)
            await self.journal.learn_uses(page.items)
            after = page.next
        await self.journal.put("unreconciled", None)

    async def _remember_time(self) -> None:
        """Keep a lower bound of the time for the next boot; at most once an hour, to spare the card."""
        trusted = self.clock.trusted()
        kept = await self.journal.get("time")
        if trusted.certain and (kept is None or trusted.at.timestamp() - float(kept) > 3600):
            await self.journal.put("time", f"{trusted.at.timestamp():.0f}")

    # -- slip codes --

    async def refill(self) -> None:
        """Keep the pool of the slip batch filled."""
        batch = next(
            (
                b
                for b in await self.journal.batches()
                if b.product == "slip_coupon"
                and b.status == "running"
                and self._pool.stock_id in ("", b.stock_id)
            ),
            None,
        )
        if batch is None or self._pool.size == 0:
            return
        left = await self.journal.pool_left(batch.stock_id)
        if left > self._pool.size * self._pool.refill_at:
            return
        name = f"pool:{batch.stock_id}"
        asked = await self.journal.get(name)
        if asked is None:
            asked = f"{new_rid()} {self._pool.size - left}"
            await self.journal.put(name, asked)  # the same rid after a crash gets the same codes
        rid, count = asked.split()
        told = await self.client.call(
            "POST", "/v1/device/pool", p.Pool, p.PoolAsk(rid, batch.stock_id, int(count))
        )
        await self.journal.put_codes(told.stock_id, told.codes)
        await self.journal.put(name, None)
