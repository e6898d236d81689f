from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.printing.printers import clouds
from tests.cloud_printers.rig import CLOUDS, Rig, rig


@pytest.fixture(autouse=True)
def a_third_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a cloud to the house: one line of a table."""
    monkeypatch.setitem(clouds.MODULES, "third", "tests.cloud_printers.third")


@pytest.fixture(params=CLOUDS)
async def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """Each cloud in turn."""
    async with rig(request.param, tmp_path) as made:
        yield made


@pytest.fixture
async def feie(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig("feie", tmp_path) as made:
        yield made


@pytest.fixture(params=("yilianyun1", "yilianyun2"))
async def yilianyun(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(request.param, tmp_path) as made:
        yield made
