"""Simulated lights, buzzer and drawer: what only listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from kiosk.events import Bus, LightsChanged, Sounded
from kiosk.hardware.signals import DrawerOpened
from kiosk.hardware.sim import DARK, KEEP, SimBench, SimDevice


class SimLights(SimDevice):
    """A light to look at; dark again after its time."""

    kind = "lights"

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        self._off: asyncio.TimerHandle | None = None

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        """Show a colour for a while."""
        if self._state != "ok":
            return
        if self._off is not None:
            self._off.cancel()
        self._off = asyncio.get_running_loop().call_later(seconds, self._dark)
        self._set({"colour": colour, "pattern": pattern, "seconds": seconds})

    def shows(self) -> str:
        """Return colour and rhythm."""
        return f"{self._bench.lights['colour']} {self._bench.lights['pattern']}"

    def _dark(self) -> None:
        self._off = None
        self._set(dict(DARK))

    def _set(self, lights: dict[str, Any]) -> None:
        self._bench.lights = lights
        self._bench.note("light", f"{lights['colour']} {lights['pattern']}")
        self._bus.publish(LightsChanged(colour=lights["colour"], pattern=lights["pattern"]))

    async def stop(self) -> None:
        """Go dark."""
        if self._off is not None:
            self._off.cancel()
            self._dark()
        await super().stop()


class SimBuzzer(SimDevice):
    """A buzzer to listen to."""

    kind = "buzzer"

    def play(self, sound: str) -> None:
        """Play beeps."""
        if self._state != "ok":
            return
        self._bench.sounds.append(sound)
        del self._bench.sounds[:-KEEP]
        self._bench.note("sound", sound)
        self._bus.publish(Sounded(sound=sound))

    def shows(self) -> str:
        """Return what it played last."""
        return self._bench.sounds[-1] if self._bench.sounds else ""


class SimDrawer(SimDevice):
    """A cash drawer to hear."""

    kind = "drawer"

    def open(self, by: str = "") -> bool:
        """Open it; False when it does not work."""
        if self._state != "ok":
            return False
        self._bench.drawers[self.name] = self._bench.drawers.get(self.name, 0) + 1
        self._bench.note("drawer", self.name)
        self._bus.publish(DrawerOpened(drawer=self.name, by=by))
        return True

    def acts(self) -> dict[str, Callable[[], bool]]:
        """Return what a hand can do: the key that every drawer has is not on record, this is."""
        return {"open": lambda: self.open(by="bench")}

    def shows(self) -> str:
        """Return how often it was opened."""
        return str(self._bench.drawers.get(self.name, 0))
