"""Simulated devices: behind `sim://`, driven by tests, the tour and the page of simulated devices.

Each can be given a fault by name, as its real sister gets it from the world: `gone` (unplugged), `noise` (bytes that mean
nothing before each code), `slow` (a second late), `stuck` and `chatter` (a button), `silent` (a display that never answers).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kiosk.events import Bus, LightsChanged, Pressed, Scanned, Sounded
from kiosk.hardware.ports import State
from kiosk.hardware.scan_line import parse
from kiosk.hardware.stated import Stated

KEEP = 50
SLOW_S = 1.0
DARK: dict[str, Any] = {"colour": "off", "pattern": "off", "seconds": 0.0}
NOISE = "\ufffd\x1b\ufffd\ufffd0\x7f"
FAULTS: dict[str, dict[str, tuple[State, str]]] = {
    "scanner": {"gone": ("absent", "unplugged"), "noise": ("ok", ""), "slow": ("ok", "")},
    "button": {"gone": ("absent", "unplugged"), "stuck": ("error", "has been down for 30 s: it is stuck."), "chatter": ("error", "chatters: check its wiring.")},
    "lights": {"gone": ("absent", "unplugged")},
    "buzzer": {"gone": ("absent", "unplugged")},
    "drawer": {"gone": ("absent", "unplugged")},
    "speaker": {"gone": ("absent", "unplugged"), "silent": ("error", "its service does not answer.")},
    "till": {"gone": ("absent", "unplugged")},
    "presence": {"gone": ("absent", "unplugged")},
    "power": {"gone": ("absent", "unplugged")},
    "display": {"gone": ("absent", "unplugged"), "silent": ("error", "does not answer.")},
}  # fmt: skip


class SimBench:
    """All simulated devices of one process."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.scanners: dict[str, SimScanner] = {}
        self.buttons: dict[str, SimButton] = {}
        self.lights = dict(DARK)
        self.sounds: list[str] = []
        self.displays: dict[str, dict[str, Any]] = {}
        self.drawers: dict[str, int] = {}
        self.said: dict[str, list[str]] = {}
        self.all: dict[str, SimDevice] = {}
        self.log: list[dict[str, Any]] = []
        self.version = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def present(self) -> bool:
        """Tell whether any device of this process is simulated."""
        return bool(self.all)

    def press(self, name: str = "button") -> bool:
        """Press a button; False when there is none of that name, or it does not work."""
        button = self.buttons.get(name)
        return button is not None and button.press()

    def scan(self, name: str, text: str) -> bool:
        """Hold a code under a scanner; False when there is none of that name, or it does not work."""
        scanner = self.scanners.get(name)
        return scanner is not None and scanner.scan(text)

    def fault(self, device: str, fault: str) -> None:
        """Give a device (`scanner:till`) a fault; `none` mends it. ValueError names what there is."""
        found = self.all.get(device)
        if found is None:
            raise ValueError(f"there is no simulated {device}; there are {', '.join(sorted(self.all))}.")
        found.set_fault(fault)
        self.note("fault", f"{device} {fault}")

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
            "scanners": list(self.scanners),
            "buttons": list(self.buttons),
            "lights": self.lights,
            "sounds": self.sounds[-KEEP:],
            "displays": self.displays,
            "drawers": self.drawers,
            "said": self.said,
            "devices": {key: d.fault for key, d in self.all.items()},
            "log": self.log[-12:],
        }


class SimDevice(Stated):
    """What simulated devices share."""

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, "sim://", bus, "simulated")
        self._bench = bench
        bench.all[f"{self.kind}:{name}"] = self
        self.fault = "none"
        self._started = False

    async def start(self) -> None:
        """Plug in."""
        self._started = True
        self._show_state()

    async def stop(self) -> None:
        """Unplug."""
        self._started = False
        self._go("absent", "stopped")

    def set_fault(self, fault: str) -> None:
        """Break it, or mend it with `none`."""
        known = FAULTS[self.kind]
        if fault != "none" and fault not in known:
            raise ValueError(f"a {self.kind} has no fault {fault}; there are none, {', '.join(known)}.")
        self.fault = fault
        if self._started:
            self._show_state()

    def _show_state(self) -> None:
        state, detail = FAULTS[self.kind].get(self.fault, ("ok", ""))
        self._go(state, detail or "simulated")


class SimScanner(SimDevice):
    """A scanner to type into. Each call is a code shown anew: the repeat window is the reader's, not the hand's."""

    kind = "scanner"

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        self._late: set[asyncio.TimerHandle] = set()
        bench.scanners[name] = self

    def scan(self, text: str) -> bool:
        """Read a code; False when it is not there."""
        if self._state != "ok":
            return False
        self._bench.note("scanned", self.name)
        if self.fault == "noise":
            self._bus.publish(Scanned(text=NOISE, scanner=self.name))
        if self.fault == "slow":
            self._late.add(asyncio.get_running_loop().call_later(SLOW_S, self._read, text))
        else:
            self._read(text)
        return True

    def _read(self, text: str) -> None:
        self._bus.publish(Scanned(text=parse(text).text, scanner=self.name))

    async def stop(self) -> None:
        """Unplug; what was late is lost."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        await super().stop()


class SimButton(SimDevice):
    """A button to press."""

    kind = "button"

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        bench.buttons[name] = self

    def press(self) -> bool:
        """Press it; False when it does not work."""
        if self._state != "ok":
            return False
        self._bench.note("pressed", self.name)
        self._bus.publish(Pressed(button=self.name))
        return True


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


class SimDisplay(SimDevice):
    """A small display to read; it shows the last again when it comes back."""

    kind = "display"
    max_bytes = 1000

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        self._want: dict[str, Any] | None = None

    def show_code(self, data: str, lines: tuple[str, ...]) -> None:
        """Show a code and text."""
        self._want = {"data": data, "lines": list(lines)}
        self._paint()

    def _paint(self) -> None:
        if self._state == "ok" and self._want is not None:
            self._bench.displays[self.name] = self._want
            self._bench.note("display", self.name)

    def _go(self, state: State, detail: str = "") -> None:
        super()._go(state, detail)
        if state == "ok":
            self._paint()
        else:
            self._bench.displays.pop(self.name, None)


class SimDrawer(SimDevice):
    """A cash drawer to hear."""

    kind = "drawer"

    def open(self) -> bool:
        """Open it; False when it does not work."""
        if self._state != "ok":
            return False
        self._bench.drawers[self.name] = self._bench.drawers.get(self.name, 0) + 1
        self._bench.note("drawer", self.name)
        return True
