"""Device URLs -> devices."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from kiosk.config import Gpio
from kiosk.events import Bus
from kiosk.hardware.ports import Device, HardwareError
from kiosk.hardware.sim import SimBench, SimButton, SimBuzzer, SimDisplay, SimLights, SimScanner

LATER = (
    "qrview+serial",
    "qrview+socket",
    "cd5220+serial",
    "cd5220+socket",
    "escpos-pole+serial",
    "escpos-pole+socket",
)


def open_scanner(name: str, url: str, bench: SimBench, bus: Bus) -> Device:
    """Build a scanner."""
    parts = urlsplit(url)
    if parts.scheme == "sim":
        return SimScanner(name, bench, bus)
    if parts.scheme in ("serial", "hid"):
        if not parts.path.startswith("/"):
            raise HardwareError(f"scanner {name}: {url} names no device; write {parts.scheme}:///dev/....")
        baud = parse_qs(parts.query).get("baud", ["9600"])[0]
        if not baud.isdigit():
            raise HardwareError(f"scanner {name}: baud={baud} is not a number, such as 9600.")
        if parts.scheme == "hid":
            from kiosk.hardware.hid_scanner import HidScanner

            return HidScanner(name, url, bus)
    elif parts.scheme == "socket":
        if not parts.hostname or not _port(parts):
            raise HardwareError(
                f"scanner {name}: {url} names no host and port; write socket://192.168.1.60:4001."
            )
    else:
        raise HardwareError(
            f"scanner {name}: {url} is no scanner address; there are serial:///dev/..., hid:///dev/..., socket://host:port, sim://."
        )
    from kiosk.hardware.serial_scanner import StreamScanner

    return StreamScanner(name, url, bus)


def _port(parts: Any) -> int | None:
    try:
        number: int | None = parts.port
    except ValueError:
        return None
    return number


def open_display(name: str, url: str, bench: SimBench, bus: Bus) -> SimDisplay:
    """Build a small display."""
    scheme = urlsplit(url).scheme
    if scheme == "sim":
        return SimDisplay(name, bench, bus)
    if scheme in LATER:
        raise HardwareError(
            f"display {name}: {scheme}:// is not part of this version; remove it, the counter page shows the same."
        )
    raise HardwareError(f"display {name}: {url} is no display address; there is sim://.")


class Pins:
    """Button, lights and buzzer as configured."""

    def __init__(self, settings: Gpio, bench: SimBench, bus: Bus) -> None:
        self.button: Any = None
        self.lights: Any = None
        self.buzzer: Any = None
        colours = {c: p for c in ("red", "green", "blue") if (p := getattr(settings, c)) is not None}
        if settings.factory == "sim":
            self.button = SimButton("button", bench, bus) if settings.button is not None else None
            self.lights = SimLights("lights", bench, bus) if colours else None
            self.buzzer = SimBuzzer("buzzer", bench, bus) if settings.buzzer is not None else None
        elif settings.factory != "none":
            from kiosk.hardware.gpio import GpioButton, GpioBuzzer, GpioLights, pin_factory

            factory = pin_factory(settings.factory)
            self.button = (
                GpioButton("button", settings.button, factory, bus) if settings.button is not None else None
            )
            self.lights = GpioLights("lights", colours, factory, bus) if colours else None
            self.buzzer = (
                GpioBuzzer("buzzer", settings.buzzer, factory, bus) if settings.buzzer is not None else None
            )

    def all(self) -> list[Device]:
        """Return the devices that there are."""
        return [d for d in (self.button, self.lights, self.buzzer) if d is not None]
