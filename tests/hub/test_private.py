"""Nobody but its owner reads the hub's SQLite database: it holds every code that was issued."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.store.database import Database


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(home: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}


@pytest.mark.parametrize("before", [None, 0o644])
def test_the_database_and_its_log_are_their_owners_alone(tmp_path: Path, before: int | None) -> None:
    path = tmp_path / "hub.db"
    if before is not None:
        path.touch()
        path.chmod(before)
    database = Database(f"sqlite:///{path}")
    try:
        assert database.open() == "made"
        assert database.call(lambda c: c.execute(sa.text("SELECT 1")).scalar()) == 1
        assert modes(tmp_path) == dict.fromkeys(("hub.db", "hub.db-wal", "hub.db-shm"), 0o600)
    finally:
        database.close()
