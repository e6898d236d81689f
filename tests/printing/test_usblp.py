"""Boots a Debian kernel under qemu and prints through its usblp. Says what it lacks where it cannot."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.hardware import kernel_vm

ROOT = Path(__file__).parents[2]


@pytest.mark.heavy
def test_printing_through_a_real_usblp(tmp_path: Path) -> None:
    settings = "KIOSK_IN_KERNEL=1 HOME=/run TMPDIR=/run PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=/run/h"
    words = (
        "-m pytest tests/printing/in_kernel -q -m heavy -p no:cacheprovider -p no:randomly --basetemp=/run/pt"
    )
    try:
        code, told = kernel_vm.boot(f"cd {ROOT} && {settings} {sys.executable} {words}", tmp_path)
    except kernel_vm.Missing as err:
        pytest.skip(f"NOT TESTED on a real usblp: {err}")
    assert code == 0, told
    passed = re.search(r"(\d+) passed", told)
    assert passed is not None, told
    assert int(passed[1]) == 6, told
    assert "skipped" not in told
