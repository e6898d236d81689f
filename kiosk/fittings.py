"""What hangs on this kiosk, built from its settings: pins, scanners, displays, speakers, printers. Nothing is opened here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kiosk.config import Settings, secret
from kiosk.events import Bus
from kiosk.hardware.factory import Pins, open_display, open_scanner, open_till
from kiosk.hardware.hotplug import HotPlug
from kiosk.hardware.ports import Device, HardwareError, Speaker, Till, draws, experimental
from kiosk.hardware.sim import SimBench
from kiosk.hardware.speakers.factory import open_speaker
from kiosk.hardware.speakers.local import open_local
from kiosk.printing.printers.accounts import Accounts
from kiosk.printing.printers.factory import open_printer
from kiosk.printing.printers.port import Printer
from kiosk.sync.print_via import HubVia


class Fittings:
    """The devices and printers of one kiosk; HardwareError, PrinterError or ConfigError when a setting makes no sense."""

    def __init__(self, s: Settings, bus: Bus, data_dir: Path) -> None:
        self.bench = SimBench(bus)
        self.pins = Pins(s.gpio, self.bench, bus)
        self.scanners = [open_scanner(n, c.url, self.bench, bus) for n, c in s.scanners.items()]
        self.displays = [open_display(n, c.url, self.bench, bus, c.brightness) for n, c in s.displays.items()]
        self.speakers = _speakers(s, self.bench, bus)
        self.tills = _tills(s, self.bench, bus)
        self.devices: list[Device] = [
            *self.pins.all(),
            *self.scanners,
            *self.tills.values(),
            *self.displays,
            *self.speakers,
        ]
        self._settings, self._dir = s, data_dir
        self.via = HubVia() if s.hub.url else None
        self.mains, self.mirrors = _printers(s, data_dir, self.via)
        self.hot_plug = HotPlug(self.devices, bus)

    def printer(self, name: str, url: str, profile: str) -> Printer:
        """Build a printer that is not in the settings (yet); PrinterError or ConfigError says what is wrong with it."""
        accounts = Accounts.of(self._settings, self._dir)
        return open_printer(name, url, profile, accounts=accounts, via=self.via)

    def rows(self) -> list[dict[str, Any]]:
        """List the devices: configured, then what is plugged in besides; what nothing drives is said, never hidden."""
        rows = [
            {
                "kind": d.kind,
                "name": d.name,
                "state": d.state,
                "url": d.url,
                "detail": _told(d),
                "experimental": experimental(d),
            }
            for d in self.devices
        ]
        urls = [*(d.url for d in self.devices), *(p.url for p in (*self.mains, *self.mirrors))]
        configured = {_place(url) for url in urls}
        for found in self.hot_plug.found:
            if found.url and _place(found.url) in configured:
                continue
            state = "not configured" if found.url else "not supported"
            rows.append(
                {
                    "kind": found.kind,
                    "name": found.name,
                    "state": state,
                    "url": found.url,
                    "detail": found.detail,
                    "experimental": False,
                }
            )
        return rows


def _told(device: Device) -> str:
    """Return what is known of a device; a display says besides what it can draw."""
    words = f"{'experimental: ' if experimental(device) else ''}{device.detail}"
    return f"{words}; {qr}" if (qr := draws(device)) else words


def _place(url: str) -> str:
    """Return what an address stands for: its device file, whichever link names it and whatever speaks there."""
    path = urlsplit(url).path
    return os.path.realpath(path) if path.startswith("/dev/") else url


def _speakers(s: Settings, bench: SimBench, bus: Bus) -> list[Speaker]:
    made: list[Speaker] = []
    if (sound := open_local(s.sound, s.locale, bus)) is not None:
        made.append(sound)
    for name, c in s.speakers.items():
        token = secret("", c.token_file, f"speakers.{name}.token_file") if c.token_file else ""
        made.append(open_speaker(name, c.url, bench, bus, token=token, user=c.user, base_url=c.base_url))
    return made


def _tills(s: Settings, bench: SimBench, bus: Bus) -> dict[str, Till]:
    for name, c in s.tills.items():
        if c.scanner and c.scanner not in s.scanners:
            known = ", ".join(s.scanners) or "none"
            raise HardwareError(
                f"tills.{name}.scanner = {c.scanner}: there is no such scanner; there are: {known}."
            )
    return {name: open_till(name, c.url, bench, bus) for name, c in s.tills.items()}


def _printers(s: Settings, data_dir: Path, via: HubVia | None) -> tuple[list[Printer], list[Printer]]:
    """Return the printers in the order written, and those that get a copy of every slip."""
    accounts = Accounts.of(s, data_dir) if s.printers else None
    mains: list[Printer] = []
    mirrors: list[Printer] = []
    for name, c in s.printers.items():
        printer = open_printer(name, c.url, c.profile, accounts=accounts, override=c.override, via=via)
        (mirrors if c.mirror else mains).append(printer)
    return mains, mirrors
