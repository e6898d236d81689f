"""/v1/device/pool: slip codes that a kiosk hands out itself."""

from __future__ import annotations

import asyncio

import pytest

from hub.server import Hub
from kiosk.coupons.ids import new_rid

from .world import CAPPED, CASH, SLIP, Kiosk, let_in, on_both, opened


@on_both
async def test_the_same_rid_gets_the_same_codes(hub: Hub, kiosk: Kiosk) -> None:
    ask = {"rid": new_rid(), "stock_id": SLIP, "count": 200}
    told = await asyncio.gather(*(kiosk.call("POST", "pool", ask) for _ in range(3)))
    assert {s for s, _ in told} == {200}
    codes = told[0][1]["codes"]
    assert all(t["codes"] == codes for _, t in told)
    assert len({c["code"] for c in codes} | {c["short"] for c in codes}) == 400
    found = await opened(hub).database.run(opened(hub).catalog.batch, SLIP)
    assert found is not None
    assert found.claimed == 0
    assert (await kiosk.ask(codes[0]["code"], total=2000))["status"] == "ok"
    assert (await kiosk.ask(codes[1]["short"], total=2000))["status"] == "ok"


async def test_a_pool_is_of_one_kiosk(hub: Hub, kiosk: Kiosk) -> None:
    other = await let_in(hub, "renmin")
    rid = new_rid()
    mine = (await kiosk.call("POST", "pool", {"rid": rid, "stock_id": SLIP, "count": 3}))[1]["codes"]
    theirs = (await other.call("POST", "pool", {"rid": rid, "stock_id": SLIP, "count": 3}))[1]["codes"]
    assert not {c["coupon"] for c in mine} & {c["coupon"] for c in theirs}
    seen = {c["body"]["coupon"] for c in (await kiosk.changes())[1] if c["type"] == "code"}
    assert {c["coupon"] for c in mine} <= seen
    assert not {c["coupon"] for c in theirs} & seen
    await other.close()


@on_both
@pytest.mark.parametrize("stock_id", [CAPPED, CASH, "nothing", "\x00"])
async def test_only_slips_come_in_pools(kiosk: Kiosk, stock_id: str) -> None:
    status, told = await kiosk.call("POST", "pool", {"rid": new_rid(), "stock_id": stock_id, "count": 1})
    assert (status, told["error"]) == (404, "unknown_batch")


@pytest.mark.parametrize("count", [0, -1, 1001, 2**70])
async def test_a_pool_has_bounds(kiosk: Kiosk, count: int) -> None:
    assert (await kiosk.call("POST", "pool", {"rid": new_rid(), "stock_id": SLIP, "count": count}))[0] == 400


async def test_a_paused_batch_fills_no_pool(hub: Hub, kiosk: Kiosk) -> None:
    parts = opened(hub)
    ask = {"rid": new_rid(), "stock_id": SLIP, "count": 2}
    first = (await kiosk.call("POST", "pool", ask))[1]["codes"]
    await parts.database.run(parts.catalog.set_status, SLIP, "paused")
    assert (await kiosk.call("POST", "pool", {**ask, "rid": new_rid()}))[1]["codes"] == []
    assert (await kiosk.call("POST", "pool", ask))[1]["codes"] == first
