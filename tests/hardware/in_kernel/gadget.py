"""A USB device made of the kernel's own gadget functions on a bus that is not there (dummy_hcd)."""

from __future__ import annotations

import os
import time
from pathlib import Path

ROOT = Path("/sys/kernel/config/usb_gadget/scanner")
KEYBOARD = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810395057501050819012905910295017503910395067508150025650507"
    "19002965 8100c0"
)
"""Report descriptor of a boot keyboard: HID 1.11, appendix B.1."""
SHIFT = 0x02
USAGES = {
    **{chr(ord("a") + n): 0x04 + n for n in range(26)},
    **{"1234567890"[n]: 0x1E + n for n in range(10)},
    "\n": 0x28, "-": 0x2D, "=": 0x2E, "[": 0x2F, "]": 0x30, ";": 0x33, "'": 0x34, ",": 0x36, ".": 0x37, "/": 0x38,
}  # fmt: skip
SHIFTED = {":": ";", "?": "/", "_": "-", "+": "=", **dict(zip("!@#$%^&*()", "1234567890", strict=True))}
FUNCTIONS = ("acm.0", "hid.0", "printer.0")
TYPE_S = 2.0
"""How long a key may wait for the host to ask for it: a keyboard that nobody has open is never asked."""


class Gadget:
    """The device, as its maker sees it."""

    def __init__(self, functions: tuple[str, ...] = FUNCTIONS) -> None:
        strings, config = ROOT / "strings/0x409", ROOT / "configs/c.1"
        for folder in (ROOT, strings, config):
            folder.mkdir()
        (ROOT / "idVendor").write_text("0x1eab")
        (ROOT / "idProduct").write_text("0x1306")
        (strings / "manufacturer").write_text("Newland")
        (strings / "product").write_text("EM30xx")
        (strings / "serialnumber").write_text("A1")
        self._functions = [ROOT / "functions" / n for n in functions]
        for function in self._functions:
            function.mkdir()
        if "hid.0" in functions:
            hid = ROOT / "functions/hid.0"
            for name, value in (("protocol", "1"), ("subclass", "1"), ("report_length", "8")):
                (hid / name).write_text(value)
            (hid / "report_desc").write_bytes(KEYBOARD)
        for function in self._functions:
            (config / function.name).symlink_to(function)

    def plug(self) -> None:
        """Plug it in."""
        (ROOT / "UDC").write_text(os.listdir("/sys/class/udc")[0])

    def unplug(self) -> None:
        """Pull it out."""
        if (ROOT / "UDC").read_text().strip():
            (ROOT / "UDC").write_text("\n")

    def remove(self) -> None:
        """Take it apart."""
        for function in self._functions:
            (ROOT / "configs/c.1" / function.name).unlink()
        for folder in (ROOT / "configs/c.1", *self._functions, ROOT / "strings/0x409", ROOT):
            folder.rmdir()

    def nodes(self) -> list[Path]:
        """Return the device files of the near end."""
        return [*self.lines(), *Path("/dev/usb").glob("lp*"), *self.keyboards()]

    def lines(self) -> list[Path]:
        """Return the serial lines that come from this device."""
        return [Path("/dev") / p.name for p in Path("/sys/class/tty").glob("ttyACM*")]

    def keyboards(self) -> list[Path]:
        """Return the input devices that come from this device."""
        names = Path("/sys/class/input").glob("event*/device/name")
        return [Path("/dev/input") / p.parts[-3] for p in names if "EM30xx" in _read(p)]

    def send(self, data: bytes) -> None:
        """Send bytes through the serial line."""
        fd = os.open("/dev/ttyGS0", os.O_WRONLY | os.O_NOCTTY)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)

    def type(self, text: str) -> None:
        """Type a text, key by key; what nobody asks for is lost."""
        fd = os.open("/dev/hidg0", os.O_RDWR | os.O_NONBLOCK)
        try:
            for char in text:
                shift = char.isupper() or char in SHIFTED
                usage = USAGES[SHIFTED.get(char, char.lower())]
                if not (
                    _sent(fd, bytes([SHIFT if shift else 0, 0, usage, 0, 0, 0, 0, 0])) and _sent(fd, bytes(8))
                ):
                    return
        finally:
            os.close(fd)


def _sent(fd: int, report: bytes) -> bool:
    """Hand over a report, once the one before was fetched; False when nobody fetches it."""
    deadline = time.monotonic() + TYPE_S
    while time.monotonic() < deadline:
        try:
            return os.write(fd, report) > 0
        except BlockingIOError:
            time.sleep(0.001)
    return False


def _read(attribute: Path) -> str:
    """Read an attribute; of a device that goes meanwhile nothing is left to read."""
    try:
        return attribute.read_text()
    except FileNotFoundError:
        return ""
