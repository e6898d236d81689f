"""T5: real processes of kiosk and hub, killed with -9 at random moments while a till redeems; nothing is lost or counted twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hub.config import Settings
from hub.parts import Parts
from hub.store.catalog import BatchFile
from kiosk.coupons.batch import Merchant, Store
from tests.sync.shop import batch, until

SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
SEED = int(os.environ.get("KIOSK_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
READY_S = 90.0
TILLS = 3
NEVER, CAPPED = 400, 400


class Service:
    """A program that is started again whenever it is killed."""

    def __init__(self, log: Path, *words: str) -> None:
        self.log, self.words = log, words
        self.process: asyncio.subprocess.Process | None = None
        self.kills = 0

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *self.words, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), READY_S)
        assert line, f"{self.words[0]} did not start: {self.log.read_text()[-2000:]}"

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        await asyncio.wait_for(self.process.communicate(), READY_S)
        self.kills += how == signal.SIGKILL


def _port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Till:
    """Presents every coupon twice, each time under a number of its own, until it has an answer."""

    def __init__(self, url: str, codes: list[str], rng: random.Random) -> None:
        self.url = url
        self.waiting = [(f"R{n:05}", code) for n, code in enumerate(codes * 2)]
        rng.shuffle(self.waiting)
        self.answers: dict[str, tuple[str, dict[str, Any]]] = {}
        self.over = False

    async def work(self, session: aiohttp.ClientSession) -> None:
        while self.waiting and not self.over:
            number, code = self.waiting.pop()
            told = await self._ask(session, number, code)
            self.answers[number] = (code, told)
            if told["reason"] in ("hub_away", "voided"):
                # The coupon is as good as before: the customer comes again.
                self.waiting.insert(0, (number[:6] + f"n{len(self.answers)}", code))
                await asyncio.sleep(0.02)

    async def _ask(self, session: aiohttp.ClientSession, number: str, code: str) -> dict[str, Any]:
        body = {"code": code, "request_no": number}
        deadline = time.monotonic() + READY_S
        while True:
            try:
                async with session.post(f"{self.url}/api/v1/redeem", json=body) as answer:
                    told: dict[str, Any] = await answer.json()
                    if answer.status == 200 and told["verdict"] != "unknown" and told["reason"] != "busy":
                        return told
            except (aiohttp.ClientError, OSError):
                assert time.monotonic() < deadline, "the kiosk never came back"
            await asyncio.sleep(0.05)


def _prepare(base: Path, hub_port: int, kiosk_port: int) -> list[str]:
    """Make the hub's database, its configuration and the kiosk's; return the codes."""
    (base / "hub").mkdir()
    url = f"sqlite:///{base / 'hub' / 'hub.db'}"
    (base / "hub.toml").write_text(f'database = "{url}"\nlisten = "127.0.0.1:{hub_port}"\n', "utf-8")
    parts = Parts(Settings(database=url))
    parts.open()
    more = {"deadline_ms": 1500}
    batches = (batch("NEVER", "never", **more), batch("CAPPED", "capped", count=100_000, cap=10**7, **more))
    parts.database.call(
        parts.catalog.load, BatchFile(Merchant("老王便利店"), (Store("S1", "一店"),), batches)
    )
    now = datetime.now(UTC)
    codes = [
        issued.code
        for stock, count in (("NEVER", NEVER), ("CAPPED", CAPPED))
        for issued in parts.database.call(parts.coupons.list_out, stock, count, "customer", now)
    ]
    token = parts.database.call(parts.devices.token, "S1", 1, now)
    parts.close()
    (base / "token").write_text(token, "utf-8")
    (base / "kiosk.toml").write_text(
        f'data_dir = "{base / "data"}"\n[hub]\nurl = "http://127.0.0.1:{hub_port}"\ntoken_file = "{base / "token"}"\n'
        f'[web]\nlisten = "127.0.0.1:{kiosk_port}"\n',
        "utf-8",
    )
    return codes


def _rows(path: Path, query: str) -> list[Any]:
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


@pytest.mark.prove
async def test_nothing_is_lost_or_counted_twice_when_programs_are_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    record_property("seed", SEED)
    rng = random.Random(SEED)
    hub_port, kiosk_port = _port(), _port()
    codes = _prepare(tmp_path, hub_port, kiosk_port)
    hub = Service(tmp_path / "hub.log", "hub", "serve", "-c", str(tmp_path / "hub.toml"))
    kiosk = Service(tmp_path / "kiosk.log", "kiosk", "run", "-c", str(tmp_path / "kiosk.toml"))
    till = Till(f"http://127.0.0.1:{kiosk_port}", codes, rng)
    try:
        await hub.start()
        await kiosk.start()
        async with aiohttp.ClientSession() as session:
            work = [asyncio.create_task(till.work(session)) for _ in range(TILLS)]
            await until(lambda: any(t["verdict"] == "confirmed" for _, t in till.answers.values()), "in step")
            begun = time.monotonic()
            while time.monotonic() - begun < SECONDS / 2 and till.waiting:
                await asyncio.sleep(rng.uniform(0.1, 1.5))
                for one in rng.choice([(hub,), (kiosk,), (kiosk, hub)]):
                    await one.kill()
                    await one.start()
            till.over = True
            await asyncio.gather(*work)
        await _in_step(tmp_path)
        await kiosk.kill(signal.SIGTERM)
        await hub.kill(signal.SIGTERM)
    finally:
        for one in (kiosk, hub):
            if one.process is not None and one.process.returncode is None:
                await one.kill()
    tally = _check(tmp_path, till)
    record_property("cases", kiosk.kills + hub.kills)
    with capsys.disabled():
        print(f"\nseed {SEED}: {kiosk.kills} kills of the kiosk, {hub.kills} of the hub; {dict(tally)}")
    assert kiosk.kills
    assert hub.kills


async def _in_step(base: Path) -> None:
    """Wait until every row of the journal has its verdict."""
    waiting = "SELECT count(*) FROM item WHERE acked_at IS NULL"
    await until(lambda: _rows(base / "data" / "journal.db", waiting) == [(0,)], "everything has a verdict")


def _check(base: Path, till: Till) -> Counter[str]:
    """Compare what the till was told, what the kiosk has and what the hub has."""
    hub, journal = base / "hub" / "hub.db", base / "data" / "journal.db"
    states = dict(_rows(hub, "SELECT rid, state FROM attempts"))
    kept = dict(_rows(journal, "SELECT rid, state FROM attempt"))
    given: Counter[str] = Counter()
    for number, (code, told) in till.answers.items():
        if told["verdict"] in ("confirmed", "offline"):
            given[code] += 1
            assert kept[told["rid"]] == "recorded", (
                f"seed {SEED}: {number} was told {told} and it is not durable"
            )
            assert states[told["rid"]] == "recorded", (
                f"seed {SEED}: the hub has lost {told['rid']} of {number}"
            )
    assert max(given.values()) == 1, f"seed {SEED}: a coupon was given twice"
    left = [rid for rid, state in states.items() if state in ("ok", "conflict")]
    assert left == [], (
        f"seed {SEED}: approved and never ended, or a conflict of one kiosk with itself: {left}"
    )
    recorded = sum(state == "recorded" for state in kept.values())
    assert sum(state == "recorded" for state in states.values()) == recorded
    assert _rows(hub, "SELECT sum(uses), max(uses) FROM coupons") == [(recorded, 1)]
    assert _rows(hub, "SELECT sum(redeemed) FROM batches") == [(recorded,)]
    return Counter(told["verdict"] for _, told in till.answers.values())
