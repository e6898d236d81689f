"""Is the hub there? One missed deadline makes an outage known; an answer ends it."""

from __future__ import annotations

from kiosk.clock import Clock
from kiosk.events import Bus, HubLost, HubReached


class Reach:
    """What is known of the hub's presence."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self.away = True
        """Until the first answer nobody waits for the hub."""
        self.ever = False
        self.why = ""
        self.last_sync_mono: float | None = None

    def answered(self) -> None:
        """Note an answer."""
        if self.away:
            self.away, self.ever, self.why = False, True, ""
            self._bus.publish(HubReached())

    def missed(self, why: str) -> None:
        """Note a missed deadline."""
        if not self.away:
            self.away, self.why = True, why
            self._bus.publish(HubLost(why=why))
        self.why = why

    def synced(self) -> None:
        """Note that everything went up and down."""
        self.last_sync_mono = self._clock.mono()

    def since_sync_s(self) -> float | None:
        """Return monotonic seconds since the last full exchange of this run; None when there was none."""
        return None if self.last_sync_mono is None else self._clock.mono() - self.last_sync_mono
