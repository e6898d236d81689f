"""The slips that people at the counter ask for: filled in from the journal, printed through the spooler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

from kiosk.clock import Clock
from kiosk.counter.day_report import of_day
from kiosk.counter.hand_out import PrintResult
from kiosk.counter.result import Place
from kiosk.coupons.batch import Batch
from kiosk.coupons.ids import new_rid
from kiosk.coupons.record import PoolCode
from kiosk.journal.rows import JobRow
from kiosk.journal.store import Journal
from kiosk.printing import templates
from kiosk.printing.printers.port import Outcome
from kiosk.printing.slip import Slip
from kiosk.printing.spooler import Spooler
from ui.money import local

LOGO = "store"
"""Name of the shop's logo among the stored pictures."""


class Slips:
    """Prints what a counter prints."""

    def __init__(
        self,
        journal: Journal,
        spooler: Spooler,
        clock: Clock,
        place: Callable[[], Awaitable[Place]],
        logos: Path | None = None,
    ) -> None:
        self._logos = logos
        self._journal, self._spooler, self._clock, self._place = journal, spooler, clock, place

    async def coupon(self, rid: str, batch: Batch, code: PoolCode, place: Place) -> PrintResult:
        """Print a slip coupon and say how it ended; implements `hand_out.PrintCoupon`."""
        merchant = await self._journal.merchant()
        stores = tuple((await self._journal.stores()).values())
        slip = templates.coupon_slip(
            merchant, place.store, batch, code, place.locale, stores=stores, logo=stored_logo(self._logos)
        )
        job = await self._spooler.print(slip, rid=rid, kind="coupon", coupon=code.coupon)
        ends: dict[str, PrintResult] = {"printed": "printed", "failed": "failed"}
        return ends.get(job.state, "unknown")

    async def claim(self) -> JobRow | None:
        """Print the store's link; None while the hub has not given this kiosk a store."""
        place = await self._place()
        if place.store is None:
            return None
        slip = templates.claim_slip(
            await self._journal.merchant(), place.store, place.locale, logo=stored_logo(self._logos)
        )
        return await self._spooler.print(slip, rid=new_rid(), kind="claim")

    async def receipt(self, rid: str) -> JobRow | None:
        """Print the record of a redemption because somebody asks; one more of the same comes marked as a copy.

        None where nothing was redeemed under that number, or it was undone.
        """
        slip = await self._receipt(rid)
        if slip is None:
            return None
        place, now = await self._place(), self._clock.trusted().at
        if await self._journal.was_printed(rid, "receipt"):
            slip = templates.as_copy(slip, now, place.locale, worth=False)
        return await self._spooler.print(slip, rid=rid, kind="receipt")

    async def order_receipt(self, rid: str) -> bool:
        """Have the first receipt of a redemption printed when it can be; False when there is one, or nothing to record."""
        if await self._journal.was_printed(rid, "receipt"):
            return False  # a till that repeats its request is answered again, and gets no second paper
        slip = await self._receipt(rid)
        if slip is None:
            return False
        await self._spooler.submit(slip, rid=rid, kind="receipt")
        return True

    async def _receipt(self, rid: str) -> Slip | None:
        attempt = await self._journal.attempt(rid)
        if attempt is None or attempt.state != "recorded":
            return None
        place = await self._place()
        batch = await self._journal.batch(attempt.stock_id) if attempt.stock_id else None
        return templates.receipt_slip(place.store, batch, rid, attempt.verdict, attempt.at, place.locale)

    async def status(self, lines: list[tuple[str, str]]) -> JobRow:
        """Print how the kiosk is: the printer as the screen of who mends it."""
        place = await self._place()
        name = place.store.name if place.store else place.device
        slip = templates.status_slip(name, lines, place.locale)
        return await self._spooler.print(slip, rid=new_rid(), kind="status")

    async def enrolment(self, code: str, hub: str) -> JobRow:
        """Print the code that lets this kiosk in: whoever stands before it reads it to the operator."""
        place = await self._place()
        slip = templates.enrolment_slip(code, hub, place.locale)
        return await self._spooler.print(slip, rid=new_rid(), kind="enrolment")

    async def pairing(self, address: str, person: str) -> JobRow:
        """Print the address that signs one phone in."""
        place = await self._place()
        slip = templates.pairing_slip(address, person, place.locale)
        return await self._spooler.print(slip, rid=new_rid(), kind="pairing")

    async def day(self, day: date | None = None) -> JobRow:
        """Print the figures of a day, by default of today."""
        place = await self._place()
        day = day or local(self._clock.trusted().at).date()
        lines = await of_day(self._journal, day)
        name = place.store.name if place.store else ""
        slip = templates.day_slip(name, day.isoformat(), lines, place.locale)
        return await self._spooler.print(slip, rid=new_rid(), kind="day")

    async def self_test(self, name: str) -> Outcome | None:
        """Print a self-test slip on one printer, past the queue; None when there is no printer of that name."""
        printer = self._spooler.find(name)
        if printer is None:
            return None
        place = await self._place()
        slip = templates.self_test_slip(name, self._clock.trusted().at, place.locale, printer.profile)
        return await self._spooler.test(printer, slip)


def stored_logo(logos: Path | None) -> str:
    """Return the name of the shop's logo for slips; empty when none is stored."""
    return LOGO if logos is not None and (logos / f"{LOGO}.png").is_file() else ""
