"""Listens to a printer and tells its answers apart, in whatever order and pieces they come."""

from __future__ import annotations

import asyncio
from typing import Protocol

from kiosk.printing.printers import esc


class Link(Protocol):
    """An open stream."""

    async def write(self, data: bytes) -> int:
        """Write some bytes and return how many left; waits while the other end is not ready."""

    async def read(self) -> bytes:
        """Return what came, at least one byte; empty at the end."""


ODD = 4
"""Bytes that no printer says, after which the other end is none: a line may garble one or two, a web server's first line has six."""
FLOW = b"\x11\x13"
"""XON and XOFF."""


class Answers:
    """What a printer has said on one link.

    An answer to the barrier may come while a question in real time is open, and the other way round; neither is taken for
    the other, and automatic statuses, which some printers send unasked, for none of them.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.barrier: int | None = None
        self.ended = False
        self._odd = 0
        self._real_time: int | None = None
        self._skip = 0

    async def hear(self, timeout_s: float) -> bool:
        """Wait for something to come; False when nothing did."""
        try:
            async with asyncio.timeout(timeout_s):
                raw = await self.link.read()
        except TimeoutError:
            return False
        self.ended = not raw
        for byte in raw:
            self._sort(byte)
        return bool(raw)

    def _sort(self, byte: int) -> None:
        if self._skip:
            self._skip -= 1
        elif esc.is_realtime(byte):
            self._real_time = byte
        elif esc.is_automatic(byte):
            self._skip = 3
        elif esc.is_barrier(byte):
            self.barrier = byte
        elif byte not in FLOW:
            self._odd += 1

    @property
    def stranger(self) -> bool:
        """Tell whether the other end speaks, but not as printers do."""
        return self._odd >= ODD

    async def ask(self, question: bytes, timeout_s: float) -> int | None:
        """Ask in real time; None when nobody answers in time."""
        self._real_time = None
        try:
            async with asyncio.timeout(timeout_s):
                left = question
                while left:
                    left = left[await self.link.write(left) :]
                while self._real_time is None and not self.ended and not self.stranger:
                    await self.hear(timeout_s)
        except TimeoutError:
            return None
        return None if self.stranger else self._real_time
