"""T6 and T7: layers whose tests live in other rooms and run with every `make test`; here they are counted with the others."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOCKS = "clock or calendar or 1970 or trusted or age_cap or time_alone"
LIMIT_S = 600
pytestmark = pytest.mark.prove


def _passed(base: Path, *words: str) -> int:
    """Run tests in a process of their own; return how many passed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={base}/tmp", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    found = re.search(r"(\d+) passed", done.stdout)
    assert found is not None, done.stdout[-1000:]
    return int(found[1])


def test_t6_network_faults_through_the_proxy(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    passed = _passed(tmp_path, "tests/sync")
    record_property("cases", passed)
    assert passed >= 50


def test_t7_clocks(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    rooms = [f"tests/{room}" for room in ("kernel", "coupons", "hub", "sync", "counter", "journal")]
    passed = _passed(tmp_path, *rooms, "-k", CLOCKS)
    record_property("cases", passed)
    assert passed >= 50
