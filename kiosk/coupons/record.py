"""What kiosk and hub keep and tell each other: journal items, changes, codes of a pool. Values only."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

import msgspec

ItemKind = Literal[
    "redeem_record",
    "void",
    "rollback",
    "attempt_denied",
    "claim",
    "code_void",
    "print_job",
    "print_result",
    "lease_use",
    "command_result",
    "state_report",
    "counter_snapshot",
]


class Stamp(msgspec.Struct, frozen=True):
    """When, by every clock the kiosk has (facts: sync-fleet A8)."""

    wall: datetime
    mono: float
    boot: str
    trusted: datetime
    error_s: float | None
    """Bound of the error of `trusted` in seconds; None: not known."""


class Item(msgspec.Struct, frozen=True):
    """One row of the journal. `body` by kind:

    redeem_record: {coupon, stock_id, store, verdict: confirmed|offline, policy, value, total, threshold, source, lease}
    void: {coupon, stock_id, why} (rid names the attempt)
    rollback: {of: rid, why, by}
    attempt_denied: {coupon, stock_id, reason, by: hub|kiosk} (never a payment code, not even hashed)
    lease_use: {lease, stock_id, used, value, returned: true} (the rest of the lease is given back)
    claim: {coupon, stock_id, store, via: "button"|"staff"}
    code_void: {coupon, stock_id, job, by: the coupon that took its place} (rid is that one's claim)
    print_job / print_result: {job, slip, printer, outcome, reason, coupon}
    """

    seq: int
    kind: ItemKind
    rid: str
    body: dict[str, Any]
    t: Stamp
    hash: str
    """sha256 hex of prev hash + canonical JSON of [seq, kind, rid, body, t] (`item_hash`)."""


def item_hash(prev: str, seq: int, kind: str, rid: str, body: dict[str, Any], t: Stamp) -> str:
    """Return the chained hash of an item; keys sorted so that both sides get the same bytes."""
    raw = msgspec.json.encode([seq, kind, rid, body, t], order="sorted")
    return hashlib.sha256(prev.encode() + b"\n" + raw).hexdigest()


GENESIS = "0" * 64


class ItemVerdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the hub made of an item."""

    seq: int
    status: Literal["accepted", "duplicate", "conflict", "quarantined", "retry"]
    verdict: str = ""
    """For a redemption: confirmed | accepted | accepted_late | accepted_grace | conflict."""
    detail: str = ""


ChangeType = Literal[
    "merchant",
    "store",
    "device",
    "batch",
    "code",
    "key",
    "lease",
    "revocation",
    "rollback",
    "person",
    "setting",
]


class Ended(msgspec.Struct, frozen=True):
    """What is left of an epoch when another one takes its place."""

    epoch: str
    kept: tuple[tuple[int, int], ...]
    """First and last number of each unbroken run of items that are still there."""
    had: int
    """Number of the last item by a witness outside the journal; 0: there is none."""
    marks: tuple[tuple[int, str], ...] = ()
    """Number and hash of the last items that no hub has acknowledged: the hub may have others under these numbers."""


class Change(msgspec.Struct, frozen=True):
    """One entry of the change log. Applying it twice is harmless: `rev` must grow.

    body by type: merchant -> Merchant; store -> Store; batch -> Batch; key -> KeyBody; code -> CodeBody;
    lease -> LeaseBody; device -> {"store": id, "name": ..., "locale": "zh_CN"} (this kiosk's own assignment);
    rollback -> {"of": rid, "why", "by", "at"} (a redemption of this kiosk that was undone at the hub).
    """

    op: Literal["put", "del"]
    type: ChangeType
    id: str
    rev: int
    body: dict[str, Any] | None = None


class CodeBody(msgspec.Struct, frozen=True):
    """How a kiosk knows an unsigned short code offline: a truncated keyed hash, so a stolen card holds no usable code."""

    hash: str
    """First 8 bytes, hex, of HMAC-SHA256(tenant's code key, canonical short code); `kiosk.coupons.code.code_hash`."""
    stock_id: str
    coupon: str
    home: str = ""
    """Device id of the kiosk that is the coupon's home; empty when it has none."""


class LeaseBody(msgspec.Struct, frozen=True):
    """Uses of a batch that the hub granted to this kiosk, for one epoch of its journal (facts: sync-fleet A3).

    A renewal is a new lease with an id of its own, so that what a late record used of the old one stays clear.
    """

    stock_id: str
    amount: int
    begins: datetime
    not_after: datetime
    epoch: str
    value: int | None = None
    """Their value in fen at most."""
    coupons: tuple[str, ...] | None = None
    """The coupons whose uses are reserved here, so that no other kiosk honours them; None: any coupon of the batch."""


class PoolCode(msgspec.Struct, frozen=True):
    """One slip coupon, not yet handed out."""

    coupon: str
    code: str
    """Signed text for the QR."""
    short: str
    """12 characters for the barcode and for people."""
