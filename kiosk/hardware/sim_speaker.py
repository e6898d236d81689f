"""A simulated speaker: what it says is written down."""

from __future__ import annotations

import asyncio

from kiosk.events import Bus
from kiosk.hardware.ports import Announcement, Can
from kiosk.hardware.sim import KEEP, SimBench, SimDevice

SLOW_S = 1.0


class SimSpeaker(SimDevice):
    """A speaker to read; the latest wins."""

    kind = "speaker"
    can: frozenset[Can] = frozenset({"text"})

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        bench.said[name] = []
        self._late: asyncio.TimerHandle | None = None

    def say(self, announcement: Announcement) -> bool:
        """Say a text; False when there is none, or it does not work."""
        if self._state != "ok" or not announcement.text:
            return False
        self._hush()
        if self.fault == "slow":
            self._late = asyncio.get_running_loop().call_later(SLOW_S, self._say, announcement.text)
        else:
            self._say(announcement.text)
        return True

    def _say(self, text: str) -> None:
        self._late = None
        said = self._bench.said[self.name]
        said.append(text)
        del said[:-KEEP]
        self._bench.note("said", self.name)

    def shows(self) -> str:
        """Return what it said last."""
        return self._bench.said[self.name][-1] if self._bench.said[self.name] else ""

    def _hush(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    async def stop(self) -> None:
        """Say nothing more."""
        self._hush()
        await super().stop()
