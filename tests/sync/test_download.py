from __future__ import annotations

import asyncio

from kiosk.events import BatchesChanged
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Proxy
from tests.sync.shop import BATCHES, Kiosk, Shop, batch, until

CHANGES = "/v1/device/changes"


async def test_more_changes_than_a_page_come_in_pages(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    await shop.issue("CAPPED", 1200)
    kiosk = await make()
    held = await kiosk.journal._objects("code")
    assert len(held) == 1200
    assert proxy.count(CHANGES) >= 3


async def test_a_change_arrives_by_the_wake_up(shop: Shop, proxy: Proxy, kiosk: Kiosk) -> None:
    await until(lambda: proxy.seen[-1].path.startswith("/v1/device/wake"), "a wake request is held")
    changed = asyncio.Event()
    kiosk.bus.on(BatchesChanged, lambda _: changed.set())
    before = proxy.count(CHANGES)
    await shop.do(shop.parts.catalog.set_status, "CAPPED", "paused")
    async with asyncio.timeout(20):
        await changed.wait()
    told = await kiosk.journal.batch("CAPPED")
    assert told is not None
    assert told.status == "paused"
    assert proxy.count(CHANGES) == before + 1, "pulled once, because it was woken"


async def test_many_changes_at_once_make_no_storm_of_requests(shop: Shop, proxy: Proxy, kiosk: Kiosk) -> None:
    await until(lambda: proxy.seen[-1].path.startswith("/v1/device/wake"), "a wake request is held")
    before = len(proxy.seen)
    await shop.load(*(batch(f"N{n}", "never") for n in range(100)))

    async def known() -> bool:
        return len(await kiosk.journal.batches()) == 100 + len(BATCHES)

    await until(known, "all have come down")
    assert len(proxy.seen) - before < 10


async def test_an_older_log_at_the_hub_makes_the_kiosk_take_the_whole_state(
    shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    [held] = await shop.issue("CAPPED")
    assert (await kiosk.redeem(held.code)).verdict == "confirmed"
    await kiosk.synced()
    epoch = kiosk.journal.epoch
    ahead = "0.999999"

    async def taken() -> bool:
        if proxy.count("/v1/device/snapshot"):
            return True
        if (
            await kiosk.journal.pos() != ahead
        ):  # a page that was under way brings the hub's position once more
            await kiosk.journal.apply(ahead, ())
            kiosk.sync.nudge()
        return False

    await until(taken, "the snapshot is taken")

    async def settled() -> bool:
        return await kiosk.journal.pos() != ahead

    await until(settled, "the position is the hub's again")
    assert len(await kiosk.journal.batches()) == len(BATCHES)
    assert kiosk.journal.epoch == epoch
    assert (await kiosk.redeem(held.code)).reason == "used"
    assert (await kiosk.journal.verify()).ok


async def test_a_hub_that_begins_anew_is_joined_anew_and_the_journal_stays(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    kiosk = await make()
    [held] = await shop.issue("CAPPED")
    first = await kiosk.redeem(held.code)
    assert first.verdict == "confirmed"
    await kiosk.synced()
    rows = (await kiosk.journal.verify()).rows
    await shop.hub.stop()
    for path in shop.base.glob("hub.db*"):
        path.unlink()
    await shop.restart()
    await shop.load(batch("FRESH", "never"))
    kiosk.sync._token = await shop.token()

    async def fresh() -> bool:
        return [b.stock_id for b in await kiosk.journal.batches()] == ["FRESH"]

    await until(fresh, "only what the new hub says is there")
    await kiosk.synced()
    await until(lambda: kiosk.sync.state == "accepted", "joined anew")
    assert await kiosk.journal.uses(held.coupon) == [], "its coupons have the same names as those before"
    attempt = await kiosk.journal.attempt(first.rid)
    assert attempt is not None
    assert attempt.state == "recorded"
    assert (await kiosk.journal.verify()).rows >= rows


async def test_since_sync_counts_the_older_of_the_two_ways(shop: Shop, kiosk: Kiosk) -> None:
    reach = kiosk.reach
    now = kiosk.clock.mono()
    reach._up, reach._down = now - 10, now - 500
    since = reach.since_sync_s()
    assert since is not None
    assert 500 <= since < 560
    reach._down = None
    assert reach.since_sync_s() is None
