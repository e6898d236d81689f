"""What the hub forgets, with a clock that is moved: what can change nothing any more, and nothing else."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import server
from hub.config import Settings
from hub.parts import Parts, now
from hub.schema import attempts, changes, leases, nonces
from hub.server import Hub
from hub.store import feed, openings
from hub.store.nonces import Seal, forget, once
from hub.store.prune import KEPT, LOT, Prune
from kiosk.coupons.ids import new_rid

from . import lease_world as world
from .test_decide import ask, load, upload
from .test_upload_many import enrolled
from .world import DEADLINE_S, Journal, Kiosk, batch, issue, on_both, opened

pytestmark = on_both
DAY = timedelta(days=1)
AGE_S = 86_400


async def look(parts: Parts, at: datetime) -> int:
    return await Prune(parts.database, parts.catalog).look(at)


async def states(parts: Parts, table: sa.Table = attempts) -> list[str]:
    query = sa.select(table.c.state).order_by(table.c.state)
    return list(await parts.database.run(lambda c: list(c.execute(query).scalars())))


def lived(parts: Parts) -> datetime:
    """Leave an attempt of every state in a batch; return when the batch ends."""
    rule = {"policy": "capped", "count": 9, "value": 10**6, "max_age_s": AGE_S}
    load(parts, batch("OLD", threshold=0, offline=rule))
    one, two, three = issue(parts, "OLD", 3)
    assert ask(parts, one.code).status == "ok"
    assert ask(parts, one.code).status == "deny"
    book = Journal()
    book.record(two.coupon, stock_id="OLD")
    book.record(two.coupon, stock_id="OLD")
    book.record(three.coupon, rid := new_rid(), stock_id="OLD")
    book.add("rollback", body={"of": rid})
    book.add("void", new_rid())
    upload(parts, "kA", book)
    found = parts.database.call(parts.catalog.batch, "OLD")
    assert found is not None
    return found.ends


ALL = ["conflict", "deny", "ok", "recorded", "rolled_back", "void"]


async def test_attempts_go_after_validity_offline_age_and_400_days(parts: Parts) -> None:
    ends = await asyncio.to_thread(lived, parts)
    assert await states(parts) == ALL
    over = ends + timedelta(seconds=AGE_S) + KEPT
    await look(parts, over - DAY)
    assert await states(parts) == ALL[:-1], "what belongs to no batch goes 400 days after it was made"
    await look(parts, over + DAY)
    assert await states(parts) == ["ok"], "an approval whose record may come yet stays"


async def test_a_pass_goes_on_behind_what_stays(parts: Parts) -> None:
    """More rows of one moment than a lot holds, which stay, before one that goes."""
    await asyncio.to_thread(load, parts, batch("LONG", threshold=0))
    old = now() - KEPT - 2 * DAY
    row = {"tenant": "main", "digest": "", "device": "kA", "store": "s", "at": old}

    def fill(c: sa.Connection) -> None:
        kept = [
            {**row, "rid": f"K{n}", "state": "recorded", "stock_id": "LONG", "order": n}
            for n in range(2 * LOT)
        ]
        c.execute(sa.insert(attempts), kept)
        c.execute(sa.insert(attempts).values(**row, rid="GONE", state="deny", order=2 * LOT))

    await parts.database.run(fill)
    assert await look(parts, now()) == 1
    assert set(await states(parts)) == {"recorded"}


async def test_a_record_that_came_late_stays_as_long_as_any(parts: Parts) -> None:
    """A kiosk may sleep for two years; what it brings up then was never seen before."""
    late = now()
    row = {"tenant": "main", "digest": "", "device": "kA", "store": "s", "order": 1, "at": late - 2 * KEPT}
    await parts.database.run(
        lambda c: c.execute(sa.insert(attempts).values(**row, rid="LATE", state="conflict", recorded_at=late))
    )
    await look(parts, late + KEPT)
    assert await states(parts) == ["conflict"]
    await look(parts, late + KEPT + DAY)
    assert await states(parts) == []


async def test_the_end_of_a_quiet_log_stays(hub: Hub, kiosk: Kiosk) -> None:
    """A campaign is over and its last lease is gone: kiosks that know so have nothing to load anew."""
    parts, start = opened(hub), now()
    prune = Prune(parts.database, parts.catalog)
    away, _ = await kiosk.changes()
    for name in ("L0", "L1"):
        await parts.database.run(feed.drop, parts.tenant, "lease", name, kiosk.device)
    there, _ = await kiosk.changes()
    await prune.look(start)
    await prune.look(start + 91 * DAY)
    await asyncio.to_thread(openings.opened, parts.database, parts.tenant)
    assert (await kiosk.call("GET", f"changes?after={there}"))[0] == 200
    assert (await kiosk.call("GET", f"changes?after={away}"))[0] == 410


async def test_nonces_go_a_lot_at_a_time(parts: Parts) -> None:
    def fill(c: sa.Connection) -> None:
        rows = [
            {"tenant": "main", "device": "kA", "signed_at": 1000, "nonce": f"n{n}"} for n in range(LOT + 1)
        ]
        c.execute(sa.insert(nonces), rows)

    await parts.database.run(fill)
    assert await parts.database.run(forget, parts.tenant, now()) == LOT
    assert await look(parts, now()) == 1


async def test_leases_go_400_days_after_their_end(parts: Parts) -> None:
    def lease() -> None:
        world.filled(parts, 8)
        for name in ("kA", "kB"):
            enrolled(parts, name)
            till = world.Till(parts, name)
            assert till.lease().amount
        till.honour(till.names()[0], next(iter(till.held())))
        till.upload()
        assert till.lease().amount, "the first one was renewed"

    await asyncio.to_thread(lease)
    before = await states(parts, leases)
    held = [state for state in before if state in ("held", "ending")]
    assert len(held) < len(before), "one was renewed or has ended"
    await look(parts, now() + KEPT)
    assert await states(parts, leases) == before
    await look(parts, now() + KEPT + 400 * DAY)
    assert await states(parts, leases) == held, "a lease that still holds something is its kiosk's"


async def test_what_is_gone_is_forgotten_after_90_days(hub: Hub, kiosk: Kiosk) -> None:
    """A kiosk that was away for longer loads the snapshot; one that was there goes on."""
    parts, start = opened(hub), now()
    run = parts.database.run
    prune = Prune(parts.database, parts.catalog)
    away, _ = await kiosk.changes()
    for n in range(3):
        await run(feed.put, parts.tenant, "lease", f"L{n}", {"n": n}, kiosk.device)
    await run(feed.drop, parts.tenant, "lease", "L0", kiosk.device)
    there, _ = await kiosk.changes()
    await prune.look(start)
    await run(feed.drop, parts.tenant, "lease", "L1", kiosk.device)

    async def gone() -> list[str]:
        query = sa.select(changes.c.obj).where(changes.c.op == "del", changes.c.type == "lease")
        return sorted(await run(lambda c: list(c.execute(query).scalars())))

    await prune.look(start + 89 * DAY)
    assert await gone() == ["L0", "L1"]
    assert (await kiosk.call("GET", f"changes?after={away}"))[0] == 200
    await prune.look(start + 90 * DAY)
    assert await gone() == ["L1"], "the one that was said since then is 89 days old at most"
    status, told = await kiosk.call("GET", f"changes?after={away}")
    assert (status, told["error"]) == (410, "resync_required")
    status, told = await kiosk.call("GET", f"wake?pos={away}")
    assert (status, told["error"]) == (410, "resync_required"), "also where nothing else has changed since"
    status, told = await kiosk.call("GET", f"changes?after={there}")
    assert (status, [(i["op"], i["id"]) for i in told["items"]]) == (200, [("del", "L1")])
    status, whole = await kiosk.call("GET", "snapshot")
    assert status == 200
    assert [i["id"] for i in whole["items"] if i["type"] == "lease"] == ["L2"]
    assert (await kiosk.call("GET", f"changes?after={whole['pos']}"))[0] == 200


async def test_it_is_done_once_a_day_by_whoever_comes_first(parts: Parts) -> None:
    ends = await asyncio.to_thread(lived, parts)
    at = ends + timedelta(seconds=AGE_S) + KEPT + DAY
    counts = await asyncio.gather(*(look(parts, at) for _ in range(4)))
    assert sorted(counts) == [0, 0, 0, 5]
    assert await look(parts, at + DAY) == 0


async def test_a_hub_that_serves_forgets_by_itself(parts: Parts, settings: Settings) -> None:
    def work(c: sa.Connection) -> Any:
        return once(c, Seal("main", "kA", int(now().timestamp()) - 3600, "n" * 22), lambda _: None)

    await parts.database.run(work)
    count = sa.select(sa.func.count()).select_from(nonces)
    task = asyncio.create_task(server.prune_on(parts, 0.01))
    try:
        async with asyncio.timeout(DEADLINE_S):
            while await parts.database.run(lambda c: c.execute(count).scalar()):  # noqa: ASYNC110  (nobody is told)
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled(), "it would have gone on"


async def test_a_database_that_fails_stops_nothing(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from hub.errors import HubError

    tried = asyncio.Event()

    async def broken(_: Prune, __: datetime) -> int:
        if caplog.text:
            tried.set()
        raise HubError("the disk is full", 4)

    monkeypatch.setattr(Prune, "look", broken)
    task = asyncio.create_task(server.prune_on(parts, 0.01))
    await asyncio.wait_for(tried.wait(), DEADLINE_S)
    task.cancel()
    await asyncio.wait([task])
    assert "the disk is full" in caplog.text
