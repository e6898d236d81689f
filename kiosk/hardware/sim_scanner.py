"""A simulated scanner. What it reads goes through the framer of real ones: lengths, AIM prefixes and repeats are theirs."""

from __future__ import annotations

import asyncio

from kiosk.events import Bus, Scanned
from kiosk.hardware.scan_line import Framer
from kiosk.hardware.sim import SimBench, SimDevice

SLOW_S = 1.0
NOISE = b"\x1b\xff\xfe0\x7f\r"
CHATTER = 10


class SimScanner(SimDevice):
    """A scanner to type into. Each call is a code shown anew: the repeat window is the reader's, not the hand's."""

    kind = "scanner"

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        self._late: set[asyncio.TimerHandle] = set()
        bench.scanners[name] = self

    def scan(self, text: str) -> bool:
        """Read a code; False when it is not there."""
        if self._state != "ok":
            return False
        self._bench.note("scanned", self.name)
        if self.fault == "slow":
            self._late.add(asyncio.get_running_loop().call_later(SLOW_S, self._read, text))
        else:
            self._read(text)
        return True

    def _read(self, text: str) -> None:
        framer, line = Framer("line"), text.encode() + b"\r"
        if self.fault == "wrong":
            line = misread(text).encode() + b"\r"
        raw = NOISE + line if self.fault == "noise" else line * (CHATTER if self.fault == "chatter" else 1)
        for code in framer.feed(raw, 0.0):
            self._bus.publish(Scanned(text=code.text, scanner=self.name))

    async def stop(self) -> None:
        """Unplug; what was late is lost."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        await super().stop()


def misread(text: str) -> str:
    """Return a code with its last character read wrong. Pure."""
    return text[:-1] + ("8" if text[-1:] != "8" else "B")
