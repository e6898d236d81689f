from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.rig import Rig, rig


@pytest.fixture
async def kiosk(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(tmp_path) as held:
        yield held


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Rig]:
    """A kiosk without a hub."""
    async with rig(tmp_path, hub=False) as held:
        yield held
