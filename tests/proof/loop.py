"""A loop whose time is virtual: it jumps to the next timer when nothing is ready. One seed, one history."""

from __future__ import annotations

import asyncio
import heapq
import random
import secrets
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

R = TypeVar("R")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Never waits; nothing but timers and callbacks of this thread moves it."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0

    def time(self) -> float:
        return self._virtual

    def _run_once(self) -> None:
        if not self._ready:  # type: ignore[attr-defined]
            timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
            while timers and timers[0].cancelled():  # a heap: the loop takes such ones off in the same way
                heapq.heappop(timers)._scheduled = False  # type: ignore[attr-defined]
                self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            if timers:
                self._virtual = max(self._virtual, timers[0].when())
        super()._run_once()  # type: ignore[misc]


def run(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine in virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()


@contextmanager
def seeded(seed: int) -> Iterator[random.Random]:
    """Draw everything from one seed: the schedule, the jitter, the identifiers."""
    rng = random.Random(seed)
    names = ("choice", "token_hex", "token_urlsafe")
    kept = {name: getattr(secrets, name) for name in names}
    state = random.getstate()
    random.seed(seed)
    ids = random.Random(f"ids {seed}")
    secrets.choice = ids.choice
    secrets.token_hex = lambda n=32: ids.randbytes(n or 32).hex()
    secrets.token_urlsafe = lambda n=32: ids.randbytes(n or 32).hex()
    try:
        yield rng
    finally:
        random.setstate(state)
        for name, function in kept.items():
            setattr(secrets, name, function)
