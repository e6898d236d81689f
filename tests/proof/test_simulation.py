"""T2: the real code of both sides in histories drawn from seeds; P1 to P7 hold at the end of each."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.proof.template import Template
from tests.proof.world import Violation, history

SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
SEED = os.environ.get("KIOSK_SEED")
SEEDS = int(os.environ.get("SEEDS", "0"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(tmp_path_factory.mktemp("template"))


Tally = Counter[str]
HAPPENED = (
    "confirmed", "offline", "used", "hub_away", "offline_cap", "offline_too_old", "not_home", "kills", "hub: recorded",
    "hub: conflict", "hub: void", "hub: rolled_back", "hub: deny", "audit: conflict", "audit: conflict_resolved",
    "undone at the hub",
)  # fmt: skip
"""What many histories must have met, or they prove less than they say."""


def _play(
    first: int, count: int, seconds: float, base: Path, template: Template, restores: bool
) -> tuple[int, Tally]:
    """Play histories until the count or the seconds are used up; return how many, and what happened in them."""
    begun, played, tally = time.monotonic(), 0, Tally()
    while played < count and (played == 0 or time.monotonic() - begun < seconds):
        seed = first + played
        try:
            tally += history(seed, base, template, restores=restores).tally
        except Violation as err:
            pytest.fail(
                f"{err}\nreplay: KIOSK_SEED={seed} .venv/bin/pytest -m prove tests/proof/test_simulation.py -k "
                f"'many and {'restored' if restores else 'whole'}'",
                pytrace=False,
            )
        played += 1
    return played, tally


@pytest.mark.parametrize("restores", [False, True], ids=["whole cards", "restored cards"])
def test_the_promises_hold_in_a_few_histories(restores: bool, tmp_path: Path, template: Template) -> None:
    played, tally = _play(1, 3, 60, tmp_path, template, restores)
    assert played == 3
    assert {"confirmed", "offline", "hub_away", "kills"} <= set(tally)


def test_a_seed_is_one_history(tmp_path: Path, template: Template) -> None:
    told = [_play(7, 1, 60, tmp_path, template, restores=True)[1] for _ in range(2)]
    assert told[0] == told[1]


@pytest.mark.prove
@pytest.mark.parametrize("restores", [False, True], ids=["whole cards", "restored cards"])
def test_the_promises_hold_in_many_histories(
    restores: bool,
    tmp_path: Path,
    template: Template,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    first, count, seconds = 1000, 1_000_000, SECONDS / 2
    if SEED is not None:
        first, count, seconds = int(SEED), 1, 600.0
    elif SEEDS:
        count, seconds = SEEDS, 1e9
    played, tally = _play(first, count, seconds, tmp_path, template, restores)
    record_property("cases", played)
    with capsys.disabled():
        print(
            f"\n{played} histories with {'restored' if restores else 'whole'} cards, 0 violations: {dict(tally)}"
        )
    if played >= 20:
        wanted = (*HAPPENED, "older cards", "audit: epoch_change") if restores else HAPPENED
        assert [what for what in wanted if not tally[what]] == []
