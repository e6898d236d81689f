"""What the counter page shows: one view, made anew when something changed, the latest one wins."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from kiosk.clock import Clock, Trusted
from kiosk.counter import hours_words, words
from kiosk.counter.dress import Dress
from kiosk.counter.opening import Opening
from kiosk.counter.records import hidden
from kiosk.counter.rest import RestChanged, Resting
from kiosk.counter.result import Place
from kiosk.coupons.batch import Batch
from kiosk.events import (
    BatchesChanged,
    Bus,
    DeviceAccepted,
    DeviceState,
    Event,
    HubLost,
    HubReached,
    Outcome,
    PoolChanged,
    PrintDone,
)
from kiosk.journal.store import Journal
from kiosk.tasks import Spawn, alone
from ui.codes import modules
from ui.money import offer, period

log = logging.getLogger(__name__)
CHECK_S = 20.0
"""Between two looks without a reason; a period that begins or ends is a reason."""


class Status(msgspec.Struct, frozen=True):
    """What the page says of the kiosk's state."""

    hub: str
    printer: str
    clock: str
    slip_ready: bool
    code: str | None = None
    """Enrolment code while the hub has not let this kiosk in."""


class Show:
    """Keeps the view and tells who watches."""

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        clock: Clock,
        place: Callable[[], Awaitable[Place]],
        status: Callable[[], Awaitable[Status]],
        dress: Dress,
        rest: Callable[[], Resting] = lambda: "awake",
    ) -> None:
        self._journal, self._bus, self._clock, self._place, self._status, self._dress = (
            journal,
            bus,
            clock,
            place,
            status,
            dress,
        )
        self._rest = rest
        self.view: dict[str, Any] = {}
        self.seq = 0
        self._outcome: Outcome | None = None
        self._outcome_end = 0.0
        self._reloads = self._repaints = 0
        self._period_s = CHECK_S
        self._dirty, self._changed = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._off: list[Callable[[], None]] = []

    async def start(self, spawn: Spawn = alone) -> None:
        """Make the first view and follow events."""
        await self._remake()
        for kind in (
            BatchesChanged,
            DeviceAccepted,
            HubReached,
            HubLost,
            DeviceState,
            PoolChanged,
            PrintDone,
            RestChanged,
        ):
            self._off.append(self._bus.on(kind, self._mark))
        self._off.append(self._bus.on(Outcome, self._take))
        self._task = spawn(self._run(), name="show")

    async def stop(self) -> None:
        """Follow no more."""
        for off in self._off:
            off()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _mark(self, _: Event) -> None:
        self._dirty.set()

    def _take(self, outcome: Outcome) -> None:
        self._outcome, self._outcome_end = outcome, self._clock.mono() + outcome.until_s
        self._dirty.set()

    async def _run(self) -> None:
        while True:
            left = min(CHECK_S, self._period_s)
            if self._outcome is not None:
                left = min(left, self._outcome_end - self._clock.mono())
            try:
                async with asyncio.timeout(max(0.05, left)):
                    await self._dirty.wait()
            except TimeoutError:
                log.debug("looking again by the clock")
            self._dirty.clear()
            try:
                await self._remake()
            except Exception:
                log.exception("the view could not be made; the last one stays")

    def reload(self) -> None:
        """Tell every page to load itself anew."""
        self._reloads += 1
        self._dirty.set()

    def repaint(self) -> None:
        """Tell the pages to draw all that they show once more: a screenshot is about to be taken."""
        self._repaints += 1
        self._dirty.set()

    async def changed(self, seq: int) -> dict[str, Any]:
        """Return the view once it is newer than `seq`."""
        while self.seq <= seq:
            await self._changed.wait()
        return self.view

    async def _remake(self) -> None:
        if self._outcome is not None and self._clock.mono() >= self._outcome_end:
            self._outcome = None
        view = await self._make()
        if self.seq and {**view, "seq": self.seq} == self.view:
            return
        self.seq += 1
        self.view = {**view, "seq": self.seq}
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    async def _make(self) -> dict[str, Any]:
        place, status = await self._place(), await self._status()
        merchant = await self._journal.merchant()
        trusted = self._clock.trusted()
        now = trusted.at
        store = place.store
        known = await self._journal.batches()
        self._period_s = min(next_change(known, now), self._dress.opening.next_change_s(now))
        away = await hidden(self._journal)
        here = [b for b in known if b.stock_id not in away]
        batches = [b for b in here if _runs(b, now, store.id if store else "")]
        t = words.counter_texts(place.locale)
        link = store.link if store else ""
        return {
            "locale": place.locale,
            "reload": self._reloads,
            "repaint": self._repaints,
            "look": self._dress.look,
            "colours": self._dress.colours,
            "logo": self._dress.logo,
            "pictures": await asyncio.to_thread(self._pictures),
            "open": self._rest() != "dark" and (not trusted.certain or self._dress.opening.is_open(now)),
            "rest": self._rest(),
            "merchant": {"name": merchant.name if merchant else ""},
            "store": {"id": store.id if store else "", "name": store.name if store else ""},
            "shop": self._shop(trusted, place.locale),
            "link": link,
            "qr": code(link) if link else None,
            "batches": [_ticket(b, place.locale, now) for b in batches if b.product != "slip_coupon"],
            "status": {
                "hub": status.hub,
                "printer": status.printer,
                "clock": status.clock,
                "code": status.code,
            },
            "outcome": self._shown(),
            "slip": {"enabled": status.slip_ready, "text": self._slip_text(batches, status, place.locale)},
            "words": {
                "scan": t("Scan with WeChat to get a coupon"),
                "left": t("{n} left"),
                "offline": t("Offline: coupons already claimed can still be used here"),
                "starting": t("Starting"),
                "pending": t("Waiting to be let in. Code {code}", code=status.code or "-"),
                "gone": t("The kiosk does not answer. Please ask the staff"),
                "none": t("No coupons at the moment"),
                "revoked": t("This kiosk was shut out. Please ask the staff"),
                "at_payment": t("Deducted when you pay"),
                "at_till": t("Show it at the till"),
            },
        }

    def _shop(self, now: Trusted, locale: str) -> dict[str, str]:
        """Say today's hours and the next days off; nothing while the day may be another one."""
        hours = self._dress.opening if now.certain else Opening()
        return {
            "hours": hours_words.hours(hours, now.at, locale),
            "notice": hours_words.notice(hours, now.at, locale),
        }

    def _pictures(self) -> list[dict[str, Any]]:
        return [
            {"url": f"/counter/pictures/{quote(p.name)}?v={p.version}", "clip": p.is_clip}
            for p in self._dress.pictures()
        ]

    def _slip_text(self, batches: list[Batch], status: Status, locale: str) -> str:
        batch = next((b for b in batches if b.product == "slip_coupon"), None)
        t = words.counter_texts(locale)
        if batch is None:
            return ""
        if not status.slip_ready:
            return t("No slips at the moment. Please scan the code instead")
        return t(
            "Press the button and get a slip: {offer}",
            offer=offer(batch.threshold, batch.value, locale, batch.kind),
        )

    def _shown(self) -> dict[str, Any] | None:
        o = self._outcome
        if o is None:
            return None
        return {
            "kind": o.kind,
            "title": o.title,
            "detail": o.detail,
            "hint": o.hint,
            "reason": o.reason,
            "id": hashlib.sha256(f"{o.rid}:{o.title}".encode()).hexdigest()[:16],
            "until_ms": int(o.until_s * 1000),
        }


def next_change(batches: Sequence[Batch], now: datetime) -> float:
    """Return seconds until the next period begins or ends, at most `CHECK_S`."""
    edges = [edge for b in batches for edge in (b.begins, b.ends) if edge > now]
    return min([CHECK_S, *((edge - now).total_seconds() for edge in edges)])


def _runs(batch: Batch, now: datetime, store: str) -> bool:
    here = batch.stores is None or store in batch.stores
    return here and batch.status == "running" and batch.begins <= now <= batch.ends


def _ticket(batch: Batch, locale: str, now: datetime) -> dict[str, Any]:
    return {
        "stock_id": batch.stock_id,
        "product": batch.product,
        "kind": batch.kind,
        "name": batch.name,
        "offer": offer(batch.threshold, batch.value, locale, batch.kind),
        "value": batch.value,
        "threshold": batch.threshold,
        "period": period(batch.begins, batch.ends, locale, now),
        "left": batch.left,
        "claimed": batch.claimed,
        "redeemed": batch.redeemed,
    }


@lru_cache(maxsize=4)
def code(link: str) -> dict[str, Any]:
    """Return a link's QR for the page: modules and the payload's hash, which the page proves to have drawn."""
    return {
        "payload": link,
        "modules": list(modules(link, "M")),
        "sha256": hashlib.sha256(link.encode()).hexdigest(),
    }
