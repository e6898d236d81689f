from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Fault, Proxy
from tests.sync.shop import Kiosk, Shop, batch, until

LEASE = "/v1/device/lease"
QUOTA = 4


async def held(kiosk: Kiosk, count: int) -> None:
    async def holds() -> bool:
        return sum(one.left for one in await kiosk.journal.leases()) >= count

    await until(holds, f"{count} uses are leased")


async def leased(shop: Shop, coupons: int = 12) -> list[str]:
    """Load a batch with leases and issue coupons of it; return their codes."""
    await shop.load(batch("LEASED", "lease", quota=QUOTA))
    return [one.code for one in await shop.issue("LEASED", coupons)]


async def test_a_leased_coupon_is_honoured_without_the_hub_by_its_kiosk_alone(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    codes = await leased(shop)
    kiosks = [await make("k1"), await make("k2", store="S2")]
    for kiosk in kiosks:
        await held(kiosk, QUOTA)
    await proxy.down()
    for kiosk in kiosks:
        await until(lambda k=kiosk: k.reach.away, "the outage is known")  # type: ignore[misc]
    told = [[(await kiosk.redeem(code)).verdict for kiosk in kiosks] for code in codes]
    assert [verdicts.count("offline") for verdicts in told].count(1) == 2 * QUOTA
    assert all(verdicts.count("offline") <= 1 for verdicts in told), "no coupon is leased to two"
    await proxy.up()
    for kiosk in kiosks:
        await kiosk.synced()
    rows = await shop.attempts()
    assert [r.state for r in rows if r.verdict == "offline"] == ["recorded"] * 2 * QUOTA


async def test_a_lease_is_renewed_when_half_of_it_is_used(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    codes = await leased(shop)
    kiosk = await make()
    await held(kiosk, QUOTA)
    asked = proxy.count(LEASE)
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    used = 0
    for code in codes:
        used += (await kiosk.redeem(code)).verdict == "offline"
    assert used == QUOTA
    await proxy.up()
    await kiosk.synced()
    await held(kiosk, QUOTA)
    assert proxy.count(LEASE) == asked + 1


async def test_the_same_question_after_a_crash_gets_the_same_lease(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    await leased(shop)
    proxy.always[LEASE] = Fault(silent=True)
    kiosk = await make(start=False)
    await kiosk.start(synced=False)
    leases = "SELECT count(*) FROM leases"

    async def granted() -> bool:
        return await shop.do(lambda c: c.exec_driver_sql(leases).scalar_one()) == 1

    await until(granted, "the hub has granted it")
    await kiosk.kill()
    proxy.always.clear()
    again = await make(start=False)
    await again.start()
    await held(again, QUOTA)
    assert await granted(), "no second lease was granted"


async def test_a_batch_that_is_paused_gets_its_leases_back(shop: Shop, make: MakeKiosk) -> None:
    await leased(shop)
    kiosk = await make()
    await held(kiosk, QUOTA)
    await shop.do(shop.parts.catalog.set_status, "LEASED", "paused")

    async def returned() -> bool:
        query = "SELECT count(*) FROM coupons WHERE lease IS NOT NULL"
        return await shop.do(lambda c: c.exec_driver_sql(query).scalar_one()) == 0

    await until(returned, "its coupons are free again")
    assert await kiosk.journal.leases() == []


async def test_a_hub_whose_clock_was_put_back_is_not_asked_again_and_again(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    """What it grants is over already by the time that the kiosk goes by, which never goes backwards."""
    await leased(shop, 40)
    kiosk = await make(start=False)
    kiosk.clock.raise_floor(datetime.now(UTC) + timedelta(days=3))
    await kiosk.start()

    async def knows(name: str) -> bool:
        return name in {b.stock_id for b in await kiosk.journal.batches()}

    for n in range(5):
        await shop.load(batch(f"NEW{n}", "never"))
        await until(lambda n=n: knows(f"NEW{n}"), "the change is known")  # type: ignore[misc]
    assert proxy.count(LEASE) == 1
