"""Bytes of a scanner -> codes. Pure: a code ends with CR or LF, or with 80 ms of silence; it has a longest length."""

from __future__ import annotations

SILENCE_S = 0.08
LONGEST = 512
REPEAT_S = 2.0
"""The same code within two seconds is one scan (facts: edge 3(e))."""


class Framer:
    """Collects bytes; times are monotonic seconds."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._too_long = False
        self._last: tuple[str, float] | None = None

    def feed(self, data: bytes, now: float) -> list[str]:
        """Take bytes and return the codes that have ended."""
        done = []
        for byte in data:
            if byte in (0x0D, 0x0A):
                done += self.end(now)
            elif len(self._raw) < LONGEST:
                self._raw.append(byte)
            else:
                self._too_long = True
        return done

    @property
    def open(self) -> bool:
        """Tell whether a code has begun."""
        return bool(self._raw)

    def end(self, now: float) -> list[str]:
        """End the code that has begun; one that is too long is dropped whole, never cut."""
        raw, self._raw = bytes(self._raw), bytearray()
        too_long, self._too_long = self._too_long, False
        text = raw.decode("utf-8", "replace").strip("\0\x02\x03 \t")
        if too_long or not text:
            return []
        if self._last is not None and self._last[0] == text and now - self._last[1] < REPEAT_S:
            self._last = (text, now)
            return []
        self._last = (text, now)
        return [text]
