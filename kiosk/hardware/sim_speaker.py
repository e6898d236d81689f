"""A simulated speaker: what it says is written down."""

from __future__ import annotations

from kiosk.events import Bus
from kiosk.hardware.ports import Announcement, Can
from kiosk.hardware.sim import KEEP, SimBench, SimDevice


class SimSpeaker(SimDevice):
    """A speaker to read."""

    kind = "speaker"
    can: frozenset[Can] = frozenset({"text"})

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        bench.said[name] = []

    def say(self, announcement: Announcement) -> bool:
        """Say a text; False when there is none, or it does not work."""
        if self._state != "ok" or not announcement.text:
            return False
        said = self._bench.said[self.name]
        said.append(announcement.text)
        del said[:-KEEP]
        self._bench.note("said", self.name)
        return True
