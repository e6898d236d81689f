"""T3: the power goes while a damaged journal is set aside; what can be read of it is saved by the next start."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal
from tests.proof.card import Cut, Image, Replay, cuts
from tests.proof.cuts import FILE, SECONDS, Tape, Till, fail, reopened, seeds
from tests.proof.loop import seeded
from tests.proof.world import Violation

HERE = "tests/proof/test_crash_damage.py"
Note = Callable[[str, object], None]


async def damaged(place: Path, clock: ManualClock, seed: int) -> Image:
    """Return a journal after a power cut, some of it still in its log, with a page that makes no sense."""
    tape = Tape(place / "card", {}, seed)
    rng = random.Random(seed)
    with seeded(seed) as work, tape.running():
        journal = await tape.start(clock)
        await Till(journal, work, 0).work(12)
        end = len(tape.card.log)
        await journal._db.close()
    replay = Replay(tape.card)
    while replay.done < end:
        replay.step()
    image = replay.cut("all", rng)
    while True:
        broken = dict(image)
        content = bytearray(image[FILE])
        page = rng.randrange(len(content) // 4096) * 4096
        content[page : page + 4096] = rng.randbytes(4096)
        broken[FILE] = bytes(content)
        opened, _, told = await reopened(place / "try", broken, clock)
        await opened.stop()
        if "set aside" in told:
            return broken


async def waits(journal: Journal) -> set[str]:
    """Return what has to go up still."""
    run = await journal.pending()
    return set() if run is None else {f"{i.kind} {i.rid}" for i in run.items}


async def judge_aside(place: Path, cut: Cut, wanted: set[str], clock: ManualClock) -> None:
    """Raise Violation when a cut while a damaged journal is set aside costs a row that can be read."""
    try:
        journal, _, _ = await reopened(place, cut.image, clock)
    except JournalError as err:
        raise Violation(f"P1: the journal does not start: {err}") from err
    try:
        if missing := wanted - await waits(journal):
            raise Violation(f"P1: {len(missing)} of {len(wanted)} rows for the hub were not saved")
        if journal.set_aside() != (str(place / "journal.damaged-1"),):
            raise Violation(f"P6: the damaged file is not told: {journal.set_aside()}")
        if not (await journal.verify()).ok:
            raise Violation("P1: the chain breaks")
    finally:
        await journal.stop()


async def set_aside(
    shelf: Path, clock: ManualClock, seed: int, share: float
) -> tuple[set[str], Tape, list[Cut]]:
    """Record how a damaged journal is set aside, and where the power may go meanwhile."""
    broken = await damaged(shelf / f"damage-{seed}", clock, seed)
    tape = Tape(shelf / f"aside-{seed}", broken, seed)
    with seeded(seed), tape.running():
        journal = await tape.start(clock)
        wanted = await waits(journal)
        await journal._db.close()
    return wanted, tape, list(cuts(tape.card, random.Random(seed), share=share))


async def test_a_power_cut_while_a_damaged_journal_is_set_aside_costs_no_row(
    shelf: Path, clock: ManualClock
) -> None:
    wanted, _, some = await set_aside(shelf, clock, 1, 0.15)
    assert len(wanted) > 5
    for cut in some:
        await judge_aside(shelf / "cut", cut, wanted, clock)
    assert len(some) > 50


@pytest.mark.prove
async def test_power_cuts_while_damaged_journals_are_set_aside(
    shelf: Path, clock: ManualClock, record_property: Note
) -> None:
    count = 0
    for seed in seeds(SECONDS / 6):
        wanted, _, every = await set_aside(shelf, clock, seed, 1.0)
        for cut in every:
            try:
                await judge_aside(shelf / "cut", cut, wanted, clock)
            except Violation as err:
                fail(err, cut, seed, f"{HERE} -k are_set_aside")
            count += 1
    record_property("cases", count)
    assert count > 300
