from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk.events import DeviceAccepted
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Fault, Proxy
from tests.sync.shop import BATCHES, Kiosk, Shop, Skewed, batch, until
from tests.sync.test_pool import full


async def test_a_token_lets_a_kiosk_in_with_its_store(shop: Shop, make: MakeKiosk) -> None:
    kiosk = await make()
    assert kiosk.sync.state == "accepted"
    assert await kiosk.journal.get("enrolled") == kiosk.client.url
    assignment = await kiosk.journal.assignment()
    assert assignment is not None
    assert assignment.store == "S1"
    assert {b.stock_id for b in await kiosk.journal.batches()} == {b.stock_id for b in BATCHES}


async def test_without_a_token_a_kiosk_shows_a_code_until_it_is_approved(shop: Shop, make: MakeKiosk) -> None:
    kiosk = await make(start=False)
    kiosk.sync._token = None
    accepted = asyncio.Event()
    kiosk.bus.on(DeviceAccepted, lambda _: accepted.set())
    await kiosk.start(synced=False)
    await until(lambda: kiosk.sync.state == "pending" and bool(kiosk.sync.code), "a code is shown")
    assert await kiosk.journal.get("enrolled") is None
    await shop.do(shop.parts.devices.approve, kiosk.sync.code, "S2", "test", datetime.now(UTC))
    async with asyncio.timeout(20):
        await accepted.wait()
    assert kiosk.sync.state == "accepted"
    assert kiosk.sync.code is None
    await kiosk.synced()


async def test_a_bad_token_still_leaves_the_way_by_code(shop: Shop, make: MakeKiosk) -> None:
    kiosk = await make(start=False, token="wrong")
    await kiosk.start(synced=False)
    await until(lambda: bool(kiosk.sync.code), "a code is shown although the token is bad")


async def test_a_lost_answer_to_the_enrolment_does_not_spend_the_token_twice(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    proxy.next("/v1/device/enrol", Fault(cut_answer=0), Fault(cut_answer=40))
    kiosk = await make()
    assert kiosk.sync.state == "accepted"
    assert proxy.count("/v1/device/enrol") == 3


async def test_a_revoked_kiosk_has_no_right_to_decide_alone(shop: Shop, proxy: Proxy, kiosk: Kiosk) -> None:
    [held] = await shop.issue("CAPPED")
    await kiosk.synced()
    await shop.do(shop.parts.devices.revoke, kiosk.device, "test", datetime.now(UTC))
    kiosk.sync.nudge()
    await until(lambda: kiosk.sync.state == "revoked", "the kiosk knows that it is revoked")
    await proxy.down()
    told = await kiosk.redeem(held.code)
    assert (told.verdict, told.reason) == ("refused", "shut_out")
    await proxy.up()
    await until(lambda: proxy.count("/v1/device/enrol") > 2, "it goes on asking")


async def test_a_revoked_kiosk_hands_out_no_slip_that_nobody_honours(shop: Shop, make: MakeKiosk) -> None:
    kiosk = await make(pool=4)
    await full(kiosk, 4)
    await shop.do(shop.parts.devices.revoke, kiosk.device, "test", datetime.now(UTC))
    kiosk.sync.nudge()
    await until(lambda: kiosk.sync.state == "revoked", "the kiosk knows that it is revoked")

    async def none() -> bool:
        return await kiosk.journal.pool_left("SLIP") == 0

    await until(none, "its codes are gone")
    assert await kiosk.journal.hand_out("r1", "SLIP", "S1") is None


async def test_a_hub_without_a_merchant_lets_kiosks_in_and_tells_them_later(
    tmp_path: Path, make: MakeKiosk
) -> None:
    (tmp_path / "empty").mkdir()
    shop = Shop(tmp_path / "empty")
    await shop.start(batches=())
    kiosk = await make(start=False, url=shop.hub.url, token=await shop.token(None))
    try:
        await kiosk.start()
        assert await kiosk.journal.batches() == []
        await shop.load(*BATCHES)

        async def told() -> bool:
            return len(await kiosk.journal.batches()) == len(BATCHES)

        await until(told, "the batches come down")
    finally:
        await kiosk.stop()
        await shop.stop()


async def test_a_hub_at_another_address_is_joined_anew_and_replaces_what_the_old_one_said(
    tmp_path: Path, shop: Shop, make: MakeKiosk
) -> None:
    first = await make("k1")
    await first.stop()
    (tmp_path / "other").mkdir()
    other = Shop(tmp_path / "other")
    # more changes than the old hub had: its log is beyond the kiosk's position
    await other.start(tuple(batch(f"OTHER{n}", "never") for n in range(40)))
    again = await make("k1", start=False, url=other.hub.url, token=await other.token())
    try:
        await again.start()
        assert {b.stock_id for b in await again.journal.batches()} == {f"OTHER{n}" for n in range(40)}
        assert await again.journal.get("enrolled") == other.hub.url
    finally:
        await again.stop()
        await other.stop()


@pytest.mark.parametrize("years", [-30, -2, 2, 30])
async def test_a_calendar_that_is_years_off_keeps_nobody_out(shop: Shop, make: MakeKiosk, years: int) -> None:
    clock = Skewed(timedelta(days=365 * years))
    kiosk = await make(clock=clock)
    [held] = await shop.issue("NEVER")
    told = await kiosk.redeem(held.code)
    assert told.verdict == "confirmed"
    assert abs(clock.trusted().at - datetime.now(UTC)) < timedelta(minutes=1)
    [attempt] = await shop.attempts(held.coupon)
    assert abs(attempt.at - datetime.now(UTC)) < timedelta(minutes=5)


async def test_a_hub_that_was_years_ahead_once_does_not_shut_the_kiosk_out(
    shop: Shop, make: MakeKiosk
) -> None:
    kiosk = await make(start=False)
    kiosk.clock.learn(datetime.now(UTC) + timedelta(days=800), 0.0001)
    kiosk.clock.trusted()
    kiosk.client._told = (datetime.now(UTC).timestamp() + 800 * 86400, kiosk.clock.mono())
    await kiosk.start()
    assert kiosk.sync.state == "accepted"
