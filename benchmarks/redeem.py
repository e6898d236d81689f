"""Scan to verdict: the hub answering, the hub known to be away, the hub silent; each beside what it cannot do without.

The kiosk's whole path is measured, from the scanned text to the verdict that is durable and told: parse, guard, INTENT, ask,
RECORD. The hub is real (SQLite, signatures, one process), over loopback; sync goes on beside it, as in a shop. Peers, in turns
with it: one bare aiohttp POST of a ready-signed redemption to the same hub (the hub round trip), and two bare fsyncs of a
page. Bars (DESIGN section 6): the round trip + 20 ms; 50 ms; the batch's deadline + 20 ms.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec

from kiosk.coupons.ids import new_rid
from kiosk.sync.protocol import Ask
from tests.sync.proxy import Fault, Proxy
from tests.sync.shop import Kiosk, Shop, batch, until

ROUNDS = 150
SILENT_ROUNDS = 7
DEADLINE_MS = 500
"""Of the batch that meets the silent hub; what is shown is the time beyond it."""


async def _ms(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return (time.perf_counter() - begun) * 1000


def _fsyncs(path: Path) -> float:
    """Write and fsync a page twice, as two commits must; milliseconds."""
    with path.open("ab", buffering=0) as f:
        begun = time.perf_counter()
        for _ in range(2):
            f.write(b"\0" * 4096)
            os.fsync(f.fileno())
        return (time.perf_counter() - begun) * 1000


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def _line(name: str, values: list[float], peer: str, peers: list[float], bar: str) -> None:
    mine, theirs = statistics.median(values), statistics.median(peers)
    print(
        f"{name}: {mine / theirs:.2f} times {peer} ({mine - theirs:+.1f} ms); median {mine:.1f} ms, p99 {_p99(values):.1f} ms;"
        f" peer median {theirs:.1f} ms, p99 {_p99(peers):.1f} ms; bar: {bar}"
    )


async def _online(shop: Shop, kiosk: Kiosk, scratch: Path) -> None:
    coupons = await shop.issue("CAPPED", 2 * ROUNDS)
    await kiosk.synced()
    mine, posts, fsyncs = [], [], []
    async with aiohttp.ClientSession() as session:
        for n in range(ROUNDS):
            told = await _timed(kiosk, coupons[2 * n].code, "confirmed")
            posts.append(await _post(session, kiosk, coupons[2 * n + 1].code))
            fsyncs.append(_fsyncs(scratch))
            mine.append(told)
    both = [p + f for p, f in zip(posts, fsyncs, strict=True)]
    _line("online", mine, "one bare POST to the same hub", posts, "+20 ms")
    _line("online", mine, "that POST and two bare fsyncs", both, "none")


async def _timed(kiosk: Kiosk, code: str, verdict: str) -> float:
    begun = time.perf_counter()
    told = await kiosk.redeem(code)
    took = (time.perf_counter() - begun) * 1000
    assert told.verdict == verdict, told
    return took


async def _post(session: aiohttp.ClientSession, kiosk: Kiosk, code: str) -> float:
    raw = msgspec.json.encode(Ask(rid=new_rid(), code=code, store="S1"))
    headers = kiosk.client._headers("POST", "/v1/device/redeem", raw)

    async def post() -> None:
        async with session.post(f"{kiosk.client.url}/v1/device/redeem", data=raw, headers=headers) as answer:
            assert b'"ok"' in await answer.read()

    return await _ms(post)


async def _outage(shop: Shop, kiosk: Kiosk, proxy: Proxy, scratch: Path) -> None:
    coupons = await shop.issue("CAPPED", ROUNDS)
    await kiosk.synced()
    await proxy.down()
    await until(lambda: kiosk.reach.away, "the outage is known")
    mine, fsyncs = [], []
    for held in coupons:
        mine.append(await _timed(kiosk, held.code, "offline"))
        fsyncs.append(_fsyncs(scratch))
    _line("known outage", mine, "two bare fsyncs", fsyncs, "50 ms")
    await proxy.up()
    await kiosk.synced()


async def _silent(shop: Shop, kiosk: Kiosk, proxy: Proxy) -> None:
    coupons = await shop.issue("SILENT", SILENT_ROUNDS)
    await kiosk.synced()
    beyond = []
    for held in coupons:
        await kiosk.synced()
        proxy.next("/v1/device/redeem", Fault(lose=True))
        beyond.append(await _timed(kiosk, held.code, "offline") - DEADLINE_MS)
    print(
        f"silent hub: {1 + statistics.median(beyond) / DEADLINE_MS:.3f} times the deadline;"
        f" median +{statistics.median(beyond):.1f} ms, worst +{max(beyond):.1f} ms beyond {DEADLINE_MS} ms; bar: +20 ms"
    )


async def _run(base: Path) -> None:
    (base / "hub").mkdir()
    shop = Shop(base / "hub")
    many = {"count": 10_000, "cap": 10_000_000}
    await shop.start(
        (batch("CAPPED", "capped", **many), batch("SILENT", "capped", deadline_ms=DEADLINE_MS, **many))
    )
    proxy = Proxy(shop.hub.port)
    await proxy.up()
    direct = await Kiosk(base / "k1", shop.hub.url, await shop.token()).start()
    through = await Kiosk(base / "k2", proxy.url, await shop.token("S2")).start()
    try:
        await _online(shop, direct, base / "scratch")
        await _outage(shop, through, proxy, base / "scratch")
        await _silent(shop, through, proxy)
    finally:
        await direct.stop()
        await through.stop()
        await proxy.down()
        await shop.stop()


def main() -> None:
    """Print each case: ratio first."""
    with tempfile.TemporaryDirectory(prefix="kiosk-redeem-") as base:
        asyncio.run(_run(Path(base)))


if __name__ == "__main__":
    main()
