"""Each of ten faults of the screen is noticed; how soon, `python -m benchmarks screen` prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screen.faults import FAULTS, SAID, in_chromium, modelled

PHASES = (0, 1, 4, 13, 19)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_noticed_within_30_s(fault: str, tmp_path: Path) -> None:
    """By the manual clock, whenever it begins between two screenshots."""
    found = [await modelled(fault, phase, tmp_path / str(phase)) for phase in PHASES]
    assert max(found) <= 30, found


@pytest.mark.heavy
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_noticed_in_chromium(fault: str, tmp_path: Path, chromium: str) -> None:
    said, _ = await in_chromium(fault, tmp_path, chromium)
    assert said == SAID[fault]
