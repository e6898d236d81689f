"""The database's own threads keep their connections, and none that has failed."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import HubError
from hub.parts import Parts

from .world import on_both


def _driver(c: Any) -> int:
    return id(c.connection.dbapi_connection)


def _broken(c: Any) -> None:
    c.exec_driver_sql("SELECT 1 FROM nowhere")


def _half(c: Any) -> None:
    c.exec_driver_sql("UPDATE tenants SET next_batch = 77")
    raise ValueError("stopped half way")


def _next(c: Any) -> int:
    return int(c.exec_driver_sql("SELECT next_batch FROM tenants").scalar_one())


@on_both
async def test_a_thread_keeps_its_connection_until_it_fails(parts: Parts) -> None:
    parts.database._threads._max_workers = 1  # one thread, so that the next transaction is the same one's
    first = await parts.database.run(_driver)
    assert await parts.database.run(_driver) == first
    with pytest.raises(HubError):
        await parts.database.run(_broken)
    assert len(parts.database._kept) == 0, "what failed is not used again"
    await parts.database.run(_driver)
    assert len(parts.database._kept) == 1


@on_both
async def test_what_broke_off_is_undone_and_the_connection_goes_on(parts: Parts) -> None:
    before = await parts.database.run(_next)
    with pytest.raises(ValueError, match="half way"):
        await parts.database.run(_half)
    assert await parts.database.run(_next) == before


async def test_other_threads_give_theirs_back(parts: Parts) -> None:
    parts.database.call(_driver)
    assert parts.database._kept == set()
