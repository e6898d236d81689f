from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.events import Bus
from kiosk.journal.store import Journal

from .world import CAPPED, HOME, LEASE, NEVER, NOW, Counter


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    clock, bus = ManualClock(NOW), Bus()
    journal = Journal(tmp_path / "data", clock, bus)
    await journal.start()
    made = Counter(journal, clock, bus)
    await made.stock(CAPPED, NEVER, HOME, LEASE)
    yield made
    await made.journal._db.close()
