"""A simulated till. Its lines are read as those of real ones: what a real till would be told, it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from kiosk.coupons.basket import Basket
from kiosk.events import Bus
from kiosk.hardware.sim import KEEP, SimBench, SimDevice
from kiosk.hardware.till_line import publish, read

SLOW_S = 1.0
NOISE = b"\x1b\xff\xfe0\x7f"
WRONG = b"TOTAL=25.00"
"""The commonest mistake of a till's maker: yuan with a point, not fen."""
CHATTER = 3


class SimTill(SimDevice):
    """A till to work by hand."""

    kind = "till"

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        self.answers: list[dict[str, object]] = []
        bench.tills[name] = self
        self._late: set[asyncio.TimerHandle] = set()

    def push(self, basket: Basket | None) -> bool:
        """Push a sale, or take it back; False when the till does not work."""
        line = b'{"cancel": true}' if basket is None else msgspec.json.encode(basket)
        return self.send(line)

    def send(self, line: bytes) -> bool:
        """Send a line; False when the till does not work."""
        if self._state != "ok":
            return False
        self._bench.note("till", self.name)
        lines = {"noise": [NOISE, line], "wrong": [WRONG], "chatter": [line] * CHATTER}.get(
            self.fault, [line]
        )
        if self.fault == "slow":
            self._late.add(asyncio.get_running_loop().call_later(SLOW_S, self._hear, lines))
        else:
            self._hear(lines)
        return True

    def _hear(self, lines: list[bytes]) -> None:
        for raw in lines:
            line = read(raw)
            if line.trouble:
                self.answer({"error": line.trouble})
            else:
                publish(self._bus, self.name, line)

    def acts(self) -> dict[str, Callable[[], bool]]:
        """Return what its keys do."""
        return {"cancel": lambda: self.push(None), "drawer": lambda: self.send(b'{"drawer": true}')}

    def shows(self) -> str:
        """Return what it was told last."""
        said = self._bench.answers.get(self.name, {})
        return " ".join(f"{key}={value}" for key, value in said.items())

    def answer(self, message: dict[str, object]) -> bool:
        """Keep an answer."""
        if self._state != "ok":
            return False
        self.answers.append(message)
        del self.answers[:-KEEP]
        self._bench.answers[self.name] = message
        self._bench.note("answered", self.name)
        return True

    async def stop(self) -> None:
        """Unplug; a line that was late is lost."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        await super().stop()
