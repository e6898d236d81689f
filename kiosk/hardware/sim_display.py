"""A simulated display, for a code and for text."""

from __future__ import annotations

import asyncio

from kiosk.events import Bus
from kiosk.hardware.ports import LEVELS, QrCapability
from kiosk.hardware.sim import FAULTS, FINE, SimBench, SimDevice

SLOW_S = 1.0


class SimDisplay(SimDevice):
    """A small display to read; it shows the last again when it comes back."""

    kind = "display"
    qr = QrCapability(1000, None, LEVELS)

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        self._want: tuple[str, tuple[str, ...]] | None = None
        self._late: asyncio.TimerHandle | None = None

    def show_code(self, data: str, lines: tuple[str, ...]) -> None:
        """Show a code and text; the latest wins. A code that is too long is left out, and the state says so."""
        self._want = (data, lines)
        self._forget_late()
        if self.fault == "slow":
            self._late = asyncio.get_running_loop().call_later(SLOW_S, self._show_state)
        elif self._started:
            self._show_state()

    def _show_state(self) -> None:
        """Show its state, and the latest view as far as it can be drawn."""
        self._late = None
        data, lines = self._want or ("", ())
        state, detail = FAULTS[self.kind].get(self.fault, FINE)
        if state != "ok":
            self._bench.displays.pop(self.name, None)
        elif self._want is not None:
            if too_long := len(data.encode()) > self.qr.max_bytes:
                state, detail = (
                    "error",
                    f"the code is longer than this display draws: {self.qr.max_bytes} at most.",
                )
            self._bench.displays[self.name] = {"data": "" if too_long else data, "lines": list(lines)}
            self._bench.note("display", self.name)
        self._go(state, detail or "simulated")

    def shows(self) -> str:
        """Return the code and the lines on it."""
        seen = self._bench.displays.get(self.name)
        return " · ".join(t for t in (seen["data"], *seen["lines"]) if t) if seen else ""

    def _forget_late(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    async def stop(self) -> None:
        """Go dark."""
        self._forget_late()
        self._bench.displays.pop(self.name, None)
        await super().stop()
