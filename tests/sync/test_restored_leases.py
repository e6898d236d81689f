"""A hub restored from an older backup whose change log has gone past the positions of kiosks again (P3)."""

from __future__ import annotations

import json
import math

from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Proxy
from tests.sync.shop import Kiosk, Shop, batch, until
from tests.sync.test_restored import backup, restore, up


async def test_a_lease_that_the_hub_has_lost_is_given_up(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    """The hub leases the same coupons to another kiosk: each is honoured once all the same."""
    await shop.load(batch("LEASE", "lease", quota=4))
    one, other = await make(), await make("k2", store="S2")
    renewals = {kiosk: kiosk.sync._exchange._renewal for kiosk in (one, other)}

    async def leased(kiosk: Kiosk) -> bool:
        renewals[kiosk]._not_before.clear()
        kiosk.sync._down.set()
        return any(lease.left for lease in await kiosk.journal.leases())

    await until(lambda: all(r._not_before for r in renewals.values()), "both have asked, there was nothing")
    coupons = await shop.issue("LEASE", 2)
    backup(shop)
    await until(lambda: leased(one), "leased")
    renewals[one]._not_before["LEASE"] = math.inf  # it asks for no other one
    await restore(shop, proxy, one, other)
    for n in range(40):
        await shop.load(batch(f"N{n}", "never"))
    await up(proxy, one, other)

    async def given_up() -> bool:
        return not await one.journal.leases() and await one.journal.batch("N39") is not None

    await until(given_up, "the kiosk holds no lease that the hub does not know")
    assert await one.journal.batch("N0") is not None, "nor does it miss what came before its old position"
    await until(lambda: leased(other), "leased to the other one")
    await proxy.down()
    for kiosk in (one, other):
        await until(lambda k=kiosk: k.reach.away, "the outage is known")  # type: ignore[misc]
    for held in coupons:
        assert (await one.redeem(held.code)).verdict == "refused"
        assert (await other.redeem(held.code)).verdict == "offline"


async def test_no_slip_is_handed_out_that_the_hub_has_lost(shop: Shop, proxy: Proxy, make: MakeKiosk) -> None:
    """Those that the backup knows stay ready; others take the place of the rest."""
    kiosk = await make(pool=4)

    async def full() -> bool:
        return await kiosk.journal.pool_left("SLIP") == 4

    await until(full, "the pool is full")
    kept = set(await ready(kiosk)) - {await handed_out(kiosk, "before")}
    backup(shop)
    await handed_out(kiosk, "after")
    await until(full, "the pool is full again")
    kept &= set(await ready(kiosk))
    lost = set(await ready(kiosk)) - kept
    assert len(kept) == len(lost) == 2
    await until(lambda: all_told(kiosk), "its position in the change log is past them")
    await restore(shop, proxy, kiosk)
    await up(proxy, kiosk)

    async def mended() -> bool:
        return not lost & set(await ready(kiosk)) and await full()

    await until(mended, "the pool is full of codes that the hub knows")
    assert kept < set(await ready(kiosk))
    query = "SELECT batch || '-' || serial FROM coupons WHERE stock_id = 'SLIP'"
    known = await shop.do(lambda c: {str(row[0]) for row in c.exec_driver_sql(query)})
    assert set(await ready(kiosk)) < known


async def ready(kiosk: Kiosk) -> list[str]:
    query = "SELECT coupon FROM pool WHERE rid IS NULL"
    return await kiosk.journal._db.read(lambda db: [str(row[0]) for row in db.execute(query)])


async def handed_out(kiosk: Kiosk, rid: str) -> str:
    code = await kiosk.journal.hand_out(rid, "SLIP", "S1")
    assert code is not None
    return code.coupon


async def all_told(kiosk: Kiosk) -> bool:
    """Tell whether the change log has brought every code that is ready."""
    told = {json.loads(body)["coupon"] for _, body in await kiosk.journal._objects("code")}
    return set(await ready(kiosk)) <= told
