"""Is the hub there? One missed deadline makes an outage known; an answer ends it."""

from __future__ import annotations

from kiosk.clock import Clock
from kiosk.events import Bus, HubLost, HubReached, HubShutOut


class Reach:
    """What is known of the hub's presence."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self.away = True
        """Until the first answer nobody waits for the hub."""
        self.ever = False
        self.why = ""
        self._up: float | None = None
        self._down: float | None = None

    def answered(self) -> None:
        """Note an answer."""
        if self.away:
            self.away, self.ever, self.why = False, True, ""
            self._bus.publish(HubReached())

    def missed(self, why: str) -> None:
        """Note a missed deadline."""
        self.why = why
        if not self.away:
            self.away = True
            self._bus.publish(HubLost(why=why))

    def shut_out(self, why: str) -> None:
        """Note that the hub answers, and does not let this kiosk in."""
        self._bus.publish(HubShutOut(why=why))

    def went_up(self) -> None:
        """Note that the hub has acknowledged everything there is."""
        self._up = self._clock.mono()

    def went_down(self) -> None:
        """Note that this kiosk has everything that the hub has for it."""
        self._down = self._clock.mono()

    def since_sync_s(self) -> float | None:
        """Return monotonic seconds since everything had gone up and down in this run; None when it never had.

        The older of the two ways counts: a kiosk that only sends would honour what was paused long ago.
        """
        if self._up is None or self._down is None:
            return None
        return self._clock.mono() - min(self._up, self._down)
