"""What the counter knows of itself, of a scan and of how it ended. Values only."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from kiosk.coupons.batch import Batch, Store
from kiosk.coupons.verdict import FirstUse, Goods, Reason, Threshold, Verdict


class Place(msgspec.Struct, frozen=True):
    """Where this kiosk stands."""

    device: str
    store: Store | None
    locale: str
    suspended: bool = False
    """The hub knows of a second card with this kiosk's key: nothing is decided alone."""

    @property
    def store_id(self) -> str:
        """Return the store's id; empty until the hub has given one."""
        return self.store.id if self.store else ""

    @property
    def store_name(self) -> str:
        """Return what people call the place."""
        return self.store.name if self.store else self.device


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """A code and what the till said with it; total in fen."""

    text: str
    source: str
    total: int | None = None
    goods: tuple[Goods, ...] = ()
    own_coupon_applied: bool = False
    request_no: str | None = None


class RedeemResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `kiosk redeem --json` prints."""

    rid: str
    verdict: Verdict
    reason: Reason = ""
    batch: str | None = None
    first_use: FirstUse | None = None
    threshold: Threshold = "unchecked"
    discount: int | None = None
    goods_tag: str | None = None
    message: str = ""
    hint: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the result as the journal keeps it."""
        plain: dict[str, Any] = json.loads(msgspec.json.encode(self))
        return plain


class Ended(msgspec.Struct, frozen=True):
    """How a scan ended, and by which batch."""

    result: RedeemResult
    batch: Batch | None = None
