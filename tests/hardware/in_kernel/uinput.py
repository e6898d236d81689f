"""A keyboard made by a program through the kernel's uinput: it types faster than any gadget (linux/uinput.h)."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from kiosk.hardware.keys import EV_KEY, EV_SYN, EVENT, KEYS

UI_SET_EVBIT, UI_SET_KEYBIT = 0x40045564, 0x40045565
UI_DEV_CREATE, UI_DEV_DESTROY, UI_DEV_SETUP = 0x5501, 0x5502, 0x405C5503
UI_GET_SYSNAME = 0x8040552C
"""With room for 64 bytes."""
SETUP = struct.Struct("<4H80sI")
BUS_USB = 3
CODES = {pair[0]: code for code, pair in reversed(KEYS.items())}
SHIFTED = {pair[1]: code for code, pair in reversed(KEYS.items()) if pair[0] != pair[1]}
LEFT_SHIFT = 42


class Keyboard:
    """The keyboard."""

    def __init__(self) -> None:
        self._fd = os.open("/dev/uinput", os.O_WRONLY)
        fcntl.ioctl(self._fd, UI_SET_EVBIT, EV_KEY)
        for code in (*KEYS, LEFT_SHIFT):
            fcntl.ioctl(self._fd, UI_SET_KEYBIT, code)
        fcntl.ioctl(self._fd, UI_DEV_SETUP, SETUP.pack(BUS_USB, 0x0C2E, 0x0901, 1, b"Typist", 0))
        fcntl.ioctl(self._fd, UI_DEV_CREATE)
        name = fcntl.ioctl(self._fd, UI_GET_SYSNAME, bytes(64)).rstrip(b"\0").decode()
        self._sys = Path("/sys/class/input") / name

    @property
    def path(self) -> Path:
        """Return its device file."""
        return Path("/dev/input") / next(self._sys.glob("event*")).name

    def type(self, text: str) -> None:
        """Type a text as fast as it can be written."""
        for char in text:
            shift = char not in CODES
            code = SHIFTED[char] if shift else CODES[char]
            keys = [(LEFT_SHIFT, 1)] * shift + [(code, 1), (code, 0)] + [(LEFT_SHIFT, 0)] * shift
            for key, down in keys:
                os.write(self._fd, EVENT.pack(0, 0, EV_KEY, key, down) + EVENT.pack(0, 0, EV_SYN, 0, 0))

    def unplug(self) -> None:
        """Take it away."""
        fcntl.ioctl(self._fd, UI_DEV_DESTROY)
        os.close(self._fd)
