"""A kiosk that is shut out: its replacement decides for the slips that were given out, also without the hub; nobody twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.journal.rows import intent
from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Proxy
from tests.sync.shop import Kiosk, Shop, batch, until
from tests.sync.test_restored import backup, restore


async def given(kiosk: Kiosk, count: int) -> list[Any]:
    """Hand slips out, and wait until the hub knows of it."""
    found = [await kiosk.journal.hand_out(f"r{n}", "SLIP", "S1") for n in range(count)]
    await kiosk.synced()
    return found


async def full(kiosk: Kiosk, count: int) -> None:
    async def ready() -> bool:
        return await kiosk.journal.pool_left("SLIP") == count

    await until(ready, "the pool is full")


async def home_of(kiosk: Kiosk, coupon: str) -> None:
    async def told() -> bool:
        return await kiosk.journal.is_home_of(coupon, kiosk.device)

    await until(told, "the replacement has heard of it")


async def shut_out(shop: Shop, kiosk: Kiosk) -> None:
    await shop.do(shop.parts.devices.revoke, kiosk.device, "test", datetime.now(UTC))
    await until(lambda: kiosk.sync.state == "revoked", "the kiosk has heard of it")


async def test_a_replacement_takes_slips_of_the_one_before_without_asking(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    old = await make("k1", pool=4)
    await full(old, 4)
    slip, used = await given(old, 2)
    assert (await old.redeem(used.code)).verdict == "confirmed"
    await old.synced()
    await shut_out(shop, old)
    new = await make("k2")
    elsewhere = await make("k3", store="S2")
    await home_of(new, slip.coupon)
    assert not await new.journal.is_home_of(used.coupon, new.device), "it knows its own uses only"
    assert (await elsewhere.redeem(slip.code)).reason == "not_home"
    await proxy.down()
    await until(lambda: new.reach.away and elsewhere.reach.away, "the outage is known")
    assert (await new.redeem(slip.code)).verdict == "offline"
    assert (await new.redeem(slip.code)).reason == "used"
    assert (await new.redeem(used.code)).reason == "not_home"
    assert (await elsewhere.redeem(slip.code)).reason == "not_home"
    await proxy.up()
    await new.synced()
    assert await shop.uses(slip.coupon) == await shop.uses(used.coupon) == 1
    assert [a.state for a in await shop.attempts(slip.coupon) if a.state == "conflict"] == []


async def test_until_there_is_one_they_are_good_everywhere_and_what_was_used_stays_so(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    old = await make("k1", pool=4)
    await full(old, 4)
    slip, other = await given(old, 2)
    await shut_out(shop, old)
    elsewhere = await make("k3", store="S2")
    assert (await elsewhere.redeem(slip.code)).verdict == "confirmed"
    await elsewhere.synced()
    new = await make("k2")
    await home_of(new, other.coupon)
    assert not await new.journal.is_home_of(slip.coupon, new.device)
    await proxy.down()
    await until(lambda: new.reach.away, "the outage is known")
    assert (await new.redeem(slip.code)).reason == "not_home"
    assert (await new.redeem(other.code)).verdict == "offline"


async def test_a_replacement_takes_printed_slips_too(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    """They were issued by hand for the store, so their home was its kiosk; no journal says that they were given out."""
    old = await make("k1")
    made = await shop.do(shop.parts.coupons.list_out, "SLIP", 2, None, datetime.now(UTC), "S1")
    await home_of(old, made[0].coupon)
    assert (await old.redeem(made[1].code)).verdict == "confirmed"
    await old.synced()
    new = await make("k2")
    await shut_out(shop, old)
    await home_of(new, made[0].coupon)
    await proxy.down()
    await until(lambda: new.reach.away, "the outage is known")
    assert (await new.redeem(made[0].code)).verdict == "offline"
    assert (await new.redeem(made[1].code)).reason == "not_home"


async def test_the_next_one_inherits_again(shop: Shop, make: MakeKiosk) -> None:
    old = await make("k1", pool=4)
    await full(old, 4)
    [slip] = await given(old, 1)
    second = await make("k2")
    await shut_out(shop, old)
    await home_of(second, slip.coupon)
    third = await make("k4")
    await shut_out(shop, second)
    await home_of(third, slip.coupon)
    assert (await third.redeem(slip.code)).verdict == "confirmed"


async def test_an_offline_kiosk_decides_for_its_slips_until_it_has_heard_and_nobody_beside_it(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    """Its replacement inherits once the one before has said that it knows, and with it all that it had honoured."""
    way = Proxy(shop.hub.port)
    await way.up()
    try:
        old = await make("k1", pool=4)
        await full(old, 4)
        used, free = await given(old, 2)
        new = await make("k2", url=way.url)
        await proxy.down()
        await until(lambda: old.reach.away, "the outage is known")
        await shop.do(shop.parts.devices.revoke, old.device, "test", datetime.now(UTC))
        await shop.load(batch("MORE", "never"))
        await until(lambda: has(new, "MORE"), "the replacement has heard what was said after the revocation")
        assert not await new.journal.is_home_of(used.coupon, new.device)
        assert (await old.redeem(used.code)).verdict == "offline"
        await proxy.up()
        await until(lambda: old.sync.state == "revoked", "the old one has heard of it")
        await home_of(new, free.coupon)
        assert not await new.journal.is_home_of(used.coupon, new.device), "its use had come up before"
        assert [a.state for a in await shop.attempts(used.coupon)] == ["recorded"]
        assert (await old.journal.backlog()).count == 0
        assert (await old.redeem(free.code)).reason == "shut_out"
        await way.down()
        await until(lambda: new.reach.away, "the outage is known")
        assert (await new.redeem(free.code)).verdict == "offline"
    finally:
        await way.down()


async def test_a_kiosk_parts_when_no_redemption_is_under_way(shop: Shop, make: MakeKiosk) -> None:
    """One that was decided alone a moment before would come up after its slip has passed on."""
    kiosk = await make("k1")
    await kiosk.journal.intend(intent("r1"))
    await shop.do(shop.parts.devices.revoke, kiosk.device, "test", datetime.now(UTC))
    kiosk.sync.nudge()
    await until(lambda: kiosk.sync.state == "revoked", "it has heard of it")
    await kiosk.sync._exchange.part()
    assert await shop.audit("parted") == []
    await kiosk.journal.void("r1", "not accepted")
    await kiosk.sync._exchange.part()
    assert len(await shop.audit("parted")) == 1


async def has(kiosk: Kiosk, stock_id: str) -> bool:
    return await kiosk.journal.batch(stock_id) is not None


async def test_a_kiosk_that_was_let_in_again_parts_again(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    """Such as by a hub that was restored from before: what it gave out meanwhile waits for somebody to inherit it."""

    async def has_parted() -> bool:
        return len(await shop.audit("parted")) == 1

    old = await make("k1", pool=4)
    await full(old, 4)
    backup(shop)
    await shut_out(shop, old)
    await until(has_parted, "it has parted")
    await restore(shop, proxy, old)
    await proxy.up()
    await until(lambda: old.sync.state == "accepted", "it is let in again")
    await full(old, 4)
    [slip] = await given(old, 1)
    assert await shop.audit("parted") == []
    await shut_out(shop, old)
    await until(has_parted, "it has parted again")
    new = await make("k2")
    await home_of(new, slip.coupon)
