"""What the journal gives back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from kiosk.coupons.record import Item
from kiosk.coupons.verdict import FirstUse


class Recovery(msgspec.Struct, frozen=True):
    """What was found and mended at start."""

    voided: int = 0
    """Attempts that were open."""
    unclean: bool = False
    """The last run did not end by itself."""
    new_epoch: bool = False
    told: str = ""
    """One sentence when something was damaged or lost; empty otherwise."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt before anybody is asked."""

    rid: str
    code_key: str
    """What makes two scans the same code: the coupon's identity where it is known, else a digest of the text."""
    coupon: str | None
    stock_id: str | None
    max_uses: int = 1
    total: int | None = None
    request_no: str | None = None


class Use(msgspec.Struct, frozen=True):
    """One use of a coupon here."""

    rid: str
    store: str
    at: datetime


def first_use(use: Use) -> FirstUse:
    """Return a use in the words of a verdict."""
    return FirstUse(use.store, use.at)


class Attempt(msgspec.Struct, frozen=True):
    """An attempt as it stands."""

    rid: str
    code_key: str
    coupon: str | None
    stock_id: str | None
    state: str
    verdict: str
    reason: str
    value: int
    result: dict[str, Any] | None
    at: datetime


class Used(Exception):
    """The coupon has no use left here."""

    def __init__(self, first: Use) -> None:
        super().__init__(first.rid)
        self.first = first


class Busy(Exception):
    """The same code is being redeemed right now."""


class Replaced(Exception):
    """The code was made void: a new one has taken its place."""


class Backlog(msgspec.Struct, frozen=True):
    """What waits to go up."""

    count: int
    oldest: datetime | None


class Run(msgspec.Struct, frozen=True):
    """Contiguous items that wait to go up."""

    epoch: str
    first_seq: int
    prev: str
    items: tuple[Item, ...]


class Ends(msgspec.Struct, frozen=True):
    """How far the running epoch goes."""

    epoch: str
    tip: int
    """Last sequence number; 0: none."""
    acked: int
    """Last sequence number that the hub has acknowledged, with everything before it."""
    acked_hash: str


class Assignment(msgspec.Struct, frozen=True):
    """Where the hub has put this kiosk."""

    store: str | None
    name: str = ""
    locale: str = "zh_CN"
    suspended: bool = False
    """Its card is in doubt, an older image or a copy: it decides nothing alone."""


class JobRow(msgspec.Struct, frozen=True):
    """A print job."""

    id: str
    rid: str
    kind: str
    slip: bytes
    state: str
    detail: dict[str, Any]
    at: datetime
    changed_at: datetime


class Conflict(msgspec.Struct, frozen=True):
    """A redemption of this kiosk that the hub calls a conflict; value in fen."""

    rid: str
    coupon: str
    stock_id: str
    value: int
    at: datetime
    detail: str
    """Where it was used before, as the hub says it."""


class Verification(msgspec.Struct, frozen=True):
    """What the hash chain says."""

    ok: bool
    rows: int
    first_bad: int | None = None


class DayRow(msgspec.Struct, frozen=True):
    """Figures of one batch on one day."""

    stock_id: str
    claimed: int
    redeemed: int
    value: int
    void: int
    conflicts: int
