"""A counter that redeems and hands out as fast as it can, in a process of its own, until it is killed.

`python -m tests.journal.till DIR SEED`: prints `ready`, then one line for every coupon after it was acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kiosk.clock import ManualClock
from kiosk.counter.authority import Decision, Question, Silent
from kiosk.counter.redeem import Redeemer
from kiosk.counter.result import Place
from kiosk.coupons.batch import Store
from kiosk.coupons.code import CROCKFORD, _check
from kiosk.coupons.ids import new_rid
from kiosk.coupons.record import Change, PoolCode
from kiosk.events import Bus
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal

COUPONS, WINDOW = 4000, 40
"""A run works on a few neighbours, so that coupons come back within it and in later ones, and there are always fresh ones."""
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
BATCH = {
    "stock_id": "S1", "number": 1, "product": "slip_coupon", "name": "x", "value": 300, "threshold": 0,
    "begins": "2000-01-01T00:00:00Z", "ends": "2099-01-01T00:00:00Z", "offline": {"policy": "capped"},
}  # fmt: skip


def short(n: int) -> str:
    """Return the short code of coupon n, the same in every run."""
    body = "A" + "".join(CROCKFORD[n >> shift & 31] for shift in (45, 40, 35, 30, 25, 20, 15, 10, 5, 0))
    return body + _check(body)


class Hub:
    """Answers, refuses, falls silent or is away, by chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.away = False

    async def decide(self, question: Question, deadline_s: float) -> Decision:
        await asyncio.sleep(0)
        roll = self._chance.random()
        if roll < 0.3:
            raise Silent("lost")
        return Decision(status="ok") if roll < 0.9 else Decision(status="deny", reason="revoked")


def say(*words: str) -> None:
    os.write(1, (" ".join(words) + "\n").encode())


async def serve(directory: Path, seed: int) -> None:
    """Open the journal, whatever the last run left behind, and work until the end."""
    chance = random.Random(seed)
    clock, bus = ManualClock(NOW + timedelta(seconds=chance.randint(-(10**7), 10**7))), Bus()
    journal = Journal(directory, clock, bus)
    recovery = await journal.start()
    if recovery.told:
        say("damaged", recovery.told)
    await journal.apply("p1", [Change("put", "batch", "S1", 1, BATCH)])
    await journal.put_codes("S1", [PoolCode(f"1-{n}", f"C1:{n}", short(n)) for n in range(COUPONS)])

    async def place() -> Place:
        return Place("k1", Store("S0001", "x"), "en")

    hub, first = Hub(chance), chance.randrange(COUPONS - WINDOW)
    redeemer = Redeemer(journal, hub, bus, clock, place, lambda: 1.0)
    say("ready")
    while True:
        clock.at += timedelta(seconds=chance.choice((1, 1, 1, -86_400, 86_400)))
        hub.away = chance.random() < 0.5
        if chance.random() < 0.2:
            await claim(journal)
        picks = chance.sample(range(first, first + WINDOW), chance.choice((1, 1, 3)))
        await asyncio.gather(*(one(redeemer, n) for n in picks))
        if chance.random() < 0.3:
            await upload(journal)


async def claim(journal: Journal) -> None:
    """Hand a code out."""
    try:
        code = await journal.hand_out(new_rid(), "S1", "S0001")
    except JournalError as err:
        say("full", err.kind)
        return
    if code is not None:
        say("claimed", code.coupon)


async def upload(journal: Journal) -> None:
    """Let a hub acknowledge a few rows."""
    run = await journal.pending(limit=20)
    if run is None:
        return
    try:
        await journal.acknowledge(run.epoch, run.items[-1].seq, [])
    except JournalError as err:
        say("full", err.kind)


async def one(redeemer: Redeemer, n: int) -> None:
    """Redeem a coupon and say so once it is acknowledged."""
    result = await redeemer.redeem(short(n), source="drill")
    if result.verdict in ("confirmed", "offline"):
        say("honoured", f"1-{n}", result.rid)
    elif result.reason == "store_full":
        say("full", f"1-{n}")
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    try:
        asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
    except JournalError as err:
        say("refused", err.kind, str(err))
