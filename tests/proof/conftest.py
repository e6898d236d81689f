"""What the tests of the proof share: a shelf for cards, a clock that stands, and how a failure is played again."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from tests.journal.conftest import NOW


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Path]:
    """Where cards lie: in memory where there is such a place, since nothing there needs to survive."""
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path, prefix="cards-"))
    logging.disable()  # what journals say of a thousand damaged cards would hide the one that fails
    yield place
    logging.disable(logging.NOTSET)
    shutil.rmtree(place)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands until it is moved."""
    return ManualClock(NOW)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give a failure of a test that notes its seed the one command that plays it again."""
    report = yield
    if report.failed and (seed := dict(item.user_properties).get("seed")) is not None:
        command = f"KIOSK_SEED={seed} .venv/bin/pytest -m prove '{item.nodeid}'"
        report.sections.append(("replay", command))
    return report
