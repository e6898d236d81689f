"""T5: kiosk and hub killed with -9 at each named step of a redemption, a slip, a sync and a migration; each step is hit, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hub.config import Settings
from hub.parts import Parts
from hub.store.catalog import BatchFile
from kiosk.clock import SystemClock
from kiosk.coupons.batch import Merchant, Store
from kiosk.events import Bus
from kiosk.here import NAME
from kiosk.journal.database import steps
from kiosk.journal.store import Journal
from tests.proof.stopped import HUB, KIOSK
from tests.proof.test_kills import Service, _in_step, _port, _rows
from tests.sync.shop import batch, until

pytestmark = pytest.mark.prove
READY_S = 60.0
MIGRATIONS = [n for n, _ in steps()][:-1]
SLIPS = ("claim_committed", "print_queued", "print_sent")
LEASES = ("lease_answered", "hub_gave_lease")
BARRIERS = [*KIOSK, *HUB]


class Pair:
    """A hub and a kiosk as programs, one of which dies at a barrier the first time it runs."""

    def __init__(self, base: Path, barrier: str) -> None:
        self.base, self.mark, self.barrier = base, base / "hit", barrier
        self.port = _port()
        self.codes = self._prepare(_port())
        self.hub, self.kiosk = self._service("hub", barrier in HUB), self._service("kiosk", barrier in KIOSK)

    def _service(self, name: str, dies: bool) -> Service:
        words = ("serve" if name == "hub" else "run", "-c", str(self.base / f"{name}.toml"))
        first = ("tests.proof.stopped", self.barrier, str(self.mark), name) if dies else (name,)
        return Service(self.base / f"{name}.log", *first, *words)

    def _prepare(self, hub_port: int) -> list[str]:
        (self.base / "hub").mkdir()
        url = f"sqlite:///{self.base / 'hub' / 'hub.db'}"
        (self.base / "hub.toml").write_text(f'database = "{url}"\nlisten = "127.0.0.1:{hub_port}"\n', "utf-8")
        parts = Parts(Settings(database=url))
        parts.open()
        loaded = (batch("NEVER", "never"), batch("SLIP", "home", product="slip_coupon"))
        call, now = parts.database.call, datetime.now(UTC)
        call(parts.catalog.load, BatchFile(Merchant("老王便利店"), (Store("S1", "一店"),), loaded))
        codes = [i.code for i in call(parts.coupons.list_out, "NEVER", 4, "customer", now)]
        if self.barrier in LEASES:
            call(
                parts.catalog.load,
                BatchFile(Merchant("老王便利店"), (), (batch("LEASED", "lease", quota=2),)),
            )
            call(parts.coupons.list_out, "LEASED", 6, "customer", now)
        (self.base / "token").write_text(call(parts.devices.token, "S1", 1, now), "utf-8")
        parts.close()
        (self.base / "kiosk.toml").write_text(
            f'data_dir = "{self.base / "data"}"\n[hub]\nurl = "http://127.0.0.1:{hub_port}"\ntoken_file = "{self.base / "token"}"\n'
            f'[web]\nlisten = "127.0.0.1:{self.port}"\n[printers.counter]\nurl = "virtual://{self.base / "paper"}"\n',
            "utf-8",
        )
        return codes

    async def revive(self) -> None:
        """Start again whatever has died, without the barrier."""
        for name in ("hub", "kiosk"):
            service: Service = getattr(self, name)
            if service.process is not None and service.process.returncode is not None:
                assert service.process.returncode == -signal.SIGKILL, service.log.read_text()[-2000:]
                fresh = self._service(name, dies=False)
                setattr(self, name, fresh)
                await fresh.start()

    async def start(self) -> None:
        """Start both; a kiosk may meet its barrier before it is ready."""
        await self.hub.start()
        try:
            await self.kiosk.start()
        except AssertionError:
            assert self.mark.exists(), self.kiosk.log.read_text()[-2000:]
            assert self.kiosk.process is not None
            await asyncio.wait_for(self.kiosk.process.wait(), READY_S)
            await self.revive()

    async def stop(self) -> None:
        for one in (self.kiosk, self.hub):
            if one.process is not None and one.process.returncode is None:
                await one.kill(signal.SIGTERM)

    async def ask(
        self, session: aiohttp.ClientSession, path: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Ask the kiosk; None when it died over it."""
        try:
            async with session.post(f"http://127.0.0.1:{self.port}/api/v1/{path}", json=body) as answer:
                told: dict[str, Any] = await answer.json()
                return told if answer.status == 200 else None
        except (aiohttp.ClientError, OSError):
            return None

    async def until_answered(
        self,
        session: aiohttp.ClientSession,
        path: str,
        body: dict[str, Any],
        good: Callable[[dict[str, Any]], bool],
    ) -> dict[str, Any]:
        """Ask until a good answer comes, starting again whatever dies."""
        async with asyncio.timeout(READY_S):
            while True:
                await self.revive()
                told = await self.ask(session, path, body)
                if told is not None and good(told):
                    return told
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("barrier", BARRIERS)
async def test_a_kill_at_a_named_step_costs_nothing(
    barrier: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    pair = Pair(tmp_path, barrier)
    try:
        await pair.start()
        async with aiohttp.ClientSession() as session:
            first = pair.codes[:-1] if barrier == "void_committed" else pair.codes
            answers = [await _redeem(pair, session, n, code) for n, code in enumerate(first)]
            if barrier in SLIPS:
                await pair.until_answered(
                    session, "batches/SLIP/hand-out", {"n": 1}, lambda told: told["outcome"] == "printed"
                )
            elif barrier == "void_committed":
                await _unanswered(pair, session)
            elif barrier == "rollback_committed":
                answers.append(await _undone(pair, session, answers.pop(0)))
            await until(pair.mark.exists, f"{barrier} is reached")
            await _dead(pair)
            await pair.revive()
            answers += [await _redeem(pair, session, n, code) for n, code in enumerate(pair.codes)]
        await _in_step(tmp_path)
        if barrier in LEASES:
            await until(lambda: _one_lease(tmp_path), "one lease is held, and known on both sides")
    finally:
        await pair.stop()
    record_property("cases", 1)
    assert pair.mark.exists(), f"{barrier} was never reached"
    _check(pair, answers)


async def _dead(pair: Pair) -> None:
    """Wait until the one that met the barrier is gone."""
    dying = pair.hub if pair.barrier in HUB else pair.kiosk
    if "tests.proof.stopped" in dying.words:
        assert dying.process is not None
        await asyncio.wait_for(dying.process.wait(), READY_S)


async def _unanswered(pair: Pair, session: aiohttp.ClientSession) -> None:
    """Present the last coupon while the hub is gone: the attempt is void, and over the first such one the kiosk dies."""
    await pair.hub.kill()
    told = await pair.ask(session, "redeem", {"code": pair.codes[-1], "request_no": "unanswered"})
    assert told is None or told["reason"] == "hub_away"


async def _undone(pair: Pair, session: aiohttp.ClientSession, answer: dict[str, Any]) -> dict[str, Any]:
    """Undo a redemption as the kiosk's owner, over which the kiosk dies, and redeem its coupon again."""
    body = {"rid": answer["rid"], "why": "wrong customer"}
    async with aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(str(pair.base / "data" / NAME))
    ) as owner:
        assert await pair.ask(owner, "rollback", body) is None
    await until(pair.mark.exists, "the kiosk died at the rollback")
    await _dead(pair)
    await pair.revive()
    await _in_step(pair.base)
    again = await _redeem(pair, session, len(pair.codes), answer["code"])
    assert (again["verdict"], again["rid"] == answer["rid"]) == ("confirmed", False)
    return again


def _one_lease(base: Path) -> bool:
    """Tell whether the question that was cut off has led to one lease, of two coupons, on both sides."""
    hub, journal = base / "hub" / "hub.db", base / "data" / "journal.db"
    granted = _rows(hub, "SELECT id, state, amount FROM leases")
    known = _rows(journal, "SELECT id FROM object WHERE type = 'lease'")
    assert len(granted) <= 1, f"a second lease was granted: {granted}"
    reserved = _rows(hub, "SELECT count(*) FROM coupons WHERE lease IS NOT NULL")
    return len(known) == 1 and (granted, reserved) == ([(known[0][0], "held", 2)], [(2,)])


async def _redeem(pair: Pair, session: aiohttp.ClientSession, n: int, code: str) -> dict[str, Any]:
    """Present a coupon, under a fresh number whenever the attempt before was given up, until it is taken or was before."""
    tries = 0

    def good(told: dict[str, Any]) -> bool:
        nonlocal tries
        tries += told["reason"] not in (
            "",
            "busy",
            "used",
        )  # the hub was away, or the kiosk does not know the time yet
        return told["verdict"] == "confirmed" or told["reason"] == "used"

    begun, told = time.monotonic(), None
    while time.monotonic() - begun < READY_S:
        await pair.revive()
        told = await pair.ask(session, "redeem", {"code": code, "request_no": f"R{n}t{tries}"})
        if told is not None and good(told):
            return {**told, "code": code}
        await asyncio.sleep(0.05)
    raise AssertionError(f"coupon {n} was never taken: {told}")


def _check(pair: Pair, answers: list[dict[str, Any]]) -> None:
    """Every coupon is redeemed once, on both sides; every slip that may be on paper is known, and none was printed twice."""
    hub, journal = pair.base / "hub" / "hub.db", pair.base / "data" / "journal.db"
    states = _rows(hub, "SELECT rid, state FROM attempts WHERE stock_id = 'NEVER'")
    recorded = {rid for rid, state in states if state == "recorded"}
    assert len(recorded) == len(pair.codes), states
    assert {
        rid for rid, state in _rows(journal, "SELECT rid, state FROM attempt") if state == "recorded"
    } == recorded
    assert not [s for s in states if s[1] in ("ok", "conflict")], states
    assert {a["rid"] for a in answers if a["verdict"] == "confirmed"} == recorded
    assert _rows(hub, "SELECT sum(uses), max(uses) FROM coupons WHERE stock_id = 'NEVER'") == [
        (len(pair.codes), 1)
    ]
    claimed = {
        r[0] for r in _rows(hub, "SELECT batch || '-' || serial FROM coupons WHERE claimant LIKE 'slip:%'")
    }
    assert claimed == {r[0] for r in _rows(journal, "SELECT coupon FROM pool WHERE rid IS NOT NULL")}
    rids = [p.stem.split("-", 1)[1] for p in (pair.base / "paper").glob("*.png")]
    assert len(rids) == len(set(rids)), "a slip was printed twice by itself"
    assert _rows(hub, "SELECT what FROM audit WHERE what IN ('quarantined', 'epoch_change')") == []


@pytest.mark.parametrize("number", MIGRATIONS)
async def test_a_kill_between_two_migrations_is_gone_on_from(
    number: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    mark, data = tmp_path / "hit", tmp_path / "data"
    toml = tmp_path / "kiosk.toml"
    toml.write_text(f'data_dir = "{data}"\n[web]\nlisten = "127.0.0.1:{_port()}"\n', "utf-8")
    words = ("tests.proof.stopped", f"migration_{number}", str(mark), "kiosk", "run", "-c", str(toml))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, err = await asyncio.wait_for(process.communicate(), READY_S)
    assert (process.returncode, mark.exists()) == (-signal.SIGKILL, True), err[-2000:]
    db = sqlite3.connect(data / "journal.db")
    assert db.execute("PRAGMA user_version").fetchone()[0] == number, (
        "that one is whole, the next has not begun"
    )
    db.close()
    journal = Journal(data, SystemClock(), Bus())
    await journal.start()
    assert (await journal.verify()).ok
    assert await journal._db.read(lambda d: d.execute("PRAGMA user_version").fetchone()[0]) == steps()[-1][0]
    await journal.stop()
    record_property("cases", 1)
