"""T10: 50 kiosks of one hub over hours of virtual time; the promises hold at every rest, and nothing grows from rest to rest."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hub.parts import Parts
from tests.proof import again
from tests.proof.check import check
from tests.proof.histories import hub_time, one_connection
from tests.proof.loop import run, seeded
from tests.proof.many import in_memory
from tests.proof.template import Template
from tests.proof.world import World

SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
KIOSKS, EVENTS, EVERY_S = 50, 60, 43.0
"""One happening in 43 s: 40 redemptions a kiosk and day (facts: sync-fleet C3)."""
GROWTH_MIB = 32
"""What memory may grow by in the later half: the record of the truth itself is a few hundred bytes a redemption."""
FRESH = {"NEVER": 12, "CAPPED": 16, "TWICE": 6, "LEASED": 16}
"""Coupons that come into customers' hands for each stretch between two rests."""
OUTAGE = 12
"""Customers of a short outage before each rest: at the pace of a shop a kiosk rarely meets one."""
LEAST = 3
"""Rests before growth can be told from a beginning."""


@dataclass
class Soak:
    """What has been lived through."""

    scans: int = 0
    rests: int = 0
    virtual_s: float = 0.0
    tally: Counter[str] = field(default_factory=Counter)
    tasks: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)


def _open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def _mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _hand_out(world: World) -> None:
    """Give customers fresh coupons."""
    call, issue = world.parts.database.call, world.parts.coupons.list_out
    world.codes = [
        one.code
        for stock, count in FRESH.items()
        for one in call(issue, stock, count, "customer", world.now())
    ]


async def _outage(world: World) -> None:
    """Let the hub be away while customers come, soon enough after the last sync that a kiosk may decide alone."""
    world.hub.ring()
    await asyncio.sleep(2)
    world.hub.up = False
    for _ in range(OUTAGE):
        await asyncio.sleep(world.rng.expovariate(1.0))
        await world._scan()
    world.hub.up = True


async def _stretch(world: World, soak: Soak, events: int) -> None:
    """Let things happen, come to rest, check every promise and count what is held."""
    _hand_out(world)
    await world.live(events, EVERY_S)
    await _outage(world)
    await world.rest()
    for kiosk in world.kiosks:
        world.collect(kiosk)
    if world.failures:
        raise world.failures[0]
    await check(world)
    soak.rests += 1
    soak.tasks.append(len(asyncio.all_tasks()) - len(world.net.flying))
    soak.files.append(_open_files())
    soak.mib.append(_mib())


async def _play(
    rng: random.Random, parts: Parts, base: Path, kiosks: int, events: int, seconds: float
) -> Soak:
    soak, begun = Soak(), time.monotonic()
    world = World(rng, parts, [], base, restores=False)
    with hub_time(world.now):
        try:
            await world.begin(kiosks)
            while soak.rests < LEAST or time.monotonic() - begun < seconds:
                await _stretch(world, soak, events)
            world.count()
        finally:
            await world.end()
    soak.tally, soak.virtual_s = world.tally, asyncio.get_running_loop().time()
    soak.scans = sum(world.tally[what] for what in ("confirmed", "offline", "used", "hub_away"))
    return soak


def _soak(base: Path, kiosks: int, events: int, seconds: float, seed: int) -> Soak:
    parts = Template(base / "template", kiosks).hub(base / "hub")
    try:
        with seeded(seed) as rng, one_connection(parts.database):
            return run(_play(rng, parts, base, kiosks, events, seconds))
    finally:
        parts.close()


def _judge(soak: Soak) -> None:
    """Nothing is held at a later rest that was not held at the first one."""
    assert len(set(soak.tasks)) == 1, f"tasks at each rest: {soak.tasks}"
    assert len(set(soak.files)) == 1, f"open files at each rest: {soak.files}"


def _is_flat(soak: Soak) -> None:
    later = soak.mib[len(soak.mib) // 2 :]
    assert later[-1] - later[0] < GROWTH_MIB, f"MiB at each rest: {[round(m) for m in soak.mib]}"


def test_kiosks_hold_nothing_more_after_each_rest() -> None:
    with in_memory() as base:
        soak = _soak(base, 4, 30, 0, 3)
    _judge(soak)
    assert soak.rests == LEAST
    assert {"confirmed", "kills", "hub: recorded"} <= set(soak.tally)


@pytest.mark.prove
def test_50_kiosks_keep_the_promises_for_long(
    capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    seed = again.seed()
    record_property("seed", seed)
    with in_memory() as base:
        begun = time.monotonic()
        soak = _soak(base, KIOSKS, EVENTS, SECONDS, seed)
        took = time.monotonic() - begun
    record_property("cases", soak.scans)
    with capsys.disabled():
        print(
            f"\nseed {seed}: {KIOSKS} kiosks, {soak.virtual_s / 3600:.1f} virtual hours ({soak.virtual_s / took:.0f} s in one), {soak.rests} rests, "
            f"{soak.mib[0]:.0f} to {soak.mib[-1]:.0f} MiB, 0 violations: {dict(soak.tally)}"
        )
    _judge(soak)
    _is_flat(soak)
    # Conflicts are as rare here as in a shop: the histories of T2 are full of them.
    wanted = ("confirmed", "offline", "used", "kills", "hub: recorded", "hub: void", "audit: lease_granted")
    assert [what for what in wanted if not soak.tally[what]] == []
