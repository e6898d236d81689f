"""The bell that wakes held requests: it ends when it is told to, whatever rings just then."""

from __future__ import annotations

import asyncio

import pytest

from hub.parts import Bell, Parts


class Awaited(asyncio.Event):
    """Tells that somebody has begun to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = asyncio.Event()

    async def wait(self) -> bool:  # type: ignore[override]
        self.waits.set()
        return await super().wait()


@pytest.mark.parametrize("steps", range(6))
async def test_a_ring_at_the_moment_of_the_stop_keeps_it_from_nothing(parts: Parts, steps: int) -> None:
    """`steps`: turns of the loop between the two; before Python 3.12 `wait_for` let one of them swallow the stop."""
    bell = Bell(parts)
    ring = bell._look_now = Awaited()
    bell.start()
    async with asyncio.timeout(10):
        await ring.waits.wait()
        bell.ring()
        for _ in range(steps):
            await asyncio.sleep(0)
        await bell.stop()
    assert bell._looker is not None
    assert bell._looker.cancelled()
