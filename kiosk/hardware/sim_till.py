"""A simulated till: it pushes what it is told to push and keeps the answers."""

from __future__ import annotations

from kiosk.coupons.basket import Basket
from kiosk.events import Bus
from kiosk.hardware.signals import BasketPushed
from kiosk.hardware.sim import KEEP, SimBench, SimDevice


class SimTill(SimDevice):
    """A till to work by hand."""

    kind = "till"

    def __init__(self, name: str, bench: SimBench, bus: Bus) -> None:
        super().__init__(name, bench, bus)
        self.answers: list[dict[str, object]] = []

    def push(self, basket: Basket | None) -> bool:
        """Push a sale, or take it back; False when the till does not work."""
        if self._state != "ok":
            return False
        self._bench.note("basket", self.name)
        self._bus.publish(BasketPushed(till=self.name, basket=basket))
        return True

    def answer(self, message: dict[str, object]) -> bool:
        """Keep an answer."""
        if self._state != "ok":
            return False
        self.answers.append(message)
        del self.answers[:-KEEP]
        return True
