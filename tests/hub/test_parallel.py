"""T8: many kiosks at once against one hub of two processes on PostgreSQL: no use too many, one answer a rid, nothing lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config import Settings
from hub.parts import Parts
from hub.schema import attempts, audit, journal
from hub.store.coupons import Issued
from kiosk.coupons.ids import new_rid
from tests.proof import again

from .test_decide import load, redeemed, uses
from .test_serve import free_port, let_in, serving, write
from .world import Journal, Kiosk, batch, issue

pytestmark = pytest.mark.parametrize("engine", ["postgresql"])
WORKERS = 2
SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
MAX_USES = {"ONCE": 1, "THRICE": 3}
ALONE = "ALONE"
"""Redeemed without the hub by every kiosk at once: all but one are conflicts."""


@dataclass
class Client:
    """A kiosk on connections of its own, and what it was told."""

    kiosk: Kiosk
    journal: Journal
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def ask(self, code: str, times: int) -> None:
        """Ask with one rid, perhaps several times at once; every answer is the same."""
        rid = new_rid()
        told = [
            {**body, "server_time": ""}
            for body in await asyncio.gather(*(self.kiosk.ask(code, rid) for _ in range(times)))
        ]
        assert all(one == told[0] for one in told), "one rid has one answer"
        self.answers[rid] = told[0]

    async def upload(self, first: int) -> None:
        """Send the journal from an item on, twice at once as an impatient kiosk would."""
        run = self.journal.run(first)
        told = await asyncio.gather(self.kiosk.upload(run), self.kiosk.upload(run))
        assert [one["ack_through"] for one in told] == [len(self.journal.items)] * 2
        for pair in zip(*(one["items"] for one in told), strict=True):
            statuses = sorted(item["status"] for item in pair)
            assert statuses in (["accepted", "duplicate"], ["conflict", "conflict"])


def oks(clients: list[Client]) -> Counter[str]:
    """Return how often each coupon was approved, by what the kiosks were told."""
    return Counter(a["coupon"] for c in clients for a in c.answers.values() if a["status"] == "ok")


async def crowd(parts: Parts, clients: list[Client], each: int, rng: random.Random) -> int:
    """Let all redeem the same coupons at once and send their journals; return how many redemptions were asked for."""
    made: dict[str, list[Issued]] = {
        stock: await asyncio.to_thread(issue, parts, stock, each if stock in MAX_USES else 1)
        for stock in (*MAX_USES, ALONE)
    }
    for client in clients:
        client.answers.clear()
    wanted = {one.coupon: MAX_USES[stock] for stock in MAX_USES for one in made[stock]}
    codes = [one.code for stock in MAX_USES for one in made[stock]]

    async def live(client: Client, order: list[str], twice: set[str]) -> None:
        first = len(client.journal.items) + 1
        for code in order:
            await client.ask(code, 1 + (code in twice))
        for rid, told in client.answers.items():
            if told["status"] == "ok":
                client.journal.record(told["coupon"], rid, stock_id=told["stock_id"], verdict="confirmed")
        client.journal.record(made[ALONE][0].coupon, stock_id=ALONE)
        await client.upload(first)

    await asyncio.gather(
        *(live(c, rng.sample(codes, len(codes)), set(rng.sample(codes, len(codes) // 4))) for c in clients)
    )
    assert oks(clients) == wanted, "each coupon is approved exactly as often as it is good for"
    refused = {a["reason"] for c in clients for a in c.answers.values() if a["status"] != "ok"}
    assert refused == {"used"}
    for coupon, most in {**wanted, made[ALONE][0].coupon: 1}.items():
        assert await asyncio.to_thread(uses, parts, coupon) == most
    return len(clients) * len(codes)


async def nothing_lost(parts: Parts, clients: list[Client], rounds: int, each: int) -> None:
    """Check that what the hub holds is what the kiosks did, once each."""

    def rows(table: sa.Table, *columns: str) -> list[Any]:
        query = sa.select(*(table.c[name] for name in columns))
        return parts.database.call(lambda c: list(c.execute(query)))

    kept = Counter(tuple(r) for r in await asyncio.to_thread(rows, journal, "device", "seq", "rid"))
    sent = Counter((c.kiosk.device, i.seq, i.rid) for c in clients for i in c.journal.items)
    assert kept == sent
    states = Counter(r[0] for r in await asyncio.to_thread(rows, attempts, "state"))
    good = rounds * each * sum(MAX_USES.values())
    asked = rounds * len(clients) * each * len(MAX_USES)
    excess = rounds * (len(clients) - 1)
    assert states == {"recorded": good + rounds, "deny": asked - good, "conflict": excess}
    for stock, most in MAX_USES.items():
        assert await asyncio.to_thread(redeemed, parts, stock) == rounds * each * most
    noted = Counter(r[0] for r in await asyncio.to_thread(rows, audit, "what"))
    assert noted["conflict"] == excess, "every excess use is noted once"


async def play(
    settings: Settings, parts: Parts, home: Path, count: int, each: int, seconds: float, seed: int
) -> tuple[int, int]:
    """Let a crowd redeem until the seconds are over, once at least; return redemptions and rounds."""
    rng, begun, cases, rounds = random.Random(seed), time.monotonic(), 0, 0
    several = [batch(stock, max_uses=most, threshold=0) for stock, most in MAX_USES.items()]
    capped = {"policy": "capped", "count": 10_000, "value": 10_000_000, "max_age_s": 86_400}
    alone = batch(ALONE, threshold=0, offline=capped)
    await asyncio.to_thread(load, parts, *several, alone)
    path = write(settings, home, f"127.0.0.1:{free_port()}")
    async with serving(path, "--workers", str(WORKERS)) as hub:
        for _ in range(WORKERS - 1):
            await hub.begun()
        clients = [Client(await let_in(parts, hub.url), Journal()) for _ in range(count)]
        try:
            while rounds == 0 or time.monotonic() - begun < seconds:
                cases += await crowd(parts, clients, each, rng)
                rounds += 1
        finally:
            await asyncio.gather(*(c.kiosk.close() for c in clients))
        await nothing_lost(parts, clients, rounds, each)
        hub.process.send_signal(signal.SIGTERM)
        code, err = await hub.end()
        assert (code, "Traceback" in err) == (0, False), err
    return cases, rounds


async def test_a_crowd_uses_no_coupon_too_often(settings: Settings, parts: Parts, tmp_path: Path) -> None:
    assert await play(settings, parts, tmp_path, 16, 2, 0, 8) == (64, 1)


@pytest.mark.prove
async def test_64_kiosks_at_once_use_no_coupon_too_often(
    settings: Settings,
    parts: Parts,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    """The order in which each kiosk asks is the seed's; which request is served first is the machine's."""
    seed = again.seed()
    record_property("seed", seed)
    cases, rounds = await play(settings, parts, tmp_path, 64, 4, SECONDS / 2, seed)
    record_property("cases", cases)
    with capsys.disabled():
        print(f"\nseed {seed}: {rounds} rounds of 64 kiosks, {cases} redemptions asked for")
    assert cases == rounds * 64 * 8
