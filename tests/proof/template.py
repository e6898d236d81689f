"""The hub that every history begins with: one merchant, five batches, some coupons in customers' hands."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.config import Settings
from hub.parts import Parts
from hub.store.catalog import BatchFile
from kiosk.coupons.batch import Batch, Merchant, Offline, Store

BEGIN = datetime(2026, 11, 25, 1, tzinfo=UTC)
DAY = timedelta(days=1)
COUNT_CAP, VALUE_CAP, MAX_AGE_S = 3, 800, 40
ISSUED = {"NEVER": 4, "CAPPED": 5, "TWICE": 3, "LEASED": 8}
KIOSKS = 3


def _batch(stock_id: str, policy: str, **more: Any) -> Batch:
    rule = Offline(policy=policy, deadline_ms=1500)  # type: ignore[arg-type]
    if policy == "capped":
        rule = Offline(
            policy="capped", count=COUNT_CAP, value=VALUE_CAP, max_age_s=MAX_AGE_S, deadline_ms=1500
        )
    if policy == "lease":
        rule = Offline(policy="lease", quota=2, max_age_s=120, deadline_ms=1500)
    product = "slip_coupon" if policy == "home" else "merchant_coupon"
    return Batch(
        stock_id=stock_id,
        product=product,  # type: ignore[arg-type]
        name=stock_id,
        value=300,
        threshold=0,
        begins=BEGIN - DAY,
        ends=BEGIN + 300 * DAY,
        stock=1_000_000,
        offline=rule,
        **more,
    )


BATCHES = (
    _batch("NEVER", "never"),
    _batch("CAPPED", "capped"),
    _batch("TWICE", "capped", max_uses=2),
    _batch("SLIP", "home"),
    _batch("LEASED", "lease"),
)


class Template:
    """A hub's database with merchant, batches and coupons, made once and copied for each history."""

    def __init__(self, base: Path, kiosks: int = KIOSKS) -> None:
        self.base = base
        self._live: Parts | None = None
        self.cards: Path | None = None
        """Where the cards of the kiosks lie that this hub has let in."""
        base.mkdir(parents=True, exist_ok=True)
        parts = Parts(Settings(database=f"sqlite:///{base / 'hub.db'}"))
        parts.open()
        stores = tuple(Store(f"S{n}", f"S{n}") for n in range(kiosks))
        parts.database.call(parts.catalog.load, BatchFile(Merchant("老王便利店"), stores, BATCHES))
        self.codes = [
            issued.code
            for stock, count in ISSUED.items()
            for issued in parts.database.call(parts.coupons.list_out, stock, count, "customer", BEGIN)
        ]
        parts.close()

    def again(self) -> Parts:
        """Return the one hub of all histories on a fresh copy: opened once, since that takes as long as half a history."""
        place = self.base.parent / f"{self.base.name}-live"
        if self._live is None:
            self._live = self.hub(place)
            return self._live
        for path in place.iterdir():
            path.unlink()
        for path in self.base.iterdir():
            shutil.copy(path, place / path.name)
        return self._live

    def keep(self, cards: Path) -> Path:
        """Begin from now on with the hub as it is, and with these cards."""
        for path in (self.base.parent / f"{self.base.name}-live").iterdir():
            shutil.copy(path, self.base / path.name)
        self.cards = cards
        return cards

    def close(self) -> None:
        """Let go of the hub of the histories."""
        if self._live is not None:
            self._live.close()

    def hub(self, to: Path) -> Parts:
        """Return a hub on a copy of its own."""
        to.mkdir(parents=True)
        for path in self.base.iterdir():
            shutil.copy(path, to / path.name)
        parts = Parts(Settings(database=f"sqlite:///{to / 'hub.db'}"))
        parts.open()
        return parts
