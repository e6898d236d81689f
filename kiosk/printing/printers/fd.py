"""A file descriptor that does not block, as a link: sockets, serial lines, USB printer class."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any


class FdLink:
    """Counts what the system really took: a short write is the rest of the next one."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    async def write(self, data: bytes) -> int:
        """Write what fits; wait while nothing does."""
        while True:
            try:
                return os.write(self.fd, data)
            except BlockingIOError:
                await self.writable()

    async def read(self) -> bytes:
        """Return what came; empty when the other end has hung up."""
        while True:
            try:
                return os.read(self.fd, 64)
            except BlockingIOError:
                await self.readable()

    async def readable(self) -> None:
        """Wait until something came, or the other end has hung up."""
        loop = asyncio.get_running_loop()
        await self._ready(loop.add_reader, loop.remove_reader)

    async def writable(self) -> None:
        """Wait until the system takes more, which for usblp means that the last write has reached the printer."""
        loop = asyncio.get_running_loop()
        await self._ready(loop.add_writer, loop.remove_writer)

    async def _ready(self, add: Callable[..., Any], remove: Callable[[int], Any]) -> None:
        event = asyncio.Event()
        add(self.fd, event.set)
        try:
            await event.wait()
        finally:
            remove(self.fd)
