from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.events import Bus
from kiosk.journal.store import Journal
from tests.proof.again import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
async def opened(
    tmp_path: Path, clock: ManualClock, bus: Bus
) -> AsyncIterator[Callable[..., Awaitable[Journal]]]:
    """Open a journal (of a directory below the test's own); all are closed at the end."""
    open_ones: list[Journal] = []

    async def make(name: str = "data") -> Journal:
        journal = Journal(tmp_path / name, clock, bus)
        await journal.start()
        open_ones.append(journal)
        return journal

    yield make
    for journal in open_ones:
        await journal._db.close()


@pytest.fixture
async def journal(opened: Callable[..., Awaitable[Journal]]) -> Journal:
    return await opened()
