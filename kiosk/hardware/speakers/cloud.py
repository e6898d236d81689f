"""What cloud speakers share: one announcement at a time, the latest wins, none is said late.

A queue would read last night's news to the first customer of the morning: what could not be said within 15 s is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod

from kiosk.events import Bus
from kiosk.hardware.kept import trouble
from kiosk.hardware.ports import Announcement, Can
from kiosk.hardware.stated import Stated

log = logging.getLogger(__name__)
OLDEST_S = 15.0
SEND_S = 5.0
RETRY_S = 2.0


class SpeakerError(Exception):
    """Why the service did not take an announcement: one sentence. `final`: trying again would not help."""

    def __init__(self, sentence: str, *, final: bool = False) -> None:
        super().__init__(sentence)
        self.final = final


class CloudSpeaker(Stated, ABC):
    """A speaker behind a service."""

    kind = "speaker"
    can: frozenset[Can] = frozenset()
    experimental = True

    def __init__(self, name: str, url: str, bus: Bus, place: str = "the speakers' service") -> None:
        super().__init__(name, url, bus)
        self._place = place
        self._next: tuple[Announcement, float] | None = None
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0
        """Announcements that nobody has heard: replaced by a later one, or too old."""

    async def start(self) -> None:
        """Begin; whether the service answers shows with the first announcement."""
        await self._open()
        self._task = asyncio.create_task(self._for_ever(), name=f"speaker-{self.name}")
        self._go("ok", "nothing said yet")

    async def stop(self) -> None:
        """Say nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._close()
        self._go("absent", "stopped")

    def say(self, announcement: Announcement) -> bool:
        """Say something soon; False when this speaker can say no part of it."""
        if not self.part(announcement):
            return False
        if self._next is not None:
            self.dropped += 1
        self._next = (announcement, asyncio.get_running_loop().time())
        self._told.set()
        return True

    @abstractmethod
    def part(self, announcement: Announcement) -> str:
        """Return what this speaker would be sent; empty when it can say no part of it. Pure."""

    async def _open(self) -> None:
        """Make ready."""
        return

    async def _close(self) -> None:
        """Let go."""
        return

    @abstractmethod
    async def _send(self, part: str) -> None:
        """Hand an announcement to the service; SpeakerError, OSError or TimeoutError when it did not take it."""

    async def _for_ever(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            while self._next is not None:
                await self._try(*self._next)

    async def _try(self, announcement: Announcement, at: float) -> None:
        """Try one announcement; afterwards it is done, or left for another try, or a later one has its place."""
        mine = self._next
        if asyncio.get_running_loop().time() - at > OLDEST_S:
            self._forget(mine)
            self.dropped += 1
            return
        try:
            async with asyncio.timeout(SEND_S):
                await self._send(self.part(announcement))
        except (SpeakerError, OSError, TimeoutError) as err:
            self._lost(str(err) if isinstance(err, SpeakerError) else trouble(err, self._place)[1])
            if isinstance(err, SpeakerError) and err.final:
                self._forget(mine)
                return
            self._told.clear()
            try:
                async with asyncio.timeout(RETRY_S):
                    await self._told.wait()
            except TimeoutError:
                return  # the wait is over; it is tried again while it is young enough
        else:
            self._forget(mine)
            self._go("ok", "taken by the service; whether it was heard nobody says")

    def _forget(self, mine: tuple[Announcement, float] | None) -> None:
        if self._next is mine:
            self._next = None

    def _lost(self, detail: str) -> None:
        if self._state != "error":
            log.warning("speaker %s: %s", self.name, detail)
        self._go("error", detail)
