"""hid:///dev/input/by-id/...: a scanner that types like a keyboard, grabbed so that it types nowhere else.

Reads `struct input_event` (linux/input.h) itself: the evdev package has no aarch64 wheel (facts: edge 3(c)).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
from urllib.parse import urlsplit

from kiosk.events import Bus
from kiosk.hardware.serial_scanner import StreamScanner, _Source

EVENT = struct.Struct("llHHi")
EV_KEY, EVIOCGRAB = 1, 0x40044590
KEYS = {
    **{2 + i: ("1234567890"[i], "!@#$%^&*()"[i]) for i in range(10)},
    **{code: (char, char.upper()) for start, row in ((16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm")) for code, char in enumerate(row, start)},
    12: ("-", "_"), 13: ("=", "+"), 26: ("[", "{"), 27: ("]", "}"), 39: (";", ":"), 40: ("'", '"'), 41: ("`", "~"), 43: ("\\", "|"),
    51: (",", "<"), 52: (".", ">"), 53: ("/", "?"), 57: (" ", " "), 28: ("\n", "\n"), 96: ("\n", "\n"),
}  # fmt: skip
SHIFTS = (42, 54)


class Keys:
    """Key events -> characters of a US keyboard. Pure."""

    def __init__(self) -> None:
        self._shift: set[int] = set()
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Take raw events and return what was typed."""
        self._rest += data
        out = ""
        while len(self._rest) >= EVENT.size:
            _, _, kind, code, value = EVENT.unpack_from(self._rest)
            self._rest = self._rest[EVENT.size :]
            if kind != EV_KEY:
                continue
            if code in SHIFTS:
                (self._shift.add if value else self._shift.discard)(code)
            elif value == 1 and code in KEYS:
                out += KEYS[code][bool(self._shift)]
        return out.encode()


class _Hid(_Source):
    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(self._fd, EVIOCGRAB, 1)
        except OSError:
            os.close(self._fd)
            raise
        self._keys = Keys()

    async def read(self) -> bytes:
        loop = asyncio.get_running_loop()
        while True:
            ready = asyncio.Event()
            loop.add_reader(self._fd, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(self._fd)
            raw = os.read(self._fd, EVENT.size * 64)
            if not raw:
                return b""
            if typed := self._keys.feed(raw):
                return typed

    def close(self) -> None:
        os.close(self._fd)


class HidScanner(StreamScanner):
    """A scanner in keyboard mode."""

    def __init__(self, name: str, url: str, bus: Bus) -> None:
        super().__init__(name, url, bus)
        self._path = urlsplit(url).path

    async def _open(self) -> _Source:
        return _Hid(self._path)
