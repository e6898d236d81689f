from __future__ import annotations

from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Fault, Proxy
from tests.sync.shop import Kiosk, Shop, batch, until

POOL = "/v1/device/pool"
SIZE = 10


async def full(kiosk: Kiosk, count: int = SIZE) -> None:
    async def is_full() -> bool:
        return await kiosk.journal.pool_left("SLIP") == count

    await until(is_full, f"the pool holds {count}")


async def test_the_pool_is_filled_at_half_and_not_before(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    kiosk = await make(pool=SIZE)
    await full(kiosk)
    for n in range(SIZE // 2 - 1):
        assert await kiosk.journal.hand_out(f"rid{n}", "SLIP", "S1") is not None
    await kiosk.synced()
    assert proxy.count(POOL) == 1, "more than half is left"
    assert await kiosk.journal.hand_out("last", "SLIP", "S1") is not None
    await full(kiosk)
    assert proxy.count(POOL) == 2


async def test_the_same_request_after_a_crash_gets_the_same_codes(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    proxy.always[POOL] = Fault(silent=True)
    kiosk = await make(pool=SIZE)
    issued = "SELECT count(*) FROM coupons WHERE stock_id = 'SLIP'"

    async def made() -> bool:
        return await shop.do(lambda c: c.exec_driver_sql(issued).scalar_one()) == SIZE

    await until(made, "the hub has made the codes")
    asked = await kiosk.journal.get("pool:SLIP")
    assert asked is not None
    await kiosk.kill()
    proxy.always.clear()
    again = await make(start=False, pool=SIZE)
    await again.start()
    await full(again)
    assert await made(), "no second set was made"

    async def forgotten() -> bool:
        return await again.journal.get("pool:SLIP") is None

    await until(forgotten, "the question is answered")


async def test_a_stock_that_has_run_out_is_asked_for_once(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    await shop.load(batch("SLIP", "home", product="slip_coupon", stock=3))
    kiosk = await make(pool=SIZE)
    await full(kiosk, 3)
    [held] = await shop.issue("CAPPED")
    assert (await kiosk.redeem(held.code)).verdict == "confirmed"
    await kiosk.synced()
    assert proxy.count(POOL) == 1, "asked again without end"
    await shop.load(batch("SLIP", "home", product="slip_coupon", stock=30))
    await full(kiosk)


async def test_a_slip_of_its_own_pool_is_taken_at_home_without_asking(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    home = await make("k1", pool=SIZE)
    await full(home)
    other = await make("k2", store="S2", pool=SIZE)
    await full(other)
    code = await home.journal.hand_out("r1", "SLIP", "S1")
    assert code is not None
    await home.synced()
    await proxy.down()
    await until(lambda: home.reach.away and other.reach.away, "the outage is known")
    assert (await home.redeem(code.code)).verdict == "offline"
    assert (await home.redeem(code.short)).reason == "used", "however it is read"
    assert (await other.redeem(code.code)).verdict == "refused", "it is bound to the kiosk that gave it"
    await proxy.up()
    await home.synced()
    await other.synced()
    assert (await other.redeem(code.code)).reason in ("used", "not_home")
    assert [a.state for a in await shop.attempts(code.coupon) if a.state in ("recorded", "conflict")] == [
        "recorded"
    ]


async def test_a_new_epoch_brings_other_codes(shop: Shop, make: MakeKiosk) -> None:
    """What an older copy of the journal has ready may be on paper: the hub gives others."""
    kiosk = await make(pool=4)

    async def ready() -> set[str]:
        query = "SELECT coupon FROM pool WHERE rid IS NULL"
        return await kiosk.journal._db.read(lambda db: {r[0] for r in db.execute(query)})

    await full(kiosk, 4)
    before = await ready()
    await kiosk.sync._exchange.new_epoch("as after a restored copy")
    kiosk.sync.nudge()
    await full(kiosk, 4)
    assert not before & await ready()
