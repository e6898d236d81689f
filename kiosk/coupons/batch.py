"""A batch: a set of coupons with one rule."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

import msgspec

Product = Literal["cash_voucher", "merchant_coupon", "slip_coupon"]
Kind = Literal["discount", "exchange"]
Policy = Literal["never", "lease", "home", "capped"]
BatchStatus = Literal["running", "paused", "ended"]

Fen = Annotated[int, msgspec.Meta(ge=0, le=100_000_000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


_STOCK_ID = r"^[0-9A-Za-z_-]+$"


def could_name_a_batch(text: str) -> bool:
    """Tell whether a text has the form of a batch's number; WeChat's may be shorter than any code."""
    return len(text) <= 32 and re.match(_STOCK_ID, text, re.ASCII) is not None


class Offline(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What a kiosk may decide while the hub does not answer (facts: sync-fleet A3)."""

    policy: Policy = "never"
    count: Count | None = None
    """Uses that one kiosk may honour since its last successful sync (`capped`)."""
    value: Fen | None = None
    """Their value in fen (`capped`)."""
    max_age_s: Count | None = None
    """Seconds since the last successful sync after which nothing is honoured (`capped`)."""
    quota: Count | None = None
    """Uses granted to one kiosk at a time (`lease`)."""
    deadline_ms: Annotated[int, msgspec.Meta(ge=50, le=30_000)] = 1500
    """How long a scan waits for the hub."""
    needs_signature: bool = False
    """Without the hub only a code whose signature the kiosk can check, or which it handed out itself, is honoured."""
    after_unclean_boot: Literal["deny", "allow"] | None = None
    """What a kiosk may do after a power cut until it has met the hub again; None: `lease` is denied, the rest allowed."""

    @property
    def needs_clean_boot(self) -> bool:
        """Tell whether a power cut takes the offline right away until the hub has compared journals."""
        return (self.after_unclean_boot or ("deny" if self.policy == "lease" else "allow")) == "deny"


class Hours(msgspec.Struct, frozen=True):
    """A window of a day in Asia/Shanghai, `HH:MM`; the minute `end` is outside, and `end` before `start` crosses midnight.

    With `weekdays` a window belongs to the day on which it begins.
    """

    start: Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    end: Annotated[str, msgspec.Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """One batch as the hub sends it and the kiosk keeps it."""

    stock_id: Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=_STOCK_ID)]
    number: Annotated[int, msgspec.Meta(ge=0, lt=2**32)] = 0
    """The batch's number inside signed codes, given by the hub; 0 in a file that was never loaded."""
    product: Product
    kind: Kind = "discount"
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    value: Fen
    threshold: Fen
    begins: Annotated[datetime, msgspec.Meta(tz=True)]
    ends: Annotated[datetime, msgspec.Meta(tz=True)]
    stock: Count | None = None
    per_user: Count | None = None
    prepaid: bool = False
    goods: tuple[str, ...] = ()
    goods_tags: tuple[str, ...] = ()
    stores: tuple[str, ...] | None = None
    """Stores where it may be used; None means every store of the merchant."""
    weekdays: tuple[Annotated[int, msgspec.Meta(ge=1, le=7)], ...] | None = None
    """ISO weekdays, Monday is 1; None means every day."""
    hours: tuple[Hours, ...] | None = None
    require_total: bool = False
    max_uses: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """Uses of one coupon of this batch."""
    offline: Offline = Offline()
    status: BatchStatus = "running"
    claimed: Count = 0
    """Coupons claimed or handed out so far, as the hub counts them."""
    redeemed: Count = 0

    @property
    def left(self) -> int | None:
        """Return how many coupons can still be claimed, or None when the stock is not limited."""
        return None if self.stock is None else max(0, self.stock - self.claimed)


class Merchant(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """Who gives the coupons."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    short_name: str = ""
    category: str = ""
    introduction: str = ""


class Store(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """One shop of a merchant."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=r"^[0-9A-Za-z_-]+$")]
    name: str
    address: str = ""
    image: str | None = None
    link: str = ""
    """The permanent link that the store's QR carries; given by the hub (`{public_url}/c/{id}`)."""
    home_kiosk: str | None = None
    """Device id of the kiosk that is home to this store's `home` batches."""
