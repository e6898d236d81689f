"""A copied card beside the first one, and hubs that change under a kiosk: real kiosks, a real hub."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.store import feed, twins
from kiosk.sync import service
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Proxy
from tests.sync.shop import Kiosk, Shop, batch, until

JOURNAL = "/v1/device/journal"


async def test_a_copied_card_is_found_and_decides_nothing_alone_until_it_is_trusted(
    shop: Shop, proxy: Proxy, make: MakeKiosk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "UNDER_WAY", timedelta(0))
    kiosk = await make()
    coupons = await shop.issue("CAPPED", 6)
    await kiosk.stop()
    shutil.copytree(kiosk.base, tmp_path / "copy")
    kiosk = await make(start=False)
    await kiosk.start()
    copy = Kiosk(tmp_path / "copy", proxy.url)
    try:
        assert (await kiosk.redeem(coupons[0].code)).verdict == "confirmed"
        await kiosk.synced()
        await copy.start()
        assert (await copy.redeem(coupons[1].code)).verdict == "confirmed"
        await copy.synced()
        assert (await kiosk.redeem(coupons[2].code)).verdict == "confirmed"
        await kiosk.synced()
        [noted] = await shop.audit("older_copy")
        assert noted.actor == kiosk.device

        async def told() -> bool:
            found = [await one.journal.assignment() for one in (kiosk, copy)]
            return all(a is not None and a.suspended for a in found)

        await until(told, "both are told")
        assert (await copy.redeem(coupons[3].code)).verdict == "confirmed", "asking goes on"
        await copy.synced()
    finally:
        await copy.stop()
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    assert (await kiosk.redeem(coupons[4].code)).reason == "hub_away"
    await proxy.up()
    await shop.do(shop.parts.devices.trust, kiosk.device, "boss", datetime.now(UTC))

    async def trusted() -> bool:
        found = await kiosk.journal.assignment()
        return found is not None and not found.suspended

    await until(trusted, "the one that is left is told")
    assert (await kiosk.redeem(coupons[4].code)).verdict == "confirmed"
    await kiosk.synced()
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    assert (await kiosk.redeem(coupons[5].code)).verdict == "offline"
    await proxy.up()
    await kiosk.synced()
    assert len(await shop.audit("older_copy")) == len(await shop.audit("twin")) == 1
    assert (await kiosk.journal.verify()).ok


async def test_an_older_image_of_the_one_card_is_in_doubt_and_no_twin(
    shop: Shop, make: MakeKiosk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twins, "UNDER_WAY", timedelta(0))
    kiosk = await make()
    await kiosk.stop()
    shutil.copytree(kiosk.base, tmp_path / "image")
    kiosk = await make(start=False)
    await kiosk.start()
    await kiosk.sync._exchange.new_epoch("the journal was set aside")
    await kiosk.synced()
    await kiosk.stop()
    shutil.rmtree(kiosk.base)
    shutil.copytree(tmp_path / "image", kiosk.base)
    kiosk = await make(start=False)
    await kiosk.start()

    async def suspended(wanted: bool) -> bool:
        found = await kiosk.journal.assignment()
        return found is not None and found.suspended is wanted

    await until(lambda: suspended(True), "it is told")
    [coupon] = await shop.issue("CAPPED", 1)
    assert (await kiosk.redeem(coupon.code)).verdict == "confirmed"
    await kiosk.synced()
    assert (len(await shop.audit("older_copy")), await shop.audit("twin")) == (1, [])
    await shop.do(shop.parts.devices.trust, kiosk.device, "boss", datetime.now(UTC))
    await until(lambda: suspended(False), "it is trusted")
    await kiosk.stop()


async def test_a_hub_that_was_started_anew_is_compared_with_at_its_next_answer(
    shop: Shop, proxy: Proxy, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "COMPARE_S", 1e9)
    await until(lambda: proxy.seen[-1].path.startswith("/v1/device/wake"), "nothing is under way")
    await until(lambda: kiosk.sync._exchange._run != "", "its run is known")
    before = proxy.count(JOURNAL)
    await shop.load(batch("MORE", "never"))
    await until(lambda: _has(kiosk, "MORE"), "the change has come down")
    assert proxy.count(JOURNAL) == before, "a change alone is no reason"
    await shop.do(feed.begin_run, "main")
    await shop.load(batch("THEN", "never"))
    await until(lambda: proxy.count(JOURNAL) > before, "the journals are compared")


async def _has(kiosk: Kiosk, stock_id: str) -> bool:
    return await kiosk.journal.batch(stock_id) is not None


async def test_the_pool_of_another_hub_goes_and_nothing_else(
    tmp_path: Path, shop: Shop, make: MakeKiosk
) -> None:
    kiosk = await make(pool=5)
    await until(lambda: _pool(kiosk, 5), "the pool is full")
    given = await kiosk.journal.hand_out("r1", "SLIP", "S1")
    assert given is not None
    [held] = await shop.issue("CAPPED")
    first = await kiosk.redeem(held.code)
    assert first.verdict == "confirmed"
    await kiosk.synced()
    await kiosk.stop()
    (tmp_path / "other").mkdir()
    other = Shop(tmp_path / "other")
    await other.start((batch("SLIP", "home", product="slip_coupon"), batch("NEVER", "never")))
    again = await make(start=False, url=other.hub.url, token=await other.token(), pool=3)
    try:
        await again.start(synced=False)
        await until(lambda: _pool(again, 3), "the pool is the other hub's")
        codes = await again.journal._db.read(lambda db: db.execute("SELECT short FROM pool").fetchall())
        query = "SELECT short_hash FROM coupons"
        known = await other.do(lambda c: {r[0] for r in c.exec_driver_sql(query)})
        assert len(codes) == len(known) == 3
        assert await again.journal.pool_code(given.short) is None
        assert (await again.journal.verify()).ok
        attempt = await again.journal.attempt(first.rid)
        assert attempt is not None
        assert attempt.state == "recorded"
        query = "SELECT count(*) FROM item WHERE kind IN ('claim', 'redeem_record')"
        kinds = await again.journal._db.read(lambda db: db.execute(query).fetchone()[0])
        assert kinds >= 2, "the journal is never touched"
    finally:
        await again.stop()
        await other.stop()


async def test_what_was_redeemed_under_another_hub_stays_there(
    tmp_path: Path, shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    """Both hubs call their first coupon 1-1: the records of the one take no use of the other's, and refuse none."""
    kiosk = await make()
    held = await shop.issue("CAPPED", 2)
    assert (await kiosk.redeem(held[0].code)).verdict == "confirmed"
    await kiosk.synced()
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    assert (await kiosk.redeem(held[1].code)).verdict == "offline"
    await kiosk.stop()
    (tmp_path / "other").mkdir()
    other = Shop(tmp_path / "other")
    await other.start()
    theirs = await other.issue("CAPPED", 2)
    assert [i.coupon for i in theirs] == [i.coupon for i in held]
    try:
        for _ in range(2):  # the second start puts the tables right from the items
            again = await make(start=False, url=other.hub.url, token=await other.token())
            await again.start()
            assert await other.attempts() == []
            assert await again.journal.uses(theirs[0].coupon) == []
            await again.stop()
        await again.start()
        assert [(await again.redeem(i.code)).verdict for i in theirs] == ["confirmed"] * 2
        await again.synced()
        assert [a.state for a in await other.attempts()] == ["recorded"] * 2
        query = "SELECT count(*) FROM item WHERE kind = 'redeem_record' AND status = 'elsewhere'"
        assert await again.journal._db.read(lambda db: db.execute(query).fetchone()[0]) == 1, "it is kept"
        assert (await again.journal.verify()).ok
    finally:
        await again.stop()
        await other.stop()


async def test_a_hub_that_moved_keeps_the_pool(shop: Shop, make: MakeKiosk) -> None:
    kiosk = await make(pool=5)
    await until(lambda: _pool(kiosk, 5), "the pool is full")
    await kiosk.stop()
    moved = Proxy(shop.hub.port)
    await moved.up()
    try:
        again = await make(start=False, url=moved.url, pool=5)
        await again.start()
        assert await again.journal.get("enrolled") == moved.url
        issued = await shop.do(
            lambda c: c.exec_driver_sql("SELECT issued FROM batches WHERE stock_id = 'SLIP'").scalar_one()
        )
        assert (await again.journal.pool_left("SLIP"), issued) == (5, 5)
        await again.stop()
    finally:
        await moved.down()


async def _pool(kiosk: Kiosk, count: int) -> bool:
    return await kiosk.journal.pool_left("SLIP") == count
