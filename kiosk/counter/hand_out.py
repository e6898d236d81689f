"""A customer presses the button: one code of the pool, recorded, then printed."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Literal

import msgspec

from kiosk.clock import Clock
from kiosk.counter import tell, words
from kiosk.counter.records import hidden
from kiosk.counter.result import Place
from kiosk.coupons.batch import Batch
from kiosk.coupons.ids import new_rid
from kiosk.coupons.record import PoolCode
from kiosk.events import Bus, Outcome, OutcomeKind
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal
from ui.marks import N_

log = logging.getLogger(__name__)
PrintResult = Literal["printed", "failed", "unknown"]
PrintCoupon = Callable[[str, Batch, PoolCode, Place], Awaitable[PrintResult]]
"""rid, batch, code, place -> how the slip ended. Durable before it returns."""


class HandOutSettings(msgspec.Struct, frozen=True):
    """Limits of the button."""

    cooldown_s: float = 20
    hourly: int = 30
    daily: int = 200
    stock_id: str = ""


class HandOutResult(msgspec.Struct, frozen=True):
    """How a press ended."""

    outcome: Literal[
        "printed",
        "failed",
        "unknown",
        "cooling",
        "limit",
        "empty",
        "closed",
        "error",
        "settled",
        "used",
        "busy",
    ]
    rid: str = ""
    coupon: str = ""


class HandOut:
    """Hands slip coupons out."""

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        clock: Clock,
        settings: HandOutSettings,
        place: Callable[[], Awaitable[Place]],
        print_coupon: PrintCoupon,
    ) -> None:
        self._journal, self._bus, self._clock, self._settings = journal, bus, clock, settings
        self._place, self._print = place, print_coupon
        self._one = asyncio.Lock()
        self._given: deque[float] = deque(maxlen=max(1, settings.daily))
        """When slips were given in this run, by the monotonic clock: a clock that jumps resets no cap."""

    async def batch(self) -> Batch | None:
        """Return the batch that the button gives, or None when there is none today."""
        now = self._clock.trusted().at
        away = await hidden(self._journal)
        for batch in await self._journal.batches():
            if batch.stock_id in away:
                continue
            fits = batch.product == "slip_coupon" and self._settings.stock_id in ("", batch.stock_id)
            if fits and batch.status == "running" and batch.begins <= now <= batch.ends:
                return batch
        return None

    async def ready(self) -> bool:
        """Tell whether the counter invites to press: a code is there and no cap is reached; a cool-down passes too soon to tell."""
        batch = await self.batch()
        if batch is None or (await self._place()).suspended or await self._capped():
            return False
        return await self._journal.pool_left(batch.stock_id) > 0

    async def press(self) -> HandOutResult:
        """Hand one slip out, or say why not. Presses during a print are answered, never queued."""
        place = await self._place()
        if self._one.locked():
            return self._say("cooling", place.locale)
        async with self._one:
            try:
                return await self._press(place)
            except JournalError as err:
                log.warning("no slip was handed out: %s", err)
                now = self._clock.trusted().at
                self._bus.publish(
                    tell.ask_staff(place.locale, words.for_staff("store_full", place.locale, now))
                )
                return HandOutResult("error")

    async def give(self, stock_id: str) -> HandOutResult:
        """Hand one slip of a batch out for the staff: cool-down and caps are for strangers at the button."""
        place, now = await self._place(), self._clock.trusted().at
        batch = await self._journal.batch(stock_id)
        fits = batch is not None and batch.product == "slip_coupon" and batch.status == "running"
        if batch is None or not fits or not batch.begins <= now <= batch.ends:
            return HandOutResult("closed")
        async with self._one:
            return await self._hand(batch, place)

    async def replace(self, job: str) -> HandOutResult:
        """Give the customer of an *unknown* slip a new code; the old one is void before the new one can be on paper.

        Nothing is changed where there is no doubt (`settled`), the old code was redeemed (`used`) or is being redeemed or
        printed (`busy`), or no other code is ready (`empty`).
        """
        place, now = await self._place(), self._clock.trusted().at
        stock_id = await self._journal.doubted_batch(job)
        batch = None if stock_id is None else await self._journal.batch(stock_id)
        if stock_id is None:
            return HandOutResult("settled")
        if batch is None or batch.status != "running" or not batch.begins <= now <= batch.ends:
            return HandOutResult("closed")
        if place.suspended:
            return HandOutResult("empty")
        async with self._one:
            rid = new_rid()
            fresh = await self._journal.replace_code(job, rid, place.store.id if place.store else "")
            if isinstance(fresh, str):
                return HandOutResult(fresh)
            log.info("the code of slip %s is void; %s takes its place", job, rid)
            return await self._give(rid, batch, fresh.code, place)

    async def _press(self, place: Place) -> HandOutResult:
        batch = await self.batch()
        if batch is None:
            return self._say("closed", place.locale)
        if (limit := await self._limited()) is not None:
            return self._say(limit, place.locale)
        return await self._hand(batch, place)

    async def _hand(self, batch: Batch, place: Place) -> HandOutResult:
        taken = await self._take(batch, place)
        if taken is None:
            return self._say("empty", place.locale)
        return await self._give(taken[0], batch, taken[1], place)

    async def _give(self, rid: str, batch: Batch, code: PoolCode, place: Place) -> HandOutResult:
        """Print a code that is taken, and say how that ended."""
        self._given.append(self._clock.mono())
        t = words.counter_texts(place.locale)
        self._bus.publish(Outcome(kind="busy", title=t("Printing your coupon"), until_s=15, rid=rid))
        try:
            ended = await self._print(rid, batch, code, place)
        except JournalError as err:
            log.warning("how slip %s ended is not known: %s", rid, err)
            ended = "unknown"
        return self._say(ended, place.locale, rid, code.coupon)

    async def _take(self, batch: Batch, place: Place) -> tuple[str, PoolCode] | None:
        """Take a code whose slip never reached a printer before, else a fresh one.

        None too while this card is in two places: the other one has the same codes.
        """
        if place.suspended:
            return None
        if (spare := await self._journal.spare(batch.stock_id)) is not None:
            return spare
        rid = new_rid()
        code = await self._journal.hand_out(rid, batch.stock_id, place.store.id if place.store else "")
        return None if code is None else (rid, code)

    async def _limited(self) -> Literal["cooling", "limit"] | None:
        """Check cool-down and caps: by the monotonic clock in this run, by the record across restarts."""
        settings, mono = self._settings, self._clock.mono()
        if self._given and mono - self._given[-1] < settings.cooldown_s:
            return "cooling"
        last = await self._journal.last_handed_out()
        if last is not None and not self._given:
            since = self._clock.trusted().at - last
            if timedelta() <= since < timedelta(seconds=settings.cooldown_s):
                return "cooling"
        return "limit" if await self._capped() else None

    async def _capped(self) -> bool:
        """Tell whether as many slips were given within an hour or a day as may be."""
        settings, mono, now = self._settings, self._clock.mono(), self._clock.trusted().at
        for cap, span_s in ((settings.hourly, 3600.0), (settings.daily, 86_400.0)):
            here = sum(mono - given < span_s for given in self._given)
            if max(here, await self._journal.handed_out(now - timedelta(seconds=span_s))) >= cap:
                return True
        return False

    def _say(
        self,
        outcome: Literal["printed", "failed", "unknown", "cooling", "limit", "empty", "closed", "error"],
        locale: str,
        rid: str = "",
        coupon: str = "",
    ) -> HandOutResult:
        t = words.counter_texts(locale)
        kind, title, detail = SAYINGS[outcome]
        self._bus.publish(
            Outcome(
                kind=kind,
                title=t(title),
                detail=t(detail) if detail else "",
                until_s=8,
                rid=rid,
                reason=outcome,
            )
        )
        return HandOutResult(outcome, rid, coupon)


SCAN_INSTEAD = N_("Please scan the code on the screen instead")
SAYINGS: dict[str, tuple[OutcomeKind, str, str]] = {
    "printed": ("printed", N_("Please take your coupon"), N_("Show it at the till on your next visit")),
    "failed": ("info", N_("The slip could not be printed"), SCAN_INSTEAD),
    "unknown": ("help", N_("Please check whether your slip came out"), N_("If not, ask the staff")),
    "cooling": ("info", N_("One moment, please"), N_("The next slip can be printed in a few seconds")),
    "limit": ("info", N_("No more slips for now"), SCAN_INSTEAD),
    "empty": ("info", N_("No slips at the moment"), SCAN_INSTEAD),
    "closed": ("info", N_("No slips at the moment"), SCAN_INSTEAD),
    "error": ("help", N_("Please ask the staff"), ""),
}
