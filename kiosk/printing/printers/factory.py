"""Printer URLs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from kiosk.printing.printers.port import Printer, PrinterError
from kiosk.printing.profiles import Profile, ProfileError, profile

if TYPE_CHECKING:
    from kiosk.printing.printers.accounts import Accounts
    from kiosk.printing.printers.hub_printer import Via

KNOWN = (
    "tcp://host:9100, lp:///dev/usb/lp0, serial:///dev/ttyAMA0?baud=115200, usb://0416:5011, feie://SN, "
    "yilianyun://MACHINE, hub+feie://SN, hub+yilianyun://MACHINE, socket://host:port, virtual://DIR"
)
USB_ID = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})")
NUMBER = re.compile(r"[0-9A-Za-z]{6,20}")
"""What an SN at Feie or a machine code at Yilianyun looks like."""


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
    parts = urlsplit(url)
    try:
        used = profile(profile_name, override)
    except ProfileError as err:
        raise PrinterError(f"printer {name}: {err}") from err
    if (make := _MAKERS.get(parts.scheme)) is not None:
        return make(name, url, parts, used)
    if parts.scheme in ("feie", "yilianyun"):
        return _cloud(name, url, parts, used, accounts)
    if parts.scheme in ("hub+feie", "hub+yilianyun"):
        return _through_hub(name, url, parts, used, via)
    raise PrinterError(f"printer {name}: {url} is no printer address; there are {KNOWN}.")


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


def _cloud(name: str, url: str, parts: SplitResult, used: Profile, accounts: Accounts | None) -> Printer:
    if not NUMBER.fullmatch(parts.netloc):
        example = "feie://920000001" if parts.scheme == "feie" else "yilianyun://4004500001"
        raise PrinterError(
            f"printer {name}: {url} names no printer; write {example}, the number on the printer's label."
        )
    if accounts is None:
        from kiosk.printing.printers.accounts import Accounts

        accounts = Accounts()
    if parts.scheme == "feie":
        from kiosk.printing.printers.feie import FeiePrinter

        return FeiePrinter(name, url, used, parts.netloc, accounts.of_feie(name))
    from kiosk.printing.printers.yilianyun import YilianyunPrinter

    return YilianyunPrinter(name, url, used, parts.netloc, accounts.of_yilianyun(name))


def _through_hub(name: str, url: str, parts: SplitResult, used: Profile, via: Via | None) -> Printer:
    from kiosk.printing.printers.hub_printer import HubPrinter

    if not NUMBER.fullmatch(parts.netloc):
        raise PrinterError(
            f"printer {name}: {url} names no printer; write {parts.scheme}:// and the number on the printer's label."
        )
    if via is None:
        raise PrinterError(
            f"printer {name}: {parts.scheme}:// prints through the hub, from the daemon of a kiosk whose kiosk.toml names "
            f"one: set hub.url, or use {parts.scheme.removeprefix('hub+')}:// with an account of the shop's own."
        )
    return HubPrinter(
        name, url, used, "feie" if parts.scheme == "hub+feie" else "yilianyun", parts.netloc, via
    )


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
