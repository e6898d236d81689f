"""A hub with a merchant, and kiosks: everything real but the devices."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from hub.config import Settings
from hub.schema import attempts, audit
from hub.server import Hub
from hub.store.catalog import BatchFile
from hub.store.coupons import Issued
from kiosk.clock import SystemClock
from kiosk.counter.place import Places
from kiosk.counter.redeem import Redeemer, RedeemResult
from kiosk.coupons.batch import Batch, Merchant, Offline, Store
from kiosk.events import Bus
from kiosk.journal.store import Journal
from kiosk.sync.authority import HubAuthority
from kiosk.sync.client import HubClient
from kiosk.sync.identity import Identity
from kiosk.sync.reach import Reach
from kiosk.sync.service import PoolSettings, Sync

R = TypeVar("R")
PATIENCE_S = float(os.environ.get("KIOSK_PATIENCE_S", "20"))
DAY = timedelta(days=1)
SLOW_MS = 20_000
"""A deadline that no working hub misses, however busy the machine is."""


def batch(stock_id: str, policy: str, *, product: str = "merchant_coupon", **more: Any) -> Batch:
    now = datetime.now(UTC)
    rule = {"policy": policy, "deadline_ms": more.pop("deadline_ms", SLOW_MS)}
    if "quota" in more:
        rule["quota"] = more.pop("quota")
    if policy == "capped":
        rule |= {"count": more.pop("count", 5), "value": more.pop("cap", 5000), "max_age_s": 86400}
    return Batch(
        stock_id=stock_id,
        product=product,  # type: ignore[arg-type]
        name=stock_id,
        value=300,
        threshold=0,
        begins=now - DAY,
        ends=now + 300 * DAY,
        stock=more.pop("stock", 5000),
        offline=Offline(**rule),
        **more,
    )


BATCHES = (batch("CAPPED", "capped"), batch("NEVER", "never"), batch("SLIP", "home", product="slip_coupon"))


class Skewed(SystemClock):
    """A machine whose calendar is wrong."""

    def __init__(self, off: timedelta) -> None:
        super().__init__()
        self._off = off

    def wall(self) -> datetime:
        return super().wall() + self._off


class Shop:
    """A real hub on SQLite over a real socket."""

    def __init__(self, base: Path, listen: str = "127.0.0.1:0") -> None:
        self.base = base
        url = f"sqlite:///{base / 'hub.db'}"
        self.hub = Hub(Settings(database=url, listen=listen, public_url="http://q.example.test"))

    async def start(self, batches: tuple[Batch, ...] = BATCHES) -> None:
        await self.hub.start()
        if batches:
            await self.load(*batches)

    async def load(self, *batches: Batch) -> None:
        stores = (Store("S1", "一店"), Store("S2", "二店"))
        file = BatchFile(Merchant("老王便利店"), stores, batches)
        await self.do(self.parts.catalog.load, file)

    async def stop(self) -> None:
        await self.hub.stop()

    async def restart(self) -> None:
        """Come back on the same port, with whatever database is there."""
        listen = f"127.0.0.1:{self.hub.port}"
        await self.stop()
        self.hub = Shop(self.base, listen).hub
        await self.hub.start()

    @property
    def parts(self) -> Any:
        assert self.hub.parts is not None
        return self.hub.parts

    async def do(self, work: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """Run a transaction as another process would: nobody is woken by hand."""
        done: R = await self.parts.database.run(work, *args, **kwargs)
        return done

    async def token(self, store: str | None = "S1", uses: int = 1) -> str:
        return await self.do(self.parts.devices.token, store, uses, datetime.now(UTC))

    async def issue(self, stock_id: str, count: int = 1) -> list[Issued]:
        now = datetime.now(UTC)
        return await self.do(self.parts.coupons.list_out, stock_id, count, "customer", now)

    async def attempts(self, coupon: str | None = None) -> list[Any]:
        """Return the attempts of a coupon in the order of their arrival."""
        query = sa.select(attempts).order_by(attempts.c.order)
        if coupon is not None:
            query = query.where(attempts.c.coupon == coupon)
        return await self.do(lambda c: list(c.execute(query)))

    async def uses(self, coupon: str) -> int:
        number, serial = coupon.split("-")
        query = f"SELECT uses FROM coupons WHERE batch = {int(number)} AND serial = {int(serial)}"
        return await self.do(lambda c: int(c.exec_driver_sql(query).scalar_one()))

    async def audit(self, what: str) -> list[Any]:
        query = sa.select(audit).where(audit.c.what == what)
        return await self.do(lambda c: list(c.execute(query)))


class Kiosk:
    """The sync and the counter of one kiosk."""

    def __init__(
        self,
        base: Path,
        url: str,
        token: str | None = None,
        *,
        pool: int = 0,
        clock: SystemClock | None = None,
    ) -> None:
        self.base, self.bus, self.clock = base, Bus(), clock or SystemClock()
        self.journal = Journal(base, self.clock, self.bus)
        self.identity = Identity.load_or_create(base)
        self.client = HubClient(url, self.identity, self.clock)
        self.reach = Reach(self.bus, self.clock)
        self.sync = Sync(
            self.client,
            self.reach,
            self.journal,
            self.bus,
            self.clock,
            name="till",
            token=token,
            pool=PoolSettings(pool, 0.5, ""),
        )
        place = Places(self.journal, self.bus, lambda: self.identity.device, "en")
        authority = HubAuthority(self.client, self.reach)
        since = self.reach.since_sync_s
        self.redeemer = Redeemer(self.journal, authority, self.bus, self.clock, place, since)

    @property
    def device(self) -> str:
        return self.identity.device

    async def start(self, *, synced: bool = True) -> Kiosk:
        await self.journal.start()
        await self.sync.start()
        if synced:
            await self.synced()
        return self

    async def stop(self) -> None:
        await self.sync.stop()
        if self.journal._db._thread is not None:
            await self.journal.stop()

    async def kill(self) -> None:
        """End as by kill -9, as far as the files go: nothing is written down any more."""
        await self.sync.stop()
        await self.journal._db.close()

    async def redeem(self, code: str) -> RedeemResult:
        return await self.redeemer.redeem(code, source="test")

    async def synced(self) -> None:
        """Wait until everything has gone up and down."""

        async def done() -> bool:
            quiet = (await self.journal.backlog()).count == 0
            return quiet and not self.reach.away and self.reach.since_sync_s() is not None

        await until(done, "the kiosk is in step with the hub")


async def until(check: Callable[[], Awaitable[bool] | bool], what: str) -> None:
    """Wait until something is so; the deadline is for a busy machine."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                is_so = check()
                if await is_so if isinstance(is_so, Awaitable) else is_so:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never came true: {what}") from None
