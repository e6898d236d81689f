from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from kiosk.events import JournalAcked
from kiosk.sync import service
from kiosk.sync.client import HubAway
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import BAD_GATEWAY, PORTAL, REDIRECT, TOO_LARGE, Fault, Proxy, answer
from tests.sync.shop import Kiosk, Shop, until

JOURNAL = "/v1/device/journal"
LATER = answer("429 Too Many Requests", "<html>slow down</html>", "Retry-After: 0")
FAULTS = {
    "request lost": Fault(lose=True),
    "request cut in its head": Fault(cut_request=60),
    "request cut in its body": Fault(cut_request=900),
    "answer lost": Fault(silent=True),
    "answer cut before its first byte": Fault(cut_answer=0),
    "answer cut in its body": Fault(cut_answer=260),
    "request doubled": Fault(twice=True),
    "captive portal": PORTAL,
    "captive portal's redirect": REDIRECT,
    "proxy's 502": BAD_GATEWAY,
    "proxy's 413": TOO_LARGE,
    "proxy's 429": LATER,
}


async def offline_uses(kiosk: Kiosk, proxy: Proxy, shop: Shop, count: int) -> list[str]:
    """Let a kiosk honour coupons while its hub is away; return their identities."""
    held = await shop.issue("CAPPED", count)
    await kiosk.synced()
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    for one in held:
        assert (await kiosk.redeem(one.code)).verdict == "offline"
    return [one.coupon for one in held]


async def assert_once_each(shop: Shop, kiosk: Kiosk, coupons: list[str]) -> None:
    """Assert that each redemption counts once at the hub, and each row of the journal is there once."""
    for coupon in coupons:
        [attempt] = await shop.attempts(coupon)
        assert attempt.state == "recorded"
        assert await shop.uses(coupon) == 1
    sql = f"SELECT seq FROM journal WHERE device = '{kiosk.device}' ORDER BY seq"
    seqs = await shop.do(lambda c: [r[0] for r in c.exec_driver_sql(sql)])
    assert seqs == list(range(1, (await kiosk.journal.ends()).tip + 1))
    [batch] = [b for b in await shop.do(shop.parts.catalog.batches) if b.stock_id == "CAPPED"]
    assert batch.redeemed == len(coupons)


@pytest.mark.parametrize("name", FAULTS)
async def test_every_item_takes_effect_once_whatever_happens_on_the_way(
    name: str, shop: Shop, proxy: Proxy, kiosk: Kiosk, hasty: None
) -> None:
    coupons = await offline_uses(kiosk, proxy, shop, 5)
    # the first is the probe that ends the outage, the second carries the items
    proxy.next(JOURNAL, Fault(), FAULTS[name], FAULTS[name])
    await proxy.up()
    await kiosk.synced()
    assert not proxy.once[JOURNAL], "both faults were met"
    await assert_once_each(shop, kiosk, coupons)


@pytest.mark.parametrize("name", ["request lost", "captive portal", "proxy's 413", "proxy's 429"])
async def test_the_probe_itself_may_meet_them_too(
    name: str, shop: Shop, proxy: Proxy, kiosk: Kiosk, hasty: None
) -> None:
    coupons = await offline_uses(kiosk, proxy, shop, 2)
    proxy.next(JOURNAL, FAULTS[name], FAULTS[name])
    await proxy.up()
    await kiosk.synced()
    await assert_once_each(shop, kiosk, coupons)


async def test_what_a_proxy_calls_too_large_goes_up_in_halves(shop: Shop, proxy: Proxy, kiosk: Kiosk) -> None:
    coupons = await offline_uses(kiosk, proxy, shop, 5)
    kiosk.sync._exchange._max_items = 5
    proxy.most = 1800
    before = len(proxy.seen)
    await proxy.up()
    await kiosk.synced()
    sizes = [len(s.raw) for s in proxy.seen[before:] if s.path.startswith(JOURNAL)]
    assert sum(size > proxy.most for size in sizes) == 1, "the first try was too large, and is made only once"
    await assert_once_each(shop, kiosk, coupons)


async def test_new_items_go_up_at_once_without_polling(shop: Shop, kiosk: Kiosk) -> None:
    [held] = await shop.issue("NEVER")
    acked = asyncio.Event()
    kiosk.bus.on(JournalAcked, lambda _: acked.set())
    assert (await kiosk.redeem(held.code)).verdict == "confirmed"
    async with asyncio.timeout(20):
        await acked.wait()
    [attempt] = await shop.attempts(held.coupon)
    assert (attempt.state, attempt.verdict) == ("recorded", "confirmed")


async def test_one_thing_refused_holds_up_nothing_else(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    never = answer("404 Not Found", '{"error":"unknown_batch","message":"no"}', kind="application/json")
    proxy.always["/v1/device/pool"] = never
    kiosk = await make(pool=10)
    await until(lambda: proxy.count("/v1/device/pool") >= 2, "the pool is asked for and refused")
    [held] = await shop.issue("NEVER")
    assert (await kiosk.redeem(held.code)).verdict == "confirmed"
    await kiosk.synced()
    assert (await shop.attempts(held.coupon))[0].state == "recorded"
    assert not kiosk.reach.away


async def test_a_hub_restored_from_a_backup_gets_again_what_it_has_lost(
    shop: Shop, proxy: Proxy, kiosk: Kiosk
) -> None:
    coupons = await offline_uses(kiosk, proxy, shop, 2)
    await proxy.up()
    await kiosk.synced()
    await proxy.down()

    def backup(c):  # type: ignore[no-untyped-def]
        c.exec_driver_sql("COMMIT")
        c.exec_driver_sql(f"VACUUM INTO '{shop.base / 'backup.db'}'")
        c.exec_driver_sql("BEGIN")

    more = await shop.issue("CAPPED", 2)
    await shop.do(backup)
    await proxy.up()
    await kiosk.synced()
    for one in more:
        assert (await kiosk.redeem(one.code)).verdict == "confirmed"
    await kiosk.synced()
    epoch = kiosk.journal.epoch
    await shop.hub.stop()
    await until(lambda: kiosk.reach.away, "the kiosk misses the hub while it is being restored")
    for suffix in ("", "-wal", "-shm"):
        (shop.base / f"hub.db{suffix}").unlink(missing_ok=True)
    (shop.base / "backup.db").rename(shop.base / "hub.db")
    await shop.restart()
    assert [await shop.uses(m.coupon) for m in more] == [0, 0], "the backup does not know them"
    kiosk.sync.nudge()

    async def again() -> bool:
        return [await shop.uses(m.coupon) for m in more] == [1, 1]

    await until(again, "the hub has the redemptions again")
    await kiosk.synced()
    assert kiosk.journal.epoch == epoch
    await assert_once_each(shop, kiosk, coupons + [m.coupon for m in more])


async def test_a_stop_is_prompt_and_loses_nothing(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    kiosk = await make()
    await until(lambda: proxy.count("/v1/device/wake") > 0, "a wake request is held")
    before, proxy.always[JOURNAL] = proxy.count(JOURNAL), Fault(silent=True)
    [held] = await shop.issue("NEVER")
    assert (await kiosk.redeem(held.code)).verdict == "confirmed"
    await until(lambda: proxy.count(JOURNAL) > before, "an upload is under way")
    async with asyncio.timeout(5):
        await kiosk.stop()
    proxy.always.clear()
    again = await make(start=False)
    await again.start()
    [attempt] = await shop.attempts(held.coupon)
    assert attempt.state == "recorded"


async def test_a_stop_is_heeded_at_whatever_moment_it_comes(proxy: Proxy, make: MakeKiosk) -> None:
    """A connection that breaks while the tasks are being cancelled must not swallow the stop."""
    kiosk = await make()
    for n in range(12):
        await until(lambda: not kiosk.reach.away, "in step")
        if n % 2:
            await proxy.down()
        stop = asyncio.create_task(kiosk.sync.stop())
        if not n % 2:
            await proxy.down()
        async with asyncio.timeout(5):
            await stop
        assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("sync")]
        await proxy.up()
        await kiosk.sync.start()


async def test_a_connection_that_breaks_during_the_stop_does_not_swallow_it(make: MakeKiosk) -> None:
    """Before Python 3.13 a group that has an error of a member to tell forgets that it was cancelled itself."""
    kiosk = await make()

    async def breaks(_: float) -> bool:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise HubAway("the connection broke") from None
        return False

    kiosk.sync._exchange.wait = breaks  # type: ignore[method-assign]
    kiosk.sync._lost.set()
    await until(lambda: not kiosk.reach.away, "in step again")
    async with asyncio.timeout(5):
        await kiosk.sync.stop()
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("sync")]


async def test_journals_are_compared_now_and_then_all_the_same(
    proxy: Proxy, make: MakeKiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub may be replaced between two requests: nothing breaks, and nothing waits to go up."""
    monkeypatch.setattr(service, "COMPARE_S", 0.0)
    held = json.dumps({"changed": False, "server_time": datetime.now(UTC).isoformat()})
    proxy.always["/v1/device/wake"] = answer("200 OK", held, kind="application/json")
    monkeypatch.setattr(service, "HELD_S", 0.0)
    await make()
    before = proxy.count(JOURNAL)
    await until(lambda: proxy.count(JOURNAL) > before + 2, "compared again")
