"""Key events of the kernel -> characters. Pure.

Reads `struct input_event` (linux/input.h, 24 bytes on 64-bit systems) itself: the evdev package has no aarch64 wheel
(facts: edge 3(c)). Codes are those of linux/input-event-codes.h, characters those of a US keyboard, which scanners type as.
"""

from __future__ import annotations

import struct

EVENT = struct.Struct("llHHi")
EV_SYN, EV_KEY = 0, 1
SYN_DROPPED = 3
KEYS = {
    **{2 + i: ("1234567890"[i], "!@#$%^&*()"[i]) for i in range(10)},
    **{code: (char, char.upper()) for start, row in ((16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm")) for code, char in enumerate(row, start)},
    12: ("-", "_"), 13: ("=", "+"), 26: ("[", "{"), 27: ("]", "}"), 39: (";", ":"), 40: ("'", '"'), 41: ("`", "~"), 43: ("\\", "|"),
    51: (",", "<"), 52: (".", ">"), 53: ("/", "?"), 57: (" ", " "), 28: ("\n", "\n"), 96: ("\n", "\n"), 15: ("\n", "\n"),
    **{code: (char, char) for code, char in zip((71, 72, 73, 75, 76, 77, 79, 80, 81, 82, 83, 55, 98, 74, 78), "7894561230.*/-+", strict=True)},
}  # fmt: skip
"""Enter and Tab end a code; the second row of digits is the keypad, which some scanners type on."""
SHIFTS = (42, 54)
PAUSE_S = 0.8
"""Between two keys of one code there is less; the kernel stamps each key."""


class Keys:
    """Takes raw events, gives what was typed."""

    def __init__(self) -> None:
        self._shift: set[int] = set()
        self._rest = b""
        self.lost = False
        """Whether the kernel has dropped events since this was last set to False: what was being typed is incomplete."""
        self._torn = False
        self._last = 0.0

    def feed(self, data: bytes) -> bytes:
        """Take raw events, cut anywhere, and return what was typed."""
        self._rest += data
        whole = len(self._rest) // EVENT.size * EVENT.size
        out = ""
        for seconds, micros, kind, code, value in EVENT.iter_unpack(self._rest[:whole]):
            if kind == EV_SYN and code == SYN_DROPPED:
                self.lost = self.lost or "\n" not in out
                out = out[: out.rfind("\n") + 1]
                self._torn, self._last = True, seconds + micros / 1e6
                self._shift.clear()
            elif kind == EV_KEY:
                out += self._untorn(self._key(code, value), seconds + micros / 1e6)
        self._rest = self._rest[whole:]
        return out.encode()

    def _untorn(self, char: str, at: float) -> str:
        """Drop the rest of a code of which keys were lost: to its end, or to a pause, as its end may be lost too."""
        paused, self._last = at - self._last > PAUSE_S, at
        if not self._torn:
            return char
        self._torn = char != "\n" and not paused
        return "" if self._torn or char == "\n" else char

    def _key(self, code: int, value: int) -> str:
        """Return the character of a key that goes down (1); releases (0) and repeats (2) type nothing."""
        if code in SHIFTS:
            (self._shift.add if value else self._shift.discard)(code)
        elif value == 1 and code in KEYS:
            return KEYS[code][bool(self._shift)]
        return ""
