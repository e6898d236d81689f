"""How a failure is played again: a seed that is fresh each time, and the one command that takes it; for a room's conftest."""

from __future__ import annotations

import os
import random
from collections.abc import Generator

import pytest


def seed() -> int:
    """Return the seed that was asked for (`KIOSK_SEED`), or a fresh one."""
    return int(os.environ.get("KIOSK_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give a failure of a test that notes its seed the one command that plays it again."""
    report = yield
    if report.failed and (seed := dict(item.user_properties).get("seed")) is not None:
        command = f"KIOSK_SEED={seed} .venv/bin/pytest -m prove '{item.nodeid}'"
        report.sections.append(("replay", command))
    return report
