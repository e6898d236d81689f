"""What every device has: a name, a state and a sentence about it, told on the bus when the state changes."""

from __future__ import annotations

from kiosk.events import Bus, DeviceState
from kiosk.hardware.ports import State


class Stated:
    """Keeps the state of a device."""

    kind = ""

    def __init__(self, name: str, url: str, bus: Bus, detail: str = "") -> None:
        self.name, self.url, self._bus = name, url, bus
        self._state: State = "starting"
        self._detail = detail

    @property
    def state(self) -> State:
        """Return how it is."""
        return self._state

    @property
    def detail(self) -> str:
        """Return a sentence about the state."""
        return self._detail

    def _go(self, state: State, detail: str = "") -> None:
        changed = state != self._state
        self._state, self._detail = state, detail
        if changed:
            self._bus.publish(DeviceState(device=f"{self.kind}:{self.name}", state=state, detail=detail))
