"""What the tests of the proof share: a shelf for cards, and a clock that stands."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from tests.journal.conftest import NOW
from tests.proof.again import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]
LONGEST = "test_the_promises_hold_in_many_histories"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what lasts longest: at the end one of two workers would play it alone, minutes after the other is done."""
    items.sort(key=lambda item: not item.name.startswith(LONGEST))


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
