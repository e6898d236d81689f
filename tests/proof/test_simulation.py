"""T2: the real code of both sides in histories drawn from seeds; P1 to P7 hold at the end of each."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.proof.world import Template, Violation, history

SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
SEED = os.environ.get("KIOSK_SEED")
SEEDS = int(os.environ.get("SEEDS", "0"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template(tmp_path_factory.mktemp("template"))


def _play(first: int, count: int, seconds: float, base: Path, template: Template, restores: bool) -> int:
    """Play histories until the count or the seconds are used up; return how many."""
    begun, played = time.monotonic(), 0
    while played < count and (played == 0 or time.monotonic() - begun < seconds):
        seed = first + played
        try:
            history(seed, base, template, restores=restores)
        except Violation as err:
            pytest.fail(
                f"{err}\nreplay: KIOSK_SEED={seed} .venv/bin/pytest -m '' tests/proof/test_simulation.py -k "
                f"{'restored' if restores else 'whole'}",
                pytrace=False,
            )
        played += 1
    return played


@pytest.mark.parametrize("restores", [False, True], ids=["whole cards", "restored cards"])
def test_the_promises_hold_in_a_few_histories(restores: bool, tmp_path: Path, template: Template) -> None:
    assert _play(1, 3, 60, tmp_path, template, restores) == 3


@pytest.mark.prove
@pytest.mark.parametrize("restores", [False, True], ids=["whole cards", "restored cards"])
def test_the_promises_hold_in_many_histories(
    restores: bool, tmp_path: Path, template: Template, capsys: pytest.CaptureFixture[str]
) -> None:
    if SEED is not None:
        played = _play(int(SEED), 1, 600, tmp_path, template, restores)
    elif SEEDS:
        played = _play(1000, SEEDS, 1e9, tmp_path, template, restores)
    else:
        played = _play(1000, 1_000_000, SECONDS / 2, tmp_path, template, restores)
    with capsys.disabled():
        print(f"\n{played} histories with {'restored' if restores else 'whole'} cards, 0 violations")
