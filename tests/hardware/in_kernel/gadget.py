"""A USB device made of the kernel's own gadget functions on a bus that is not there (dummy_hcd)."""

from __future__ import annotations

import os
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
    "\n": 0x28, "-": 0x2D, "/": 0x38, ".": 0x37, ";": 0x33,
}  # fmt: skip
SHIFTED = {":": ";", "?": "/", "_": "-"}


class Gadget:
    """The device, as its maker sees it."""

    def __init__(self, ids: tuple[str, str] = ("0x1eab", "0x1306"), serial: str = "A1") -> None:
        strings, config = ROOT / "strings/0x409", ROOT / "configs/c.1"
        for folder in (ROOT, strings, config):
            folder.mkdir()
        (ROOT / "idVendor").write_text(ids[0])
        (ROOT / "idProduct").write_text(ids[1])
        (strings / "manufacturer").write_text("Newland")
        (strings / "product").write_text("EM30xx")
        (strings / "serialnumber").write_text(serial)
        self._functions = [ROOT / "functions" / n for n in ("acm.0", "hid.0", "printer.0")]
        for function in self._functions:
            function.mkdir()
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
        found = [Path("/dev/ttyACM0"), Path("/dev/usb/lp0"), *self.keyboards()]
        return [p for p in found if p.exists()]

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
        """Type a text, key by key."""
        fd = os.open("/dev/hidg0", os.O_RDWR)
        try:
            for char in text:
                shift = char.isupper() or char in SHIFTED
                usage = USAGES[SHIFTED.get(char, char.lower())]
                os.write(fd, bytes([SHIFT if shift else 0, 0, usage, 0, 0, 0, 0, 0]))
                os.write(fd, bytes(8))
        finally:
            os.close(fd)


def _read(attribute: Path) -> str:
    """Read an attribute; of a device that goes meanwhile nothing is left to read."""
    try:
        return attribute.read_text()
    except FileNotFoundError:
        return ""
