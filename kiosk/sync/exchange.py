"""What kiosk and hub exchange, one step at a time: compare, send, take, learn, fill up. Who calls when is `service`'s affair."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from kiosk.clock import Clock
from kiosk.coupons.batch import Batch
from kiosk.coupons.ids import new_rid
from kiosk.journal.store import Journal
from kiosk.sync import protocol as p
from kiosk.sync.client import HubClient, HubRefused
from kiosk.sync.leases import Renewal
from kiosk.sync.reach import Reach

log = logging.getLogger(__name__)
JOURNAL = "/v1/device/journal"
PROBE_S = 3.0
"""Deadline of the first small request: a path that is dead is found dead sooner than by a long one."""
POOL_MAX = 1000
KEEP_TIME_S = 3600.0


class PoolSettings:
    """How many slip codes are kept ready."""

    def __init__(self, size: int, refill_at: float, stock_id: str) -> None:
        self.size, self.refill_at, self.stock_id = size, refill_at, stock_id


class Exchange:
    """The steps of sync."""

    def __init__(
        self, client: HubClient, reach: Reach, journal: Journal, clock: Clock, pool: PoolSettings
    ) -> None:
        self.client, self.reach, self.journal, self.clock, self._pool = client, reach, journal, clock, pool
        self._ceiling = p.MAX_ITEMS
        self._max_items = p.MAX_ITEMS
        self._dry: Batch | None = None
        self._renewal = Renewal(client, journal, clock)
        self._run = ""
        self.parted = False
        """The hub that has shut this kiosk out was told that nothing is decided alone any more."""
        self.restarted = False
        """The hub was started anew since the journals were compared."""
        self.lost = False
        """The hub was found to have lost items of older epochs; whoever asks for what came down anew takes it back."""

    # -- up --

    async def hello(self) -> bool:
        """Compare the journal's end with what the hub has; return whether something had to be mended (facts: sync-fleet A7).

        An upload of nothing says where it would go on: the hub answers with its own end, or that ours does not fit.
        """
        ends = await self.journal.ends()
        self.restarted, self._run = False, ""
        try:
            told = await self._post(p.Upload(ends.epoch, ends.acked + 1, ends.acked_hash, ()), PROBE_S)
        except HubRefused as err:
            if err.error not in ("seq_gap", "seq_regress"):
                raise
            return await self._mend(ends.epoch, ends.acked)
        if await self._older(told.had):
            return True
        # Our end as it is now: an upload beside this one may have brought up what was appended meanwhile.
        if told.ack_through <= (await self.journal.ends()).tip:
            return False
        await self.new_epoch("the hub has items that this journal has not")
        return True

    async def _mend(self, epoch: str, acked: int) -> bool:
        """Find out which side has lost its end: the hub (send it again) or this kiosk (a new epoch)."""
        try:
            told = await self._post(p.Upload(epoch, 1, p.GENESIS, ()))
        except HubRefused as err:
            if err.error != "seq_regress":
                raise
            await self.new_epoch("the hub has closed this epoch, or never knew it")
            return True
        if told.ack_through >= acked:
            await self.new_epoch("the hub has other items than this journal")
            return True
        log.warning("the hub has lost what it had beyond item %d: it goes up again", told.ack_through)
        # A hub of an earlier version says nothing of older epochs; by their rids they count once all the same.
        unsaid = told.had is None and told.ack_through == 0
        # Before the running epoch waits again: until then every comparison comes back here, and is told of the others.
        await self._older(() if unsaid else told.had)
        if not await self.journal.send_again(told.ack_through):
            await self.new_epoch("the hub has lost items that are no longer kept")
        return True

    async def _older(self, had: Sequence[tuple[str, int]] | None) -> bool:
        """Send again what a hub that has nothing of the running epoch has lost of older ones; return whether there is any."""
        count = 0
        while had is not None and (lot := await self.journal.send_older(dict(had))):
            count += lot
            self.lost = True
        if count:
            log.warning("the hub has lost %d items of older epochs: they go up again", count)
        return count > 0

    async def upload(self) -> None:
        """Send what waits, run by run."""
        while (run := await self.journal.pending(self._max_items)) is not None:
            told = await self._post(p.Upload(run.epoch, run.first_seq, run.prev, run.items))
            last = run.items[-1].seq
            through = min(told.ack_through, last)
            if told.epoch != run.epoch:
                raise HubRefused("bad_answer", "the hub answered for another epoch", 200)
            # First: once the run is acknowledged, no answer tells of the older epochs any more.
            await self._older(told.had)
            await self.journal.acknowledge(run.epoch, through, [v for v in told.items if v.seq <= through])
            self._max_items = max(1, min(self._ceiling, told.max_items))
            if through < run.first_seq:
                raise HubRefused("retry", "the hub asks to try again later", 429)
        self.reach.went_up()

    async def part(self) -> None:
        """Send what waits to a hub that has shut this kiosk out, and say that nothing is decided alone any more; once.

        Not while a redemption is under way: it may have been decided alone just before. The next look comes within a minute.
        """
        if await self.journal.is_deciding() or (self.parted and (await self.journal.backlog()).count == 0):
            return
        await self.hello()
        await self.upload()
        ends = await self.journal.ends()
        await self._post(p.Upload(ends.epoch, ends.acked + 1, ends.acked_hash, (), parting=True))
        self.parted = True

    def smaller(self) -> None:
        """Send half as much from now on: something on the way takes no more (413)."""
        if self._max_items == 1:
            log.error("something on the way to the hub does not even take one item of the journal (HTTP 413)")
        self._ceiling = self._max_items = max(1, self._max_items // 2)

    async def new_epoch(self, why: str) -> None:
        """Begin a new epoch and say so, even when nothing waits to go up; offline rights rest until `reconcile`."""
        log.warning("%s: a new epoch begins", why)
        epoch = await self.journal.begin_epoch()
        told = await self._post(p.Upload(epoch, 1, p.GENESIS, ()))
        await self._older(told.had)

    async def _post(self, upload: p.Upload, deadline_s: float | None = None) -> p.Acknowledged:
        ended = await self.journal.ended() if upload.first_seq == 1 else None
        told = await self.client.call(
            "POST",
            JOURNAL,
            p.Acknowledged,
            msgspec.structs.replace(upload, ended=ended),
            deadline_s=deadline_s,
        )
        if ended is not None and upload.epoch != ended.epoch:
            await self.journal.put("ended", None)
        self._heard(told.run)
        return told

    def _heard(self, run: str) -> None:
        """Notice that the hub was started anew: it may have been given an older database."""
        self.restarted |= self._run not in ("", run)
        self._run = run

    # -- down --

    async def download(self) -> None:
        """Take the pages of the change log, then what this kiosk has to learn of itself."""
        if await self.journal.get("resync") is not None:
            await self._anew()
        more = True
        while more:
            pos = await self.journal.pos()
            page = await self.client.call("GET", f"/v1/device/changes?after={pos}", p.Changes)
            if page.more and page.pos == pos:
                raise HubRefused("bad_answer", "the hub gives the same page again", 200)
            await self.journal.apply(page.pos, page.items)
            more = page.more
        await self.reconcile()
        self.reach.went_down()

    async def _anew(self) -> None:
        """Take the whole state of a hub that has lost items: it has lost what it granted, too.

        It is shown this kiosk's position before: one that it does not know tells it that it was restored.
        """
        try:
            await self.client.call("GET", f"/v1/device/changes?after={await self.journal.pos()}", p.Changes)
        except HubRefused as err:
            if err.error != "resync_required":
                raise
        await self.snapshot()
        await self.journal.put("resync", None)

    async def snapshot(self) -> None:
        """Take the whole state in place of everything that came down before."""
        whole = await self.client.call("GET", "/v1/device/snapshot", p.Snapshot)
        await self.journal.apply(whole.pos, whole.items, whole=True)
        if count := await self.journal.forget_lost_codes():
            log.warning("the hub has lost %d codes that were ready: others take their place", count)

    async def reconcile(self) -> None:
        """After the journal went backwards: learn this kiosk's own redemptions before any offline right returns."""
        if (owed := await self.journal.get("unreconciled")) is None:
            return
        after: str | None = ""
        while after is not None:
            page = await self.client.call("GET", f"/v1/device/uses?after={after}", p.Uses)
            await self.journal.learn_uses(page.items)
            after = page.next
        if await self.journal.get("unreconciled") == owed:  # else the counter was shut out meanwhile
            await self.journal.put("unreconciled", None)

    async def wait(self, deadline_s: float) -> bool:
        """Wait until the hub has something new, as long as it holds the request; return whether it has."""
        pos = await self.journal.pos()
        told = await self.client.call("GET", f"/v1/device/wake?pos={pos}", p.Wake, deadline_s=deadline_s)
        self._heard(told.run)
        if not told.changed:
            self.reach.went_down()
            if (await self.journal.backlog()).count == 0:
                self.reach.went_up()
        return told.changed

    async def remember_time(self) -> None:
        """Keep a lower bound of the time for the next boot; at most once an hour, to spare the card."""
        trusted = self.clock.trusted()
        if not trusted.certain:
            return
        kept = await self.journal.get("time")
        if kept is None or trusted.at.timestamp() - float(kept) > KEEP_TIME_S:
            await self.journal.put("time", f"{trusted.at.timestamp():.0f}")

    # -- what is held for later --

    async def renew(self) -> None:
        """Keep the leases running; a new one comes by the change log, and is fetched before anybody asks for the next."""
        if await self._renewal.renew():
            await self.download()

    async def refill(self) -> None:
        """Keep the pool of the slip batch filled."""
        batch = next((b for b in await self.journal.batches() if self._gives(b)), None)
        if batch is None or self._pool.size == 0 or batch == self._dry:
            return
        left = await self.journal.pool_left(batch.stock_id)
        if left > self._pool.size * self._pool.refill_at:
            return
        name = f"pool:{batch.stock_id}"
        asked = await self.journal.get(name)
        if asked is None:
            asked = f"{new_rid()} {min(POOL_MAX, self._pool.size - left)}"
            await self.journal.put(name, asked)  # the same rid after a crash gets the same codes
        rid, count = asked.split()
        ask = p.PoolAsk(rid, batch.stock_id, int(count))
        told = await self.client.call("POST", "/v1/device/pool", p.Pool, ask)
        # Fewer than asked for: the stock has run out. Ask again when the batch has changed, not at once and for ever.
        self._dry = batch if len(told.codes) < int(count) else None
        if told.codes:
            await self.journal.put_codes(told.stock_id, told.codes)
        await self.journal.put(name, None)

    def _gives(self, batch: Batch) -> bool:
        wanted = self._pool.stock_id in ("", batch.stock_id)
        return batch.product == "slip_coupon" and batch.status == "running" and wanted
