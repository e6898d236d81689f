"""T2: the real code of both sides in histories drawn from seeds; P1 to P7 hold at the end of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.proof import again as fresh
from tests.proof.histories import history
from tests.proof.many import Tally, in_memory, least, play, replay
from tests.proof.template import Template
from tests.proof.world import Violation

SECONDS = 4.5 * float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
SEED = os.environ.get("KIOSK_SEED")
SEEDS = int(os.environ.get("SEEDS", "0"))
COUNT = 1000
"""Histories of each kind (facts: sync-fleet A10 ask for 2,000), unless the seconds are over before."""
MANY = 100
"""Histories in which all of what is wanted happens for certain: the rarest of it is in every tenth."""


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    with in_memory() as base:
        made = Template(base / "template")
        yield made
        made.close()


OFTEN = ("confirmed", "offline", "hub_away", "kills", "hub: recorded", "hub: void")
"""What even a few histories have met."""
HAPPENED = (
    *OFTEN, "used", "offline_cap", "offline_too_old", "not_home", "no_lease", "hub: conflict", "hub: rolled_back", "hub: deny",
    "audit: conflict", "audit: conflict_resolved", "audit: lease_granted", "undone at the hub", "the hub's clock jumps",
    "offline: CAPPED", "offline: TWICE", "offline: SLIP", "offline: LEASED",
)  # fmt: skip
"""What many histories must have met, or they prove less than they say."""


def _few(first: int, count: int, base: Path, template: Template, restores: bool) -> Tally:
    tally = Tally()
    for seed in range(first, first + count):
        try:
            tally += history(seed, base, template, restores=restores).tally
        except Violation as err:
            pytest.fail(f"{err}\nreplay: {replay(seed, restores)}", pytrace=False)
    return tally


@pytest.mark.parametrize("restores", [False, True], ids=["whole cards", "restored cards"])
def test_the_promises_hold_in_a_few_histories(restores: bool, template: Template) -> None:
    tally = _few(1, 3, template.base.parent, template, restores)
    assert {"confirmed", "offline", "hub_away", "kills"} <= set(tally)


def test_a_seed_is_one_history(template: Template) -> None:
    told = [_few(7, 1, template.base.parent, template, restores=True) for _ in range(2)]
    assert told[0] == told[1]


@pytest.mark.prove
@pytest.mark.parametrize("restores", [False, True], ids=["whole cards", "restored cards"])
def test_the_promises_hold_in_many_histories(
    restores: bool, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    first, count, seconds = fresh.seed(), COUNT, SECONDS / 2
    if SEEDS:
        count, seconds = SEEDS, 1e9
    if SEED is not None:
        first, count, seconds = int(SEED), max(1, SEEDS), 1e9
    wanted = least(count, seconds)
    played, tally, violation = play(first, count, seconds, restores)
    if violation:
        pytest.fail(violation, pytrace=False)
    record_property("cases", played)
    with capsys.disabled():
        print(
            f"\n{played} histories with {'restored' if restores else 'whole'} cards, 0 violations: {dict(tally)}\n"
            f"again: {replay(first, restores, played)}"
        )
    assert played >= wanted, f"{played} histories in {seconds:.0f} s; {wanted} prove something"
    if SEED is None:
        rare = (*HAPPENED, "older cards", "audit: epoch_change") if restores else HAPPENED
        assert [what for what in (rare if wanted >= MANY else OFTEN) if not tally[what]] == []
