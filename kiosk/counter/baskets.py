"""What a till says before the coupon is scanned: held for one scan, so that the batch's threshold is checked, then gone.

A basket that stayed would be taken for the next customer's: it goes with the first scan, after a minute, with the next one of
its counter, or when the till takes it back. The till is told each time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from kiosk.counter.result import RedeemResult
from kiosk.coupons.basket import Basket
from kiosk.events import Bus
from kiosk.hardware.ports import Till
from kiosk.hardware.signals import BasketPushed

log = logging.getLogger(__name__)
HELD_S = 60.0
"""A customer looks for the code on the phone for some seconds; a minute later another one stands there."""
SOLD_S = 120.0
"""How long after its basket a till still has to do with that sale: it is paid, and the change is given."""
State = Literal["none", "held", "scanned", "expired", "replaced", "cancelled", "failed", "done"]
AGAIN = "the scan could not be redeemed; push the basket again and scan again."


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the basket that was pushed last over the local API."""

    state: State = "none"
    ref: str = ""
    seconds: float = 0.0
    """How long it is held, counted from the push."""
    result: RedeemResult | None = None


@dataclass(eq=False)
class Held:
    """A basket that waits for its scan, or is being used."""

    basket: Basket
    till: str
    scanner: str
    timer: asyncio.TimerHandle | None = None


class Baskets:
    """Holds at most one basket for each scanner, and one for whichever scanner reads first."""

    def __init__(self, bus: Bus, tills: Mapping[str, Till], scanner_of: Mapping[str, str]) -> None:
        self._bus, self._tills, self._scanner_of = bus, tills, scanner_of
        self._held: dict[str, Held] = {}
        self._newest: Held | None = None
        self._sold: dict[str, float] = {}
        self.sale = Sale()
        self._off: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to listen to the tills."""
        self._off = self._bus.on(BasketPushed, self._pushed)

    def stop(self) -> None:
        """Listen no more and forget what is held."""
        if self._off is not None:
            self._off()
        for held in self._held.values():
            _still(held)
        self._held.clear()

    def _pushed(self, event: BasketPushed) -> None:
        if event.basket is None:
            self.cancel(event.till)
        else:
            self.put(event.basket, till=event.till, scanner=self._scanner_of.get(event.till, ""))

    def put(self, basket: Basket, *, till: str = "", scanner: str = "") -> None:
        """Hold a basket for the next scan; an empty till is the local API, an empty scanner whichever reads first."""
        self._end(self._held.pop(scanner, None), "replaced")
        held = self._held[scanner] = Held(basket, till, scanner)
        loop = asyncio.get_running_loop()
        held.timer = loop.call_later(HELD_S, self._expire, held)
        self._sold[till] = loop.time()
        if not till:
            self._newest = held
        self._tell(held, "held", seconds=HELD_S)

    def sold(self, till: str) -> bool:
        """Tell whether a till has pushed a sale of late, and has not taken it back."""
        at = self._sold.get(till)
        return at is not None and asyncio.get_running_loop().time() - at < SOLD_S

    def cancel(self, till: str = "") -> bool:
        """Take back what a till has pushed; False when nothing of it is held."""
        self._sold.pop(till, None)
        mine = [held for held in self._held.values() if held.till == till]
        for held in mine:
            del self._held[held.scanner]
            self._end(held, "cancelled")
        return bool(mine)

    def take(self, scanner: str) -> Held | None:
        """Give the basket to the scan that has just come; its till hears the rest by `done` or `failed`."""
        held = self._held.pop(scanner, None) or self._held.pop("", None)
        if held is not None:
            self._end(held, "scanned")
        return held

    def done(self, held: Held, result: RedeemResult) -> None:
        """Tell the till how the scan ended."""
        self._tell(held, "done", result=result)

    def failed(self, held: Held | None) -> None:
        """Tell the till that the scan came to nothing."""
        if held is not None:
            self._tell(held, "failed")

    def _expire(self, held: Held) -> None:
        del self._held[held.scanner]
        self._end(held, "expired")

    def _end(self, held: Held | None, state: State) -> None:
        if held is not None:
            _still(held)
            self._tell(held, state)

    def _tell(
        self, held: Held, state: State, *, seconds: float = 0.0, result: RedeemResult | None = None
    ) -> None:
        if not held.till:
            if held is self._newest:
                self.sale = Sale(state=state, ref=held.basket.ref, seconds=seconds, result=result)
            return
        till = self._tills.get(held.till)
        if till is not None and not till.answer(message(held.basket, state, seconds, result)):
            log.warning("till %s is away and was not told that its basket is %s", held.till, state)


def _still(held: Held) -> None:
    if held.timer is not None:
        held.timer.cancel()


def message(
    basket: Basket, state: State, seconds: float = 0.0, result: RedeemResult | None = None
) -> dict[str, object]:
    """Return what a till is told; the words are in docs/devices.md. Pure."""
    said: dict[str, object] = {"basket": state}
    if basket.ref:
        said["ref"] = basket.ref
    if seconds:
        said["seconds"] = round(seconds)
    if state == "failed":
        said["error"] = AGAIN
    return {**said, **(result.plain() if result else {})}
