from __future__ import annotations

import asyncio
import json

import pytest

from tests.sync.conftest import MakeKiosk
from tests.sync.proxy import Proxy
from tests.sync.shop import Shop, batch, until


@pytest.mark.parametrize("first", [0, 1], ids=["first in time first", "last in time first"])
async def test_a_capped_coupon_used_twice_offline_is_one_conflict_naming_both(
    first: int, shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    kiosks = [await make("k1"), await make("k2", store="S2")]
    [held] = await shop.issue("CAPPED")
    for kiosk in kiosks:
        await kiosk.synced()
    await proxy.down()
    for kiosk in kiosks:
        await until(lambda k=kiosk: k.reach.away, "the outage is known")  # type: ignore[misc]
        assert (await kiosk.redeem(held.code)).verdict == "offline"
        await kiosk.sync.stop()
    await proxy.up()
    for kiosk in (kiosks[first], kiosks[1 - first]):
        await kiosk.sync.start()
        await kiosk.synced()
    rows = await shop.attempts(held.coupon)
    assert sorted(r.state for r in rows) == ["conflict", "recorded"]
    assert {r.device for r in rows} == {k.device for k in kiosks}
    [noted] = await shop.audit("conflict")
    loser = kiosks[1 - first]
    assert noted.actor == loser.device
    assert noted.detail["value"] == 300
    assert await loser.journal.conflicts() == 1
    assert await kiosks[first].journal.conflicts() == 0
    query = "SELECT detail FROM item WHERE status = 'conflict'"
    where = json.loads(await loser.journal._db.read(lambda db: db.execute(query).fetchone()[0]))
    assert where["device"] == kiosks[first].device
    assert where["at"]


@pytest.mark.parametrize("stock", ["NEVER", "CAPPED"])
async def test_a_coupon_asked_for_at_many_kiosks_at_once_is_used_once(
    stock: str, shop: Shop, make: MakeKiosk
) -> None:
    kiosks = [await make(f"k{n}") for n in range(3)]
    coupons = await shop.issue(stock, 5)
    for kiosk in kiosks:
        await kiosk.synced()
    for held in coupons:
        told = await asyncio.gather(*(k.redeem(held.code) for k in kiosks))
        assert sorted(t.verdict for t in told) == ["confirmed", "refused", "refused"]
        assert {t.reason for t in told if t.verdict == "refused"} == {"used"}
        assert await shop.uses(held.coupon) == 1


async def test_never_and_foreign_home_coupons_are_refused_without_the_hub(
    shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    kiosks = [await make("k1"), await make("k2", store="S2")]
    [never] = await shop.issue("NEVER")
    for kiosk in kiosks:
        await kiosk.synced()
    await proxy.down()
    for kiosk in kiosks:
        await until(lambda k=kiosk: k.reach.away, "the outage is known")  # type: ignore[misc]
        told = await kiosk.redeem(never.code)
        assert (told.verdict, told.reason) == ("refused", "hub_away")
    await proxy.up()
    for kiosk in kiosks:
        await kiosk.synced()
    assert await shop.uses(never.coupon) == 0
    verdicts = [(await k.redeem(never.code)).verdict for k in kiosks]
    assert verdicts == ["confirmed", "refused"]


@pytest.mark.parametrize(
    "caps", [{"count": 2, "cap": 100_000}, {"count": 100, "cap": 700}], ids=["the number", "the value"]
)
async def test_what_the_hub_has_not_heard_of_is_capped_and_frees_itself(
    caps: dict[str, int], shop: Shop, proxy: Proxy, make: MakeKiosk
) -> None:
    await shop.load(batch("TIGHT", "capped", **caps))
    kiosk = await make()
    held = await shop.issue("TIGHT", 5)
    await kiosk.synced()
    for first in (0, 2):
        await proxy.down()
        await until(lambda: kiosk.reach.away, "the outage is known")
        told = [(await kiosk.redeem(one.code)) for one in held[first : first + 3]]
        assert [t.verdict for t in told] == ["offline", "offline", "refused"]
        assert told[-1].reason == "offline_cap"
        await proxy.up()
        await kiosk.synced()
    assert [await shop.uses(one.coupon) for one in held] == [1, 1, 1, 1, 0]
