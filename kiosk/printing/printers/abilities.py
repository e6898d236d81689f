"""What a cloud of printers can do (facts: cloud-printers 5): a new one is a module that says so of itself, and a renderer."""

from __future__ import annotations

from typing import Literal

import msgspec


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """The abilities that decide what is honest about an order, and what a slip may hold."""

    same_key_s: int = 0
    """Seconds for which an order under the same key is known and not printed again; 0: there is no key of ours."""
    expires: bool = False
    """An order carries a time after which it is dropped."""
    cancels: bool = False
    """One order can be taken back."""
    clears: bool = False
    """All orders of a printer can be dropped at once. Not used: it would drop other programs' slips."""
    lists: bool = False
    """What waits can be listed."""
    refuses_offline: bool = False
    """An order for a printer that is off can be refused instead of being kept."""
    calls_back: bool = False
    """It can tell of a print: the hub, which can be called, then asks at once. A kiosk behind a shop's router asks alone."""
    most: int = 0
    """Size of the longest order, in `unit`; 0: none is published."""
    unit: Literal["bytes", "characters"] = "bytes"
    copies: Literal["param", "tag"] = "param"
    cuts: bool = False
    """A slip can cut."""
    opens_drawer: bool = False

    columns: tuple[int, ...] = (32, 48)
    """Half-width characters of a line, on each width of paper that its printers take."""

    def later(self, cloud: str) -> str:
        """Say what can still become of an order in doubt, and what a person can do about it."""
        if self.expires:
            told = f"{cloud} drops it after its time"
        elif self.refuses_offline:
            told = "It does not wait for a printer that is off"
        elif self.cancels:
            told = f"It may still appear, unless it is cancelled at {cloud}"
        else:
            told = "It may still appear"
        if self.lists:
            return f"{told}; {cloud}'s console lists it."
        return f"{told}; {cloud}'s console can clear the printer's queue." if self.clears else f"{told}."

    def too_long(self, cloud: str, job: bytes) -> str | None:
        """Say that an order is longer than a cloud takes, and what to do; None when it is not."""
        size = len(job) if self.unit == "bytes" else len(job.decode("utf-8"))
        if not self.most or size <= self.most:
            return None
        return f"the slip has {size} {self.unit}, {cloud} takes {self.most}; shorten it"
