"""Boots a Debian kernel under qemu and runs both `in_kernel` there: real USB, real unplugging, the contracts of the adapters.

Scanners, displays, tills and printers keep the same contract classes there as on ptys and FIFOs. Says what it lacks where it
cannot.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hardware import kernel_vm

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests/hardware/in_kernel", "tests/printing/in_kernel")
WORDS = (
    "-m",
    "pytest",
    *FOLDERS,
    "-q",
    "-m",
    "heavy",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:randomly",
    "--color=no",
)
INSIDE = {
    "KIOSK_IN_KERNEL": "1",
    "HOME": "/run",
    "TMPDIR": "/run",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HYPOTHESIS_STORAGE_DIRECTORY": "/run/h",
}
CLASSES = ("TestEveryScanner", "TestFaultsOfAWire", "TestEveryDisplay", "TestEveryTill", "test_contract.py")


def collected() -> list[str]:
    """Name the tests that have to run inside, by a look from outside."""
    done = subprocess.run(
        [sys.executable, *WORDS, "--collect-only"],
        cwd=ROOT,
        env={**os.environ, "KIOSK_IN_KERNEL": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.mark.heavy
def test_the_contracts_of_all_adapters_are_among_them() -> None:
    names = collected()
    assert [c for c in CLASSES if not any(c in name for name in names)] == []
    assert len(names) > 100


@pytest.mark.heavy
def test_the_adapters_keep_their_contracts_on_a_real_kernel(tmp_path: Path) -> None:
    settings = " ".join(f"{name}={value}" for name, value in INSIDE.items())
    command = f"cd {ROOT} && {settings} {sys.executable} {' '.join(WORDS)} --basetemp=/run/pt"
    try:
        code, told = kernel_vm.boot(command, tmp_path)
    except kernel_vm.Missing as err:
        pytest.skip(f"NOT TESTED on a real kernel: {err}")
    assert code == 0, told
    passed = re.search(r"(\d+) passed", told)
    assert passed is not None, told
    assert int(passed[1]) == len(collected()), told
    assert "skipped" not in told
