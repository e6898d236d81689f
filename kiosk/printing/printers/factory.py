"""Printer URLs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from kiosk.printing.printers.port import Printer, PrinterError
from kiosk.printing.profiles import ProfileError, profile

LATER = {
    "usb": "use lp:///dev/usb/lp0, which the usblp driver of the kernel serves",
    "feie": "cloud printers are not part of this version; use tcp://, lp:// or serial://",
    "yilianyun": "cloud printers are not part of this version; use tcp://, lp:// or serial://",
    "hub+feie": "cloud printers are not part of this version; use tcp://, lp:// or serial://",
    "hub+yilianyun": "cloud printers are not part of this version; use tcp://, lp:// or serial://",
}
KNOWN = (
    "tcp://host:9100, lp:///dev/usb/lp0, serial:///dev/ttyAMA0?baud=115200, socket://host:port, virtual://DIR"
)


def open_printer(name: str, url: str, profile_name: str) -> Printer:
    """Build the printer of a URL; PrinterError says what is wrong with it."""
    from kiosk.printing.printers.device import DevicePrinter
    from kiosk.printing.printers.network import NetworkPrinter
    from kiosk.printing.printers.virtual import VirtualPrinter

    parts = urlsplit(url)
    try:
        used = profile(profile_name)
        port = parts.port
    except ProfileError as err:
        raise PrinterError(f"printer {name}: {err}") from err
    except ValueError:
        raise PrinterError(
            f"printer {name}: {url} has no port number that exists; ports go from 1 to 65535."
        ) from None
    if parts.scheme in ("tcp", "socket"):
        if not parts.hostname:
            raise PrinterError(f"printer {name}: {url} names no host; write tcp://192.168.1.50:9100.")
        return NetworkPrinter(name, url, used, parts.hostname, port or 9100)
    if parts.scheme == "virtual":
        if not (parts.netloc + parts.path).strip("/"):
            raise PrinterError(
                f"printer {name}: {url} names no directory; write virtual:///var/lib/kiosk/slips."
            )
        return VirtualPrinter(name, url, used, Path(parts.netloc + parts.path))
    if parts.scheme in ("lp", "serial"):
        if not parts.path.startswith("/"):
            raise PrinterError(f"printer {name}: {url} names no device; write {parts.scheme}:///dev/....")
        return DevicePrinter(
            name, url, used, parts.path, _baud(name, url, parts.query) if parts.scheme == "serial" else None
        )
    if parts.scheme in LATER:
        raise PrinterError(f"printer {name}: {parts.scheme}:// cannot be used yet: {LATER[parts.scheme]}.")
    raise PrinterError(f"printer {name}: {url} is no printer address; there are {KNOWN}.")


def _baud(name: str, url: str, query: str) -> int:
    text = parse_qs(query).get("baud", ["9600"])[0]
    if not text.isdigit():
        raise PrinterError(f"printer {name}: baud={text} in {url} is not a number, such as 9600 or 115200.")
    return int(text)
