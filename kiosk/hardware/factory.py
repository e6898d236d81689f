"""Device URLs -> devices."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

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
