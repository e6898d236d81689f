"""Messages between kiosk and hub (`/v1/device/...`), JSON by msgspec.

Every request but `enrol` carries four headers (see `signed_text`): `Kiosk-Device`, `Kiosk-Time` (Unix seconds by the
server's clock as the kiosk last learned it), `Kiosk-Nonce` (16 random bytes, base64url), `Kiosk-Signature` (Ed25519 over
`signed_text`, base64url). A hub that finds the time off by more than `MAX_SKEW_S` answers 401 with an `Error` whose
`server_time` lets the kiosk sign again: no calendar on the kiosk has to be right. There is no session to lose.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from kiosk.coupons.record import (
    GENESIS,
    Change,
    ChangeType,
    CodeBody,
    Ended,
    Item,
    ItemKind,
    ItemVerdict,
    PoolCode,
    Stamp,
    item_hash,
)
from kiosk.coupons.verdict import FirstUse, Goods, Reason, Threshold

__all__ = [
    "GENESIS", "Acknowledged", "Answer", "Ask", "Change", "ChangeType", "Changes", "CodeBody", "Ended", "Enrol", "Enrolled", "Error", "Item",
    "ItemKind", "ItemVerdict", "KeyBody", "LeaseAsk", "Leased", "Pool", "PoolAsk", "PoolCode", "PrintAsk", "PrintEnd", "Printed", "PrinterState", "PrinterUrl", "Rid", "Snapshot", "Stamp", "Upload", "Uses", "Wake",
    "device_id", "enrol_text", "item_hash", "signed_text",
]  # fmt: skip

VERSION = 1
MAX_SKEW_S = 300
CONTEXT = b"coupon-kiosk device request v1\n"
Rid = Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=r"^[0-9A-Za-z]+$")]
MAX_ITEMS = 500
MAX_BODY = 256 * 1024


def signed_text(method: str, target: str, time_s: int, nonce: str, body: bytes) -> bytes:
    """Return the bytes a device signs: context, method, path with query, time, nonce and the body's SHA-256."""
    head = f"{method.upper()}\n{target}\n{time_s}\n{nonce}\n{hashlib.sha256(body).hexdigest()}"
    return CONTEXT + head.encode()


def device_id(public_key: bytes) -> str:
    """Return the identity of a device: `k` and the first 20 hex digits of the SHA-256 of its 32-byte public key."""
    return "k" + hashlib.sha256(public_key).hexdigest()[:20]


class Error(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of every answer that is not 2xx."""

    error: str
    """A code, such as `bad_signature`, `time`, `pending`, `revoked`, `unknown_device`, `resync_required`, `seq_regress`."""
    message: str
    server_time: datetime | None = None
    retry_after_s: float | None = None


# -- POST /v1/device/enrol (not signed by headers; the body proves the key) --


class Enrol(msgspec.Struct, frozen=True):
    """A kiosk asks to be let in. Repeating it is harmless: it answers the state of the device."""

    public_key: str
    """base64url of the 32 raw bytes."""
    proof: str
    """base64url Ed25519 signature over `enrol_text`."""
    nonce: str
    name: str = ""
    token: str | None = None
    fingerprint: dict[str, str] = {}
    """Board serial, machine id, storage id: stored, never trusted as identity."""


def enrol_text(nonce: str, token: str | None) -> bytes:
    """Return the bytes that prove possession of the key at enrolment."""
    return b"coupon-kiosk enrol v1\n" + f"{nonce}\n{token or ''}".encode()


class Enrolled(msgspec.Struct, frozen=True):
    """What the hub says of the device."""

    device: str
    state: Literal["pending", "accepted", "revoked"]
    server_time: datetime
    code: str | None = None
    """Claim code of 8 characters to read to an operator while pending."""
    store: str | None = None


# -- POST /v1/device/redeem --


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One redemption attempt. The same `rid` with the same content always gets the same answer."""

    rid: Rid
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    """The code as scanned, normalised by `kiosk.coupons.code`."""
    store: str
    total: int | None = None
    goods: tuple[Goods, ...] = ()
    own_coupon_applied: bool = False
    lease: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's decision."""

    rid: str
    status: Literal["ok", "deny", "voided"]
    reason: Reason = ""
    stock_id: str | None = None
    coupon: str | None = None
    """Identity of the coupon, `{batch number}-{serial}` or `h:` and a digest: the same however the code was read."""
    first_use: FirstUse | None = None
    threshold: Threshold = "unchecked"
    discount: int | None = None
    goods_tag: str | None = None
    server_time: datetime


# -- POST /v1/device/journal --


class Upload(msgspec.Struct, frozen=True):
    """A run of contiguous items of one epoch."""

    epoch: str
    first_seq: int
    prev: str
    """Hash of the item before `first_seq`; `GENESIS` when first_seq is 1."""
    items: tuple[Item, ...]
    ended: Ended | None = None
    """Of the epoch before, with the first request of a new one: the hub names what is lost (P6)."""
    parting: bool = False
    """A kiosk that was shut out says that it knows: it decides nothing alone any more, and nothing waits."""


class Acknowledged(msgspec.Struct, frozen=True):
    """The answer to an upload; the kiosk may forget nothing above `ack_through`."""

    epoch: str
    ack_through: int
    items: tuple[ItemVerdict, ...]
    server_time: datetime
    max_items: int = MAX_ITEMS
    run: str = ""
    """Changes with every start of the hub, which may then have an older database."""
    had: tuple[tuple[str, int], ...] | None = None
    """To what begins an epoch: the others of this kiosk that the hub has, each with its last number."""


# -- GET /v1/device/changes?after=POS&limit=N --


class Changes(msgspec.Struct, frozen=True):
    """A page of the change log."""

    pos: str
    more: bool
    items: tuple[Change, ...]
    server_time: datetime


class KeyBody(msgspec.Struct, frozen=True):
    """A public key that codes are verified with; `id` is the key slot."""

    slot: int
    public_key: str
    """base64url of 32 bytes."""


# -- POST /v1/device/pool : slip coupons for the button --


class PoolAsk(msgspec.Struct, frozen=True):
    """Ask for slip codes. The same `rid` always gets the same codes."""

    rid: Rid
    stock_id: str
    count: Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Pool(msgspec.Struct, frozen=True):
    """Codes for a batch; fewer than asked for when the stock runs out."""

    stock_id: str
    codes: tuple[PoolCode, ...]
    server_time: datetime


# -- POST /v1/device/lease : uses that the kiosk may honour without the hub (facts: sync-fleet A3) --


class LeaseAsk(msgspec.Struct, frozen=True):
    """Ask for a lease of a batch, or for the next one; it comes down as a change of type `lease`, named by the `rid`.

    The same `rid` always gets the same lease. What this kiosk still holds of the batch goes over to the new one; the rest of
    a lease is given back by the journal's item `lease_use`, behind the records of its uses.
    """

    rid: Rid
    stock_id: str
    epoch: str
    """The running epoch of the journal, which the lease ends with."""


class Leased(msgspec.Struct, frozen=True):
    """How many uses were granted; 0: there is nothing to grant now."""

    stock_id: str
    amount: int
    server_time: datetime


# -- POST /v1/device/slip, POST /v1/device/slip/end, GET /v1/device/printer?url=URL : slips on the fleet's cloud printers --

PrinterUrl = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]{1,19}://[0-9A-Za-z]{6,20}$")]


class PrintAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Print a slip. The same `rid` with the same content prints once and always gets the same answer."""

    rid: Rid
    printer: PrinterUrl
    content: Annotated[str, msgspec.Meta(min_length=1, max_length=32_767)]
    """Markup of the printer's cloud."""
    copies: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    deadline_s: Annotated[float, msgspec.Meta(gt=0, le=300)]
    """The slip's time is over so many seconds from now; it is told how it ended by then."""


class PrintEnd(msgspec.Struct, frozen=True):
    """POST /v1/device/slip/end: how did a print end? One that has not arrived by then never prints."""

    rid: Rid


class Printed(msgspec.Struct, frozen=True):
    """How a print ended, in the words of `kiosk.printing.printers.port.Outcome`."""

    rid: str
    ended: Literal["printed", "failed", "unknown"]
    trouble: str
    detail: str
    sent: int
    server_time: datetime


class PrinterState(msgspec.Struct, frozen=True):
    """How a printer is, in the words of `kiosk.printing.printers.port.Status`."""

    state: str
    detail: str
    server_time: datetime


# -- GET /v1/device/wake?pos=POS : held up to 55 s --


class Wake(msgspec.Struct, frozen=True):
    """Carries no data: `changed` says whether a pull is worth while. Doubles as the heartbeat."""

    changed: bool
    server_time: datetime
    run: str = ""
    """As in `Acknowledged`."""


class Snapshot(msgspec.Struct, frozen=True):
    """GET /v1/device/snapshot: the whole state, after 410 `resync_required`. Never touches journal or used-set."""

    pos: str
    items: tuple[Change, ...]
    server_time: datetime


class Uses(msgspec.Struct, frozen=True):
    """GET /v1/device/uses?after=RID: this device's own redemptions, for a journal that went backwards."""

    items: tuple[dict[str, Any], ...]
    next: str | None
