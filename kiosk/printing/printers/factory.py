"""Printer URLs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from kiosk.printing.printers.accounts import Accounts
from kiosk.printing.printers.clouds import MODULES, Driver, driver
from kiosk.printing.printers.port import Printer, PrinterError
from kiosk.printing.profiles import Profile, ProfileError, profile

if TYPE_CHECKING:
    from kiosk.printing.printers.hub_printer import Via

USB_ID = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})")
NUMBER = re.compile(r"[0-9A-Za-z]{6,20}")
"""What the number of a printer at a cloud looks like."""


def known() -> str:
    """Return every form of address."""
    own = "tcp://host:9100, lp:///dev/usb/lp0, serial:///dev/ttyAMA0?baud=115200, usb://0416:5011"
    at_clouds = [f"{scheme}://NUMBER, hub+{scheme}://NUMBER" for scheme in MODULES]
    return ", ".join((own, *at_clouds, "socket://host:port, virtual://DIR"))


def open_printer(
    name: str,
    url: str,
    profile_name: str,
    *,
    accounts: Accounts | None = None,
    via: Via | None = None,
    override: Mapping[str, Any] | None = None,
) -> Printer:
    """Build the printer of a URL; PrinterError says what is wrong with it.

    `accounts`: the shop's own at the clouds. `via`: the way to the hub, where one is configured. `override` changes what the profile says of this one.
    """
    try:
        parts = urlsplit(url)
    except ValueError as err:
        raise PrinterError(f"printer {name}: {url} is no address ({err}); there are {known()}.") from err
    try:
        used = profile(profile_name, override)
    except ProfileError as err:
        raise PrinterError(f"printer {name}: {err}") from err
    if (make := _MAKERS.get(parts.scheme)) is not None:
        return make(name, url, parts, used)
    if (cloud := driver(parts.scheme.removeprefix("hub+"))) is not None:
        _check(name, url, parts, used, cloud)
        if parts.scheme != cloud.scheme:
            return _through_hub(name, url, parts, used, cloud, via)
        return cloud.open(name, url, used, parts.netloc, (accounts or Accounts()).get(name, cloud))
    raise PrinterError(f"printer {name}: {url} is no printer address; there are {known()}.")


def _network(name: str, url: str, parts: SplitResult, used: Profile) -> Printer:
    from kiosk.printing.printers.network import NetworkPrinter

    try:
        port = parts.port
    except ValueError:
        raise PrinterError(
            f"printer {name}: {url} has no port number that exists; ports go from 1 to 65535."
        ) from None
    if not parts.hostname:
        raise PrinterError(f"printer {name}: {url} names no host; write tcp://192.168.1.50:9100.")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise PrinterError(
            f"printer {name}: {url} names a host that cannot exist: look for a dot too many; write tcp://192.168.1.50:9100."
        ) from None
    return NetworkPrinter(name, url, used, parts.hostname, port or 9100)


def _virtual(name: str, url: str, parts: SplitResult, used: Profile) -> Printer:
    from kiosk.printing.printers.virtual import VirtualPrinter

    if not (parts.netloc + parts.path).strip("/"):
        raise PrinterError(f"printer {name}: {url} names no directory; write virtual:///var/lib/kiosk/slips.")
    return VirtualPrinter(name, url, used, Path(parts.netloc + parts.path))


def _device(name: str, url: str, parts: SplitResult, used: Profile) -> Printer:
    from kiosk.printing.printers.device import DevicePrinter

    if parts.netloc or not parts.path.startswith("/"):  # lp://dev/usb/lp0 has a host, and another path
        raise PrinterError(f"printer {name}: {url} names no device; write {parts.scheme}:///dev/....")
    baud = _baud(name, url, parts.query) if parts.scheme == "serial" else None
    return DevicePrinter(name, url, used, parts.path, baud)


def _usb(name: str, url: str, parts: SplitResult, used: Profile) -> Printer:
    from kiosk.printing.printers.usb import UsbPrinter
    from kiosk.printing.printers.usb_device import Address

    if (ids := USB_ID.fullmatch(parts.netloc)) is None:
        raise PrinterError(
            f"printer {name}: {url} does not name a device by vendor and product; write usb://0416:5011, the two "
            "numbers of four hexadecimal digits that lsusb shows."
        )
    query = parse_qs(parts.query)
    serial, port = query.get("serial", [""])[0], query.get("port", [""])[0]
    return UsbPrinter(name, url, used, Address(int(ids[1], 16), int(ids[2], 16), serial, port))


def _check(name: str, url: str, parts: SplitResult, used: Profile, cloud: Driver) -> None:
    """Refuse an address without a number, and paper that the cloud's printers do not take."""
    if not NUMBER.fullmatch(parts.netloc):
        raise PrinterError(
            f"printer {name}: {url} names no printer; write {parts.scheme}://{cloud.example}, the number on the printer's label."
        )
    if used.columns not in cloud.can.columns:
        fits = " or ".join(str(c) for c in cloud.can.columns)
        raise PrinterError(
            f"printer {name}: the profile has {used.columns} columns, printers at {cloud.title} have {fits}; "
            "use generic-58 or generic-80."
        )


def _through_hub(
    name: str, url: str, parts: SplitResult, used: Profile, cloud: Driver, via: Via | None
) -> Printer:
    from kiosk.printing.printers.hub_printer import HubPrinter

    if via is None:
        raise PrinterError(
            f"printer {name}: {parts.scheme}:// prints through the hub, from the daemon of a kiosk whose kiosk.toml names "
            f"one: set hub.url, or use {cloud.scheme}:// with an account of the shop's own."
        )
    return HubPrinter(name, url, used, cloud.scheme, parts.netloc, via)


def _baud(name: str, url: str, query: str) -> int:
    text = parse_qs(query).get("baud", ["9600"])[0]
    if not text.isdigit():
        raise PrinterError(f"printer {name}: baud={text} in {url} is not a number, such as 9600 or 115200.")
    return int(text)


_MAKERS: dict[str, Callable[[str, str, SplitResult, Profile], Printer]] = {
    "tcp": _network,
    "socket": _network,
    "virtual": _virtual,
    "lp": _device,
    "serial": _device,
    "usb": _usb,
}
