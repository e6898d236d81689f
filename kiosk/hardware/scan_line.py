"""Bytes of a scanner -> codes. Pure: a code ends with CR, LF or silence; it has a longest length; repeats are one scan.

80 ms of silence end a code of a scanner that sends no line end. A scanner that was seen to send one is waited for longer:
some send a long code in two parts with a pause (USB to serial adapters, hubs), and half a code is worth nothing.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

SILENCE_S = 0.08
LINE_SILENCE_S = 0.8
LONGEST = 512
REPEAT_S = 2.0
"""The same code within two seconds is one scan (facts: edge 3(e))."""
KEPT = 16
"""Codes remembered for that; no counter has more in view."""
AIM = re.compile(r"\](?:C[0124]|E[0-7]|A[0-9]|F[0-9]|G[0-9]|I[0-3]|Q[0-6]|d[0-6]|e[0-3]|L[0-5]|z[0-9A-C]|X0)")
"""Symbology identifiers of ISO/IEC 15424, for the kinds that scanners at a counter send."""
End = Literal["auto", "line", "silence"]


class Code(msgspec.Struct, frozen=True):
    """One code that was read."""

    text: str
    symbology: str = ""
    """AIM identifier without its bracket, such as `Q1`, where the scanner sends one."""


class Framer:
    """Collects bytes; times are monotonic seconds."""

    def __init__(self, end: End = "auto") -> None:
        self._end = end
        self._lines = end == "line"
        self._raw = bytearray()
        self._too_long = False
        self._recent: dict[str, float] = {}
        self.dropped = 0
        """Codes that were too long."""

    @property
    def open(self) -> bool:
        """Tell whether a code has begun."""
        return bool(self._raw)

    @property
    def silence_s(self) -> float:
        """Return how long a silence ends the code that has begun."""
        return LINE_SILENCE_S if self._lines else SILENCE_S

    def feed(self, data: bytes, now: float) -> list[Code]:
        """Take bytes and return the codes that have ended."""
        done: list[Code] = []
        for byte in data:
            if byte in (0x0D, 0x0A):
                self._lines = self._lines or (self._end == "auto" and self.open)
                done += self._close(now)
            elif len(self._raw) < LONGEST:
                self._raw.append(byte)
            else:
                self._too_long = True
        return done

    def silence(self, now: float) -> list[Code]:
        """End the code that has begun, after `silence_s` without a byte."""
        if self._end == "auto":
            self._lines = False
        return self._close(now)

    def forget(self) -> None:
        """Drop the code that has begun: bytes of it were lost."""
        self._raw.clear()
        self._too_long = False

    def _close(self, now: float) -> list[Code]:
        """Make the code; one that is too long is dropped whole, never cut."""
        raw, self._raw = bytes(self._raw), bytearray()
        too_long, self._too_long = self._too_long, False
        self.dropped += too_long
        code = parse(raw.decode("utf-8", "replace"))
        if too_long or not code.text or self._repeats(code.text, now):
            return []
        return [code]

    def _repeats(self, text: str, now: float) -> bool:
        """Tell whether a code lies under the scanner still: two that do, are read in turns."""
        last = self._recent.pop(text, None)
        self._recent[text] = now
        if len(self._recent) > KEPT:
            del self._recent[next(iter(self._recent))]
        return last is not None and now - last < REPEAT_S


def parse(text: str) -> Code:
    """Take off what the line adds and read the AIM identifier."""
    text = text.strip("\0\x02\x03 \t")
    if found := AIM.match(text):
        return Code(text[found.end() :].strip(" \t"), found[0][1:])
    return Code(text)
