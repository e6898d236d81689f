"""Simulated sensors: somebody comes and goes, the mains fail and return."""

from __future__ import annotations

from kiosk.hardware.signals import PowerBack, PowerFailing, PresenceChanged
from kiosk.hardware.sim import SimDevice


class SimPresence(SimDevice):
    """A sensor that sees whoever it is told to see."""

    kind = "presence"
    present = False

    def see(self, present: bool) -> None:
        """Let somebody come or go."""
        if self._state == "ok" and present != self.present:
            self.present = present
            self._bench.note("presence", "there" if present else "gone")
            self._bus.publish(PresenceChanged(present=present))


class SimPower(SimDevice):
    """A UPS whose mains can be cut."""

    kind = "power"

    def cut(self) -> None:
        """Cut the mains."""
        if self._state == "ok":
            self._go("error", "the mains are gone; the kiosk runs on its battery and stops.")
            self._bus.publish(PowerFailing())

    def back(self) -> None:
        """Give the mains back."""
        if self._state == "error":
            self._go("ok", "simulated")
            self._bus.publish(PowerBack())
