"""Simulated devices: behind `sim://`, driven by tests, the tour and the page of simulated devices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kiosk.events import Bus, DeviceState, LightsChanged, Pressed, Scanned, Sounded
from kiosk.hardware.ports import State

KEEP = 50


class SimBench:
    """All simulated devices of one process."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.scanners: dict[str, SimScanner] = {}
        self.buttons: dict[str, SimButton] = {}
        self.lights = {"colour": "off", "pattern": "off", "seconds": 0.0}
        self.sounds: list[str] = []
        self.displays: dict[str, dict[str, Any]] = {}
        self.devices: set[str] = set()
        self.log: list[dict[str, Any]] = []
        self.version = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def present(self) -> bool:
        """Tell whether any device of this process is simulated."""
        return bool(self.devices)

    def press(self, name: str = "button") -> bool:
        """Press a button; False when there is none of that name."""
        button = self.buttons.get(name)
        if button is None or button.state != "ok":
            return False
        self.note("pressed", name)
        self._bus.publish(Pressed(button=name))
        return True

    def scan(self, name: str, text: str) -> bool:
        """Hold a code under a scanner; False when there is none of that name."""
        scanner = self.scanners.get(name)
        if scanner is None or scanner.state != "ok":
            return False
        self.note("scanned", name)
        self._bus.publish(Scanned(text=text, scanner=name))
        return True

    def note(self, what: str, detail: str) -> None:
        """Note that something happened and tell who watches. Scanned texts are not kept."""
        self.version += 1
        self.log = [
            *self.log[-KEEP:],
            {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "what": what, "detail": detail},
        ]
        for listener in list(self._listeners):
            listener()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each change; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def state(self) -> dict[str, Any]:
        """Return everything the page of simulated devices shows."""
        return {
            "version": self.version,
            "scanners": [s.name for s in self.scanners.values()],
            "buttons": [b.name for b in self.buttons.values()],
            "lights": self.lights,
            "sounds": self.sounds[-KEEP:],
            "displays": self.displays,
            "log": self.log[-12:],
        }


class _Sim:
    """What simulated devices share."""

    kind = ""

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        self.name, self.url, self._bench, self._bus = name, "sim://", bench, bus
        bench.devices.add(f"{self.kind}:{name}")
        self._state: State = "starting"

    @property
    def state(self) -> State:
        """Return how it is."""
        return self._state

    @property
    def detail(self) -> str:
        """Say that it is simulated."""
        return "simulated"

    async def start(self) -> None:
        """Plug in."""
        self._go("ok")

    async def stop(self) -> None:
        """Unplug."""
        self._go("absent")

    def _go(self, state: State) -> None:
        self._state = state
        self._bus.publish(DeviceState(device=f"{self.kind}:{self.name}", state=state))


class SimScanner(_Sim):
    """A scanner to type into."""

    kind = "scanner"

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        bench.scanners[name] = self


class SimButton(_Sim):
    """A button to press."""

    kind = "button"

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        bench.buttons[name] = self


class SimLights(_Sim):
    """A light to look at."""

    kind = "lights"

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        """Show a colour."""
        self._bench.lights = {"colour": colour, "pattern": pattern, "seconds": seconds}
        self._bench.note("light", f"{colour} {pattern}")
        self._bus.publish(LightsChanged(colour=colour, pattern=pattern))


class SimBuzzer(_Sim):
    """A buzzer to listen to."""

    kind = "buzzer"

    def play(self, sound: str) -> None:
        """Play beeps."""
        self._bench.sounds.append(sound)
        self._bench.note("sound", sound)
        self._bus.publish(Sounded(sound=sound))


class SimDisplay(_Sim):
    """A small display to read."""

    kind = "display"

    def show_code(self, data: str, lines: tuple[str, ...]) -> None:
        """Show a code and text."""
        self._bench.displays[self.name] = {"data": data, "lines": list(lines)}
        self._bench.note("display", self.name)
