"""T3: the power goes after every single step of the journal's files; the next start finds all that was acknowledged, whole."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from tests.proof.card import cuts
from tests.proof.cuts import AS_IT_IS, SECONDS, Tape, Till, fail, judge, seeds
from tests.proof.loop import seeded
from tests.proof.world import Violation

WEAKER = {
    level: {"PRAGMA synchronous=FULL": f"PRAGMA synchronous={level}", "PRAGMA synchronous": "SELECT 2"}
    for level in ("NORMAL", "OFF")
}
HERE = "tests/proof/test_crash_states.py"
Note = Callable[[str, object], None]


async def lives(
    place: Path, clock: ManualClock, seed: int, things: int, instead: dict[str, str] = AS_IT_IS
) -> Tape:
    """Record a journal from its first start on: some work, a clean stop, a new start, more work, no stop."""
    tape = Tape(place, {}, seed, instead)
    with seeded(seed) as rng, tape.running():
        journal = await tape.start(clock)
        n = await Till(journal, rng, 0).work(things)
        await tape.stop(journal)
        journal = await tape.start(clock)
        await Till(journal, rng, n).work(things // 2)
        await journal._db.close()
    return tape


async def test_power_cuts_lose_nothing_that_was_acknowledged(shelf: Path, clock: ManualClock) -> None:
    tape = await lives(shelf / "card", clock, 1, 12)
    count = 0
    for cut in cuts(tape.card, random.Random(1), share=0.15):
        await judge(shelf / "cut", cut, tape.told, clock)
        count += 1
    assert count > 200
    assert len(tape.told) > 25


@pytest.mark.parametrize("level", ["NORMAL", pytest.param("OFF", marks=pytest.mark.prove)])
async def test_with_less_than_full_the_same_cuts_lose_rows(
    level: str, shelf: Path, clock: ManualClock
) -> None:
    """Without this a layer that finds nothing would prove nothing."""
    tape = await lives(shelf / "card", clock, 1, 12, WEAKER[level])
    lost = count = 0
    for cut in cuts(tape.card, random.Random(1), share=0.04):
        count += 1
        try:
            await judge(shelf / "cut", cut, tape.told, clock)
        except Violation as err:
            # Without any flush (OFF) half of the states are no whole file any more, and are set aside with a sentence.
            lost += any(why in str(err) for why in ("acknowledged rows are missing", "the start says"))
    assert lost > count / 10 > 5, f"{lost} of {count}"


@pytest.mark.prove
async def test_power_cuts_after_every_step(shelf: Path, clock: ManualClock, record_property: Note) -> None:
    count = 0
    for seed in seeds(SECONDS / 3):
        tape = await lives(shelf / f"card-{seed}", clock, seed, 12)
        for cut in cuts(tape.card, random.Random(seed)):
            try:
                await judge(shelf / "cut", cut, tape.told, clock)
            except Violation as err:
                fail(err, cut, seed, f"{HERE} -k after_every_step")
            count += 1
    record_property("cases", count)
    assert count > 1000


@pytest.mark.prove
async def test_power_cuts_during_the_start_after_a_power_cut(
    shelf: Path, clock: ManualClock, record_property: Note
) -> None:
    """What one cut left is opened and worked on, and the power goes again after every step of that."""
    count = 0
    for seed in seeds(SECONDS / 6):
        rng = random.Random(seed)
        tape = await lives(shelf / f"card-{seed}", clock, seed, 8)
        for n, first in enumerate(rng.sample(list(cuts(tape.card, rng)), 5)):
            again = Tape(shelf / f"card-{seed}-{n}", first.image, seed)
            with seeded(seed) as work, again.running():
                journal = await again.start(clock)
                await Till(journal, work, 10_000).work(1)
                await journal._db.close()
            for cut in cuts(again.card, rng, first.promised):
                try:
                    await judge(shelf / "cut", cut, again.told, clock)
                except Violation as err:
                    fail(err, cut, seed, f"{HERE} -k during_the_start")
                count += 1
    record_property("cases", count)
    assert count > 100
