"""Device URLs -> devices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from kiosk.config import Gpio
from kiosk.events import Bus
from kiosk.hardware.address import parse
from kiosk.hardware.ports import Device, Display, HardwareError, Till
from kiosk.hardware.sim import SimBench
from kiosk.hardware.sim_display import SimDisplay
from kiosk.hardware.sim_inputs import SimButton, SimPower, SimPresence
from kiosk.hardware.sim_outputs import SimBuzzer, SimDrawer, SimLights
from kiosk.hardware.sim_scanner import SimScanner


def shop_time() -> datetime:
    """Return the time of day of the shop."""
    return datetime.now(ZoneInfo("Asia/Shanghai"))


def open_scanner(name: str, url: str, bench: SimBench, bus: Bus) -> Device:
    """Build a scanner."""
    scheme = urlsplit(url).scheme
    if scheme == "sim":
        return SimScanner(name, bench, bus)
    if scheme == "hid":
        from kiosk.hardware.hid_scanner import HidScanner

        return HidScanner(name, url, bus)
    if scheme in ("serial", "socket"):
        from kiosk.hardware.serial_scanner import StreamScanner

        return StreamScanner(name, url, bus)
    raise HardwareError(
        f"scanner {name}: {url} is no scanner address; there are serial:///dev/..., hid:///dev/..., socket://host:port, sim://."
    )


def open_display(name: str, url: str, bench: SimBench, bus: Bus, brightness: int = 80) -> Display:
    """Build a small display; brightness is in per cent."""
    scheme = urlsplit(url).scheme
    if scheme == "sim":
        return SimDisplay(name, bench, bus)
    family, _, wire = scheme.partition("+")
    if wire not in ("serial", "socket") or family not in languages():
        known = ", ".join(f"{family}+serial:///dev/..." for family in languages())
        raise HardwareError(
            f"display {name}: {url} is no display address; there are {known}, each with +socket://host:port too, sim://."
        )
    from kiosk.hardware.displays.stream import StreamDisplay

    kind, what = languages()[family], f"display {name}"
    address = parse(what, url, baud=kind.baud, options=kind.options)
    return StreamDisplay(name, url, address, kind(what, address.options), brightness, bus)


def open_till(name: str, url: str, bench: SimBench, bus: Bus) -> Till:
    """Build the line to a cash register."""
    scheme = urlsplit(url).scheme
    if scheme == "sim":
        from kiosk.hardware.sim_till import SimTill

        return SimTill(name, bench, bus)
    if scheme in ("serial", "socket"):
        from kiosk.hardware.till import StreamTill

        return StreamTill(name, url, bus)
    raise HardwareError(
        f"till {name}: {url} is no till address; there are serial:///dev/..., socket://host:port, sim://."
    )


@cache
def languages() -> dict[str, Any]:
    """Return the families of displays by the first word of their address; loaded when the first one is opened."""
    from kiosk.hardware.displays.dwin import Dwin
    from kiosk.hardware.displays.mertech import Mertech
    from kiosk.hardware.displays.pole import Cd5220, EscposPole
    from kiosk.hardware.displays.qrview import QrView
    from kiosk.hardware.displays.tjc import Tjc

    return {kind.name: kind for kind in (QrView, Mertech, Tjc, Dwin, Cd5220, EscposPole)}


class Pins:
    """Button, lights, buzzer, drawer and sensors as configured; the attributes are None where there is none."""

    def __init__(
        self, settings: Gpio, bench: SimBench, bus: Bus, now: Callable[[], datetime] = shop_time
    ) -> None:
        self.button: Any = None
        self.lights: Any = None
        self.buzzer: Any = None
        self.drawer: Any = None
        self.presence: Any = None
        self.power: Any = None
        self.board: Any = None
        colours = {c: p for c in ("red", "green", "blue") if (p := getattr(settings, c)) is not None}
        _no_pin_twice(settings)
        if settings.factory == "sim":
            self._simulate(settings, colours, bench, bus)
        elif settings.factory != "none":
            self._wire(settings, colours, bus, now)

    def _simulate(self, s: Gpio, colours: dict[str, int], bench: SimBench, bus: Bus) -> None:
        self.button = SimButton("button", bench, bus) if s.button is not None else None
        self.lights = SimLights("lights", bench, bus) if colours else None
        self.buzzer = SimBuzzer("buzzer", bench, bus) if s.buzzer is not None else None
        self.drawer = SimDrawer("drawer", bench, bus) if s.drawer is not None else None
        self.presence = SimPresence("presence", bench, bus) if s.presence is not None else None
        self.power = SimPower("power", bench, bus) if s.power_good is not None else None

    def _wire(self, s: Gpio, colours: dict[str, int], bus: Bus, now: Callable[[], datetime]) -> None:
        from kiosk.hardware.board import Board
        from kiosk.hardware.inputs import GpioButton, GpioPower, GpioPresence
        from kiosk.hardware.outputs import GpioBuzzer, GpioLights, GpioRelay

        board = self.board = Board(s.factory)
        if s.button is not None:
            self.button = GpioButton("button", s.button, board, bus, hold_s=s.hold_s)
        if colours:
            self.lights = GpioLights("lights", colours, board, bus)
        if s.buzzer is not None:
            hours = _time(s.quiet_from), _time(s.quiet_to)
            passive = s.buzzer_kind == "passive"
            self.buzzer = GpioBuzzer("buzzer", s.buzzer, board, bus, passive=passive, hours=hours, now=now)
        if s.drawer is not None:
            self.drawer = GpioRelay("drawer", s.drawer, board, bus, pulse_s=s.drawer_pulse_s)
        if s.presence is not None:
            self.presence = GpioPresence("presence", s.presence, board, bus, hold_s=s.presence_hold_s)
        if s.power_good is not None:
            good_high = s.power_good_level == "high"
            self.power = GpioPower("power", s.power_good, board, bus, good_high=good_high)

    def all(self) -> list[Device]:
        """Return the devices that there are."""
        every = (self.button, self.lights, self.buzzer, self.drawer, self.presence, self.power)
        return [d for d in every if d is not None]


LINES = ("button", "red", "green", "blue", "buzzer", "drawer", "presence", "power_good")
RESERVED = {
    0: "belongs to the identity chip of add-on boards",
    1: "belongs to the identity chip of add-on boards",
}


def _no_pin_twice(settings: Gpio) -> None:
    """Refuse a pin that two lines share, and the two that are no pins for a shop."""
    used: dict[int, str] = {}
    for line in LINES:
        if (pin := getattr(settings, line)) is None:
            continue
        if pin in RESERVED:
            raise HardwareError(
                f"gpio.{line} = {pin}: pin {pin} {RESERVED[pin]}; choose another, such as 17."
            )
        if pin in used:
            raise HardwareError(
                f"gpio.{line} = {pin}: gpio.{used[pin]} has this pin already; choose another."
            )
        used[pin] = line


def _time(text: str) -> time | None:
    return time.fromisoformat(text) if text else None
