"""What is plugged in: the kernel's lists of serial lines, keyboards, USB printers and USB devices -> findings.

    scan(root: Path = Path("/")) -> list[Found]
    Found(kind, name, url, known, adapter, detail, identity)

`scan` reads `/sys` and `/dev` only (some milliseconds; no device is opened) and never raises for what it finds there.
`Found.kind` is scanner, display, printer, serial, keyboard or unknown; `url` is what to write into kiosk.toml, empty where
nothing drives the device; `known` says whether the table knows the model; `adapter` is the scheme of the address; `detail`
is a sentence. A device that nothing drives is listed as "not supported yet", never hidden. Identity is the serial number,
or the USB port where the maker gave none: `/dev/ttyUSB0` names whichever device was found first, so it is the last resort.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from kiosk.hardware.table import Kind, Model, look_up

NOT_YET = "not supported yet"
HUB_CLASS = "09"
CONSOLE = (
    "the system's own console is on this line; free it first (raspi-config, Interface Options, Serial Port)"
)
UART = "a serial line of the board; kiosk.toml says what hangs on it"
TYPES = "types like a keyboard; if it is a scanner, it reads through this address"
TWIN = "another one has the same serial number, so only the USB port tells them apart: label the ports"
LINKS = {
    "tty": ("dev/serial/by-id", "dev/serial/by-path"),
    "input": ("dev/input/by-id", "dev/input/by-path"),
    "usbmisc": ("dev/usb/by-id", "dev/usb/by-path"),
}
SCHEME = {"tty": "serial", "input": "hid", "usbmisc": "lp"}


class Found(msgspec.Struct, frozen=True):
    """One device that is plugged in."""

    kind: Kind
    name: str
    url: str
    known: bool
    adapter: str
    detail: str
    identity: str = ""
    """`VID:PID serial` or `VID:PID port`: what stays the same when it is plugged in again."""


class Usb(msgspec.Struct, frozen=True):
    """What a USB device says of itself."""

    port: str
    vid: str
    pid: str
    product: str
    serial: str

    @property
    def identity(self) -> str:
        """Return what names it for good."""
        return f"{self.vid}:{self.pid} {self.serial or 'port ' + self.port}"


def scan(root: Path = Path("/")) -> list[Found]:
    """List what is plugged in, sorted by kind and name."""
    found: list[Found] = []
    served: set[str] = set()
    every = list(_all_usb(root))
    twins = _twins(every)
    for bus, node, usb in _nodes(root):
        if usb is not None:
            served.add(usb.port)
        twin = usb is not None and usb.port in twins
        apart = msgspec.structs.replace(usb, serial="") if usb is not None and twin else usb
        made = _node(root, bus, node, apart)
        found.append(
            msgspec.structs.replace(made, detail=f"{TWIN}; {made.detail}".rstrip("; ")) if twin else made
        )
    found += [_unserved(usb) for usb in every if usb.port not in served]
    return sorted(found, key=lambda f: (f.kind == "unknown", f.kind, f.name, f.url))


def _twins(every: list[Usb]) -> set[str]:
    """Return the ports of devices whose maker gave one serial number to all: udev's link by it names whichever came last."""
    ports: dict[str, list[str]] = {}
    for usb in every:
        if usb.serial:
            ports.setdefault(usb.identity, []).append(usb.port)
    return {port for same in ports.values() if len(same) > 1 for port in same}


def _nodes(root: Path) -> Iterator[tuple[str, str, Usb | None]]:
    """Give each device file of interest with the USB device behind it."""
    for entry in _list(root / "sys/class/tty"):
        usb = _usb_above(entry / "device")
        board = entry.name.startswith(("ttyAMA", "ttyS")) and _read(entry / "type") not in ("", "0")
        if usb is not None or board:
            yield "tty", f"dev/{entry.name}", usb
    for entry in _list(root / "sys/class/input"):
        usb = _usb_above(entry / "device")
        if entry.name.startswith("event") and usb is not None and _types_letters(entry):
            yield "input", f"dev/input/{entry.name}", usb
    for entry in _list(root / "sys/class/usbmisc"):
        if entry.name.startswith("lp"):
            yield "usbmisc", f"dev/usb/{entry.name}", _usb_above(entry / "device")


def _types_letters(event: Path) -> bool:
    """Tell whether an input device has the keys 1 to 0 and Q (codes 2 to 11, 16): mice and power buttons have not."""
    words = _read(event / "device/capabilities/key").split()
    bits = int(words[-1], 16) if words else 0
    return all(bits >> code & 1 for code in (*range(2, 12), 16))


def _node(root: Path, bus: str, node: str, usb: Usb | None) -> Found:
    model = look_up(usb.vid, usb.pid) if usb else None
    kind, name = _kind(bus, usb, model)
    adapter = (model.adapter if model else "") or SCHEME[bus]
    if bus != "tty" or not adapter.endswith("serial"):
        adapter = SCHEME[bus]
    url = f"{adapter}:///{_stable(root, bus, node, usb)}"
    if node.removeprefix("dev/") in _read(root / "sys/class/tty/console/active").split():
        detail = CONSOLE
    elif model:
        detail = model.note
    else:
        detail = {"tty": UART, "input": TYPES, "usbmisc": "a printer that the table does not know yet"}[bus]
    return Found(kind, name, url, model is not None, adapter, detail, usb.identity if usb else "")


def _kind(bus: str, usb: Usb | None, model: Model | None) -> tuple[Kind, str]:
    if model:
        return model.kind, model.name
    product = usb.product if usb else ""
    if bus == "tty":
        return "serial", product or "serial line of the board"
    return ("keyboard", product or "keyboard") if bus == "input" else ("printer", product or "USB printer")


def _unserved(usb: Usb) -> Found:
    """Describe a USB device that has no device file which this program reads."""
    model = look_up(usb.vid, usb.pid)
    name = model.name if model else usb.product or f"USB device {usb.vid}:{usb.pid}"
    detail = f"{NOT_YET}{': ' + model.note if model and model.note else ''}"
    return Found(model.kind if model else "unknown", name, "", model is not None, "", detail, usb.identity)


def _stable(root: Path, bus: str, node: str, usb: Usb | None) -> str:
    """Return the path that will name the same device after the next start: by serial number, else by port."""
    by_id, by_path = LINKS[bus]
    for folder in (by_id, by_path) if usb and usb.serial else (by_path,):
        for link in _list(root / folder):
            if link.resolve() == (root / node).resolve():
                return f"{folder}/{link.name}"
    return node


def _all_usb(root: Path) -> Iterator[Usb]:
    for entry in _list(root / "sys/bus/usb/devices"):
        if (entry / "idVendor").is_file() and _read(entry / "bDeviceClass") != HUB_CLASS:
            yield _usb(entry)


def _usb_above(device: Path) -> Usb | None:
    """Return the USB device that a node of the kernel belongs to."""
    if not device.exists():
        return None
    place = device.resolve()
    return next((_usb(p) for p in (place, *place.parents) if (p / "idVendor").is_file()), None)


def _usb(entry: Path) -> Usb:
    words = [_read(entry / n) for n in ("manufacturer", "product")]
    return Usb(
        entry.resolve().name,
        _read(entry / "idVendor").lower(),
        _read(entry / "idProduct").lower(),
        " ".join(w for w in words if w),
        _read(entry / "serial"),
    )


def _list(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # no such bus on this machine
        return []


def _read(file: Path) -> str:
    """Read an attribute; devices go while they are being looked at, so what cannot be read is empty."""
    try:
        return file.read_text("utf-8", "replace").strip("\0\n\t ")
    except OSError:
        return ""
