"""What a fleet asks of one worker on SQLite: journals going up, held wake-ups, a large batch coming down.

Upload: signed runs of 200 offline redemptions over HTTP, each judged, noted and counted in one durable transaction; the peer
is bare sqlite3 writing the same rows of the journal alone, one FULL commit a run. Held: the growth of the worker's resident
memory by 2,000 requests that wait, all of them authentic and with a kiosk's headers, beside a change log of 50,000 entries. Download: 50,000 uploaded codes to one kiosk, first the pages alone,
then by the kiosk itself until its journal holds them durably; the peer is the same rows by bare sqlite3 in one transaction.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import sqlalchemy as sa

from hub.config import Settings
from hub.parts import Parts, now
from hub.store import feed
from hub.store.catalog import BatchFile
from kiosk.coupons.batch import Merchant, Store
from kiosk.coupons.ids import new_rid
from kiosk.sync.client import SPARED
from kiosk.sync.protocol import Item, Upload
from tests.hub.world import Journal, encoded
from tests.hub.world import Kiosk as Caller
from tests.sync.shop import Kiosk, batch, until

RUNS, PER_RUN = 15, 200
HELD = 2_000
AT_ONCE = 100
CODES = 50_000


class Worker:
    """One hub process and the database that it serves."""

    def __init__(self, url: str, pid: int, parts: Parts) -> None:
        self.url, self.pid, self.parts = url, pid, parts

    def rss_kib(self) -> int:
        """Return its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    async def caller(self) -> Caller:
        """Return a kiosk that was let in."""
        made = Caller(self.url)
        token = self.parts.database.call(self.parts.devices.token, "S1", 1, now())
        assert (await made.enrol(token))[1]["state"] == "accepted"
        return made


@asynccontextmanager
async def worker(home: Path, codes: int) -> AsyncIterator[Worker]:
    """Serve a fresh hub with one capped batch of uploaded codes from a process of its own."""
    parts = Parts(Settings(database=f"sqlite:///{home}/hub.db"))
    parts.open()
    capped = batch("CAPPED", "capped", count=100_000, cap=100_000_000, stock=200_000)
    parts.database.call(
        parts.catalog.load, BatchFile(Merchant("老王便利店"), (Store("S1", "一店"),), (capped,))
    )
    assert parts.database.call(parts.coupons.take_in, "CAPPED", _codes(codes), now()) == codes
    config = home / "hub.toml"
    config.write_text(f'database = "sqlite:///{home}/hub.db"\nlisten = "127.0.0.1:0"\n', "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "serve", "-c", str(config), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield Worker(json.loads(await process.stdout.readline())["hub"], process.pid, parts)
    finally:
        process.terminate()
        await process.wait()
        parts.close()


def _codes(count: int) -> list[str]:
    return [f"{10**21 + 7 * n}" for n in range(count)]


def _bare_rows(path: Path, runs: list[tuple[Item, ...]]) -> float:
    """Write the rows of journals with a FULL commit a run; return seconds."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE row (seq INTEGER PRIMARY KEY, kind TEXT, rid TEXT, body TEXT, hash TEXT)")
    begun = time.perf_counter()
    for items in runs:
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT INTO row VALUES (?, ?, ?, ?, ?)",
            [(i.seq, i.kind, i.rid, json.dumps(i.body), i.hash) for i in items],
        )
        db.execute("COMMIT")
    took = time.perf_counter() - begun
    db.close()
    return took


async def upload(home: Path) -> None:
    """Print how many events a second one worker takes."""
    wanted = RUNS * PER_RUN
    async with worker(home, wanted) as hub:
        [number] = hub.parts.database.call(lambda c: list(c.exec_driver_sql("SELECT number FROM batches")))[0]
        book = Journal()
        for serial in range(1, wanted + 1):
            book.record(f"{number}-{serial}", stock_id="CAPPED", store="S1", value=300)
        runs: list[Upload] = [book.run(n + 1, n + PER_RUN) for n in range(0, wanted, PER_RUN)]
        kiosk = await hub.caller()
        begun = time.perf_counter()
        for run in runs:
            told = await kiosk.upload(run)
            assert {i["status"] for i in told["items"]} == {"accepted"}, told
        took = time.perf_counter() - begun
        await kiosk.close()
    peer = _bare_rows(home / "bare.db", [r.items for r in runs])
    size = sum(len(encoded(r)) for r in runs) / wanted
    print(
        f"upload: {peer / took:.3f} of the bare rows' rate; {wanted / took:.0f} events/s in runs of {PER_RUN} "
        f"({size:.0f} bytes an event); bare {wanted / peer:.0f}/s"
    )


def _end(c: sa.Connection, tenant: str) -> str:
    return ".".join(map(str, (feed.fact(c, tenant, "database"), *feed.tip(c, tenant))))


async def held(home: Path) -> None:
    """Print what a held request costs the worker."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, HELD + 500)), hard))
    async with worker(home, CODES) as hub:
        kiosk = await hub.caller()
        pos = hub.parts.database.call(_end, hub.parts.tenant)  # a snapshot would leave memory to take from
        path = f"/v1/device/wake?pos={pos}"
        before = hub.rss_kib()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), skip_auto_headers=SPARED
        ) as session:

            async def hold() -> bytes:
                async with session.get(hub.url + path, headers=kiosk.headers("GET", path, b"")) as answer:
                    assert answer.status == 200
                    return await answer.read()

            tasks = []
            for n in range(HELD):
                tasks.append(asyncio.create_task(hold()))
                if n % AT_ONCE == AT_ONCE - 1:
                    await kiosk.changes(pos)  # answered after those before it were taken
            await _settled(hub)
            waiting = sum(not task.done() for task in tasks)
            grown = hub.rss_kib() - before
            begun = time.perf_counter()
            await asyncio.to_thread(
                hub.parts.database.call, hub.parts.catalog.set_status, "CAPPED", "paused", None
            )
            told = await asyncio.gather(*tasks)
            woken = time.perf_counter() - begun
        await kiosk.close()
    changed = sum(b'"changed":true' in one for one in told)
    print(
        f"held: {grown / waiting:.1f} KiB a held request beside a change log of {CODES} entries ({waiting} held, {before} KiB before them); "
        f"{changed} woken by a change from another process within {woken:.1f} s"
    )


async def _settled(hub: Worker) -> None:
    """Wait until the worker's memory has not grown for a second."""
    last = -1
    while (now_kib := hub.rss_kib()) != last:
        last = now_kib
        await asyncio.sleep(1)


def _bare_objects(path: Path, count: int) -> float:
    """Write as many rows as a kiosk's journal gets, in one transaction; return seconds."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE object (type TEXT, id TEXT, rev INTEGER, body TEXT, PRIMARY KEY (type, id))")
    rows = [
        ("code", f"{n:016x}", n, json.dumps({"hash": f"{n:016x}", "coupon": f"1-{n}"})) for n in range(count)
    ]
    begun = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT INTO object VALUES (?, ?, ?, ?)", rows)
    db.execute("COMMIT")
    took = time.perf_counter() - begun
    db.close()
    return took


async def download(home: Path) -> None:
    """Print what a batch of 50,000 coupons costs a kiosk that comes new."""
    async with worker(home, CODES) as hub:
        caller = await hub.caller()
        begun, size, pos, found, more = time.perf_counter(), 0, "", 0, True
        while more:
            _, told = await caller.call("GET", f"changes?after={pos}&limit=500")
            size += len(json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode())
            pos, more = told["pos"], told["more"]
            found += sum(i["type"] == "code" for i in told["items"])
        pages = time.perf_counter() - begun
        await caller.close()
        assert found == CODES
        token = hub.parts.database.call(hub.parts.devices.token, "S1", 1, now())
        kiosk = Kiosk(home / f"kiosk-{new_rid()}", hub.url, token)
        begun = time.perf_counter()
        await kiosk.start(synced=False)
        query = "SELECT count(*) FROM object WHERE type = 'code'"

        async def whole() -> bool:
            return await kiosk.journal._db.read(lambda db: int(db.execute(query).fetchone()[0])) == CODES

        await until(whole, "the kiosk holds every coupon")
        took = time.perf_counter() - begun
        await kiosk.stop()
    peer = _bare_objects(home / "objects.db", CODES)
    print(
        f"download: {took / peer:.1f} times the bare rows; {CODES} coupons are {size / 1e6:.1f} MB of JSON, "
        f"{pages:.1f} s for the pages alone, {took:.1f} s until the kiosk holds them; bare {peer:.2f} s"
    )


def main() -> None:
    """Print each figure: ratio first where there is a peer."""
    for case in (upload, held, download):
        with tempfile.TemporaryDirectory(prefix="kiosk-fleet-") as home:
            asyncio.run(case(Path(home)))


if __name__ == "__main__":
    main()
