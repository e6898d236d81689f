"""A coupon used at two kiosks while one of them was cut off: the manager decides, once, with one of two buttons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from kiosk.daemon import Daemon
from kiosk.events import JournalAcked
from kiosk.toml import Loaded
from tests.sync.proxy import Proxy
from tests.web.rig import CAPPED, SOON_S, Rig, settings, settled, start_hub
from tests.web.test_chinese import english
from tests.web.test_staff import Staff


@pytest.fixture
async def cut_off(tmp_path: Path) -> AsyncIterator[tuple[Rig, Rig, Proxy]]:
    """Two kiosks of one hub; what the first one says goes through a proxy that can be cut."""
    async with AsyncExitStack() as stack:
        hub = await start_hub(tmp_path)
        stack.push_async_callback(hub.stop)
        proxy = Proxy(urlsplit(hub.url).port or 0)
        await proxy.up()
        stack.push_async_callback(proxy.down)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        rigs = []
        for name, url in (("one", proxy.url), ("two", hub.url)):
            daemon = Daemon(Loaded(settings(tmp_path / name, url), ()), None)
            await daemon.start()
            stack.push_async_callback(daemon.stop)
            held = Rig(hub, daemon, http, None)
            await held.view(lambda v: v["batches"] and v["slip"]["enabled"])
            rigs.append(held)
        yield rigs[0], rigs[1], proxy


async def use_twice(one: Rig, two: Rig, proxy: Proxy, codes: list[str]) -> list[str]:
    """Redeem coupons at both kiosks, the first one cut off from the hub; return its attempts."""
    rids = []
    await proxy.down()
    await one.view(lambda v: v["status"]["hub"] == "offline")
    for code in codes:
        _, told = await one.post("/api/v1/redeem", {"code": code})
        assert told["verdict"] == "offline", told
        rids.append(told["rid"])
        _, told = await two.post("/api/v1/redeem", {"code": code})
        assert told["verdict"] == "confirmed", told
    await proxy.up()
    await settled(one)
    return rids


async def test_a_conflict_waits_until_a_manager_decides_once(cut_off: tuple[Rig, Rig, Proxy]) -> None:
    one, two, proxy = cut_off
    codes = [await one.issue(CAPPED) for _ in range(2)]
    for held in (one, two):
        await held.view(lambda v: next(b for b in v["batches"] if b["stock_id"] == CAPPED)["claimed"] == 2)
    rids = await use_twice(one, two, proxy, codes)
    journal = one.daemon.journal
    rows = await journal.waiting_conflicts()
    assert sorted(r.rid for r in rows) == sorted(rids)
    assert await two.daemon.journal.waiting_conflicts() == [], "who was first has none"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        staff = Staff(one, browser)
        await staff.sign_in()
        page = await staff.page(path="/staff/records")
        assert ("超次使用" in page, english(page)) == (True, [])
        first, second = rows
        body = {"epoch": first.epoch, "seq": first.seq}
        both = await asyncio.gather(*(staff.do("decide", body) for _ in range(2)))
        assert sorted(told["ok"] for _, told in both) == [False, True], "two managers, one decision"
        undone = {"rid": second.rid, "why": "conflict"}
        assert (await staff.do("rollback", undone))[1]["ok"] is True
        assert await journal.waiting_conflicts() == []
        assert "没有待处理的事项" in await staff.page(path="/staff/records")
    async with one.daemon.bus.queue(JournalAcked) as acknowledged, asyncio.timeout(SOON_S):
        while (await journal.backlog()).count:
            await acknowledged.get()
    assert sorted(a.state for a in await journal.recent()) == ["recorded", "rolled_back"]
