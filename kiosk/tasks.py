"""How long tasks are begun: by the daemon in its one group, so that none can die unseen; by themselves elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol


class Spawn(Protocol):
    """Begins a task; `asyncio.TaskGroup.create_task` is one."""

    def __call__(self, coro: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Begin a task under a name."""


def alone(coro: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
    """Begin a task that nobody watches but who began it."""
    return asyncio.get_running_loop().create_task(coro, name=name)
