"""Simulated button and sensors: somebody presses, comes and goes, the mains fail and return."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kiosk.events import Bus, Pressed
from kiosk.hardware.signals import Held, PowerBack, PowerFailing, PresenceChanged
from kiosk.hardware.sim import SimBench, SimDevice

SLOW_S = 1.0


class SimButton(SimDevice):
    """A button to press, or to hold down for the staff."""

    kind = "button"

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        self._late: set[asyncio.TimerHandle] = set()
        bench.buttons[name] = self

    def press(self, *, long: bool = False) -> bool:
        """Press it; False when it does not work."""
        if self._state != "ok":
            return False
        self._bench.note("held" if long else "pressed", self.name)
        if self.fault == "slow":
            self._late.add(asyncio.get_running_loop().call_later(SLOW_S, self._tell, long))
        else:
            self._tell(long)
        return True

    def acts(self) -> dict[str, Callable[[], bool]]:
        """Return what a hand can do with it."""
        return {"press": self.press, "hold": lambda: self.press(long=True)}

    def _tell(self, long: bool) -> None:
        self._bus.publish(Held(button=self.name) if long else Pressed(button=self.name))

    async def stop(self) -> None:
        """Unplug; a press that was late is lost."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        await super().stop()


class SimPresence(SimDevice):
    """A sensor that sees whoever it is told to see: at first, whoever works it."""

    kind = "presence"
    present = True

    def see(self, present: bool) -> bool:
        """Let somebody come or go; False when it does not work."""
        if self._state != "ok":
            return False
        if present != self.present:
            self.present = present
            self._bench.note("presence", "there" if present else "gone")
            self._bus.publish(PresenceChanged(present=present))
        return True

    def acts(self) -> dict[str, Callable[[], bool]]:
        """Return what can happen before it."""
        return {"come": lambda: self.see(True), "leave": lambda: self.see(False)}

    def shows(self) -> str:
        """Return whom it sees."""
        return "there" if self.present else "nobody"


class SimPower(SimDevice):
    """A UPS whose mains can be cut."""

    kind = "power"

    def cut(self) -> bool:
        """Cut the mains: the daemon stops, as it would with a real UPS; False when it does not work."""
        if self._state != "ok":
            return False
        self._go("error", "the mains are gone; the kiosk runs on its battery and stops.")
        self._bench.note("power", "cut")
        self._bus.publish(PowerFailing())
        return True

    def back(self) -> bool:
        """Give the mains back; False when they are not cut."""
        if self._state != "error":
            return False
        self._go("ok", "simulated")
        self._bench.note("power", "back")
        self._bus.publish(PowerBack())
        return True

    def acts(self) -> dict[str, Callable[[], bool]]:
        """Return what can happen to the mains."""
        return {"cut": self.cut, "back": self.back}
