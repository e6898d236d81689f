"""The local API: requests a second and p99 of redeem, and of the cheap reads, each beside a bare aiohttp handler.

How: `kiosk run` and the peer are processes of their own; one client asks both in turns over loopback, with connections kept.
Latency is of one request after the other; requests a second are of 8 at once. Redeem is measured with the hub answering (its
round trip is in the figure) and with the hub known to be away (two fsyncs are in it), plain, with an idempotency key (two
more transactions) and with a token (a note of who did it). The socket is measured with the same client.
Peer: the smallest aiohttp application that reads the body and answers 200 bytes of JSON. Bars: none; DESIGN bounds the
verdict (benchmarks.redeem).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.figures import shown
from tests.daemon.program import Program, config
from tests.sync.shop import Shop, batch

ROUNDS = 200
AT_ONCE = 8
READS = ("status", "batches", "basket", "jobs", "counter", "openapi.json")
PEER = """
import asyncio, json
from aiohttp import web
async def answer(request):
    await request.read()
    return web.json_response({"verdict": "confirmed", "fill": "x" * 160})
async def main():
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"url": "http://127.0.0.1:%d" % runner.addresses[0][1]}), flush=True)
    await asyncio.sleep(3600)
asyncio.run(main())
"""
Ask = Callable[[], Awaitable[object]]


async def _each(ask: Ask, rounds: int = ROUNDS) -> list[float]:
    """Return the milliseconds of requests one after the other."""
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - begun) * 1000)
    return took


async def _rate(ask: Ask, rounds: int = ROUNDS) -> float:
    """Return requests a second with several at once."""
    left = itertools.count()

    async def worker() -> None:
        while next(left) < rounds:
            await ask()

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return rounds / (time.perf_counter() - begun)


class Caller:
    """Asks one server."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def get(self, path: str) -> None:
        async with self.session.get(f"{self.url}/api/v1/{path}") as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()

    async def post(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        async with self.session.post(f"{self.url}/api/v1/{path}", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            told: dict[str, Any] = json.loads(await answer.read())
            return told


class Codes:
    """Coupons to redeem, each once."""

    def __init__(self, codes: list[str], verdict: str) -> None:
        self._codes, self._verdict = iter(codes), verdict

    def ask(self, kiosk: Caller, key: bool = False, **headers: str) -> Ask:
        async def ask() -> None:
            code = next(self._codes)
            more = {"Idempotency-Key": code[-40:]} if key else {}
            told = await kiosk.post("redeem", {"code": code, "total": 100}, **headers, **more)
            assert told["verdict"] == self._verdict, told

        return ask


async def _line(name: str, ask: Ask, bare: list[float], peer: float) -> None:
    values = await _each(ask)
    rate = await _rate(ask)
    print(f"{shown(name, values, 'ms', bare)}  {rate:6.0f}/s ({rate / peer:.2f} x peer)")


async def _reads(kiosk: Caller, bare: Caller) -> None:
    peers = await _each(lambda: bare.get("x"))
    rate = await _rate(lambda: bare.get("x"))
    print(f"{shown('GET, peer', peers, 'ms')}  {rate:6.0f}/s")
    for path in READS:
        await _line(f"GET {path}", lambda path=path: kiosk.get(path), peers, rate)  # type: ignore[misc]


async def _redeems(kiosk: Caller, sock: Caller, bare: Caller, codes: Codes, name: str, token: str) -> None:
    body = {"code": "x" * 60, "total": 100}
    peers = await _each(lambda: bare.post("redeem", body))
    rate = await _rate(lambda: bare.post("redeem", body))
    print(f"{shown('POST, peer', peers, 'ms')}  {rate:6.0f}/s")
    await _line(f"redeem, {name}", codes.ask(kiosk), peers, rate)
    await _line(f"redeem, {name}, with a key", codes.ask(kiosk, key=True), peers, rate)
    await _line(
        f"redeem, {name}, with a token", codes.ask(kiosk, Authorization=f"Bearer {token}"), peers, rate
    )
    await _line(f"redeem, {name}, over the socket", codes.ask(sock), peers, rate)


@contextlib.asynccontextmanager
async def _peer() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PEER, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    yield json.loads(await process.stdout.readline())["url"]
    process.terminate()
    await process.wait()


async def _synced(kiosk: Caller) -> None:
    async with asyncio.timeout(30):
        while True:
            async with kiosk.session.get(f"{kiosk.url}/api/v1/batches") as answer:
                if (await answer.json())["batches"]:
                    return
            await asyncio.sleep(0.05)


async def _run(base: Path) -> None:
    (base / "hub").mkdir()
    shop = Shop(base / "hub")
    await shop.start((batch("CAPPED", "capped", count=1_000_000, cap=10**8, stock=100_000),))
    (base / "token").write_text(await shop.token())
    lines = f'[hub]\nurl = "http://127.0.0.1:{shop.hub.port}"\ntoken_file = "{base / "token"}"'
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(_peer())
        program = await stack.enter_async_context(Program(config(base, lines)))
        await program.ready()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        link = aiohttp.UnixConnector(path=str(base / "data" / "api.sock"))
        here = Caller(
            await stack.enter_async_context(aiohttp.ClientSession(connector=link)), "http://localhost"
        )
        kiosk, bare = Caller(session, program.says["kiosk"]), Caller(session, url)
        made = await here.post("tokens", {"name": "till", "scopes": ["redeem"]})
        await _synced(kiosk)
        await _reads(kiosk, bare)
        held = [c.code for c in await shop.issue("CAPPED", 9 * ROUNDS)]
        codes = Codes(held, "confirmed")
        await _redeems(kiosk, here, bare, codes, "hub answering", made["token"])
        away = [c.code for c in await shop.issue("CAPPED", 9 * ROUNDS)]
        await shop.stop()
        await kiosk.post("redeem", {"code": away.pop(), "total": 100})  # the outage is known from here on
        await _redeems(kiosk, here, bare, Codes(away, "offline"), "hub away", made["token"])


def main() -> None:
    """Print each case: ratio first."""
    with tempfile.TemporaryDirectory(prefix="kiosk-api-") as base:
        asyncio.run(_run(Path(base)))


if __name__ == "__main__":
    main()
