"""Boots a Debian kernel under qemu and runs `in_kernel` there: real USB, real unplugging. Says what it lacks where it cannot."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.hardware import kernel_vm

ROOT = Path(__file__).parents[2]


@pytest.mark.heavy
def test_the_adapters_work_on_a_real_kernel(tmp_path: Path) -> None:
    settings = "KIOSK_IN_KERNEL=1 HOME=/run TMPDIR=/run PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=/run/h"
    words = (
        "-m pytest tests/hardware/in_kernel -q -m heavy -p no:cacheprovider -p no:randomly --basetemp=/run/pt"
    )
    try:
        code, told = kernel_vm.boot(f"cd {ROOT} && {settings} {sys.executable} {words}", tmp_path)
    except kernel_vm.Missing as err:
        pytest.skip(f"NOT TESTED on a real kernel: {err}")
    assert code == 0, told
    passed = re.search(r"(\d+) passed", told)
    assert passed is not None, told
    cases = (Path(__file__).parent / "in_kernel").glob("test_*.py")
    assert int(passed[1]) == sum(c.read_text("utf-8").count("\nasync def test_") for c in cases), told
    assert "skipped" not in told
