"""A look at a code before it is redeemed: what it is worth, and whether the basket's total is asked for."""

from __future__ import annotations

from typing import Literal

import msgspec

from kiosk.counter.know import Knower
from kiosk.coupons.batch import Batch
from kiosk.journal.store import Journal
from ui.money import offer


class Look(msgspec.Struct, frozen=True):
    """What this kiosk knows of a code; empty where it knows nothing. Nothing is redeemed, nothing is noted."""

    batch: str
    offer: str
    total: Literal["needed", "asked", "no"]
    """Whether the total of the basket is needed, may be given, or is of no interest."""


async def look(journal: Journal, code: str, locale: str) -> Look:
    """Look a code up here; the hub is not asked."""
    known = await Knower(journal).know(code)
    batch = known.batch
    return Look(
        batch=batch.name if batch else "",
        offer=offer(batch.threshold, batch.value, locale, batch.kind) if batch else "",
        total=total(batch) if not known.problem else "no",
    )


def total(batch: Batch | None) -> Literal["needed", "asked", "no"]:
    """Return whether the total is needed, may be given, or is of no interest. Pure."""
    if batch is None:
        return "no"
    return "needed" if batch.require_total else "asked" if batch.threshold else "no"
