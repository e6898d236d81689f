"""The redemption state machine of a kiosk (facts: sync-fleet A4), as decisions over values.

scan -> guard -> INTENT -> ask the hub -> OK       -> RECORD confirmed
                                       -> DENY     -> close, say who and when
                                       -> silence  -> RECORD offline, if the batch's policy lets this kiosk
                                                   -> VOID otherwise: the coupon stays valid
boot: every INTENT that is still open becomes VOID.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from kiosk.coupons.batch import Batch
from kiosk.coupons.verdict import Reason


class Exposure(msgspec.Struct, frozen=True):
    """What this kiosk has honoured offline and the hub has not acknowledged."""

    count: int
    value: int
    """In fen."""


class Lease(msgspec.Struct, frozen=True):
    """Uses that the hub granted to this kiosk, as they stand."""

    id: str
    amount: int
    left: int
    begins: datetime
    not_after: datetime
    epoch: str
    value_left: int | None = None
    """In fen; None: only the uses are limited."""


SHUT_OUT = "shut_out"
"""The journal's fact `unreconciled` while the hub does not let this kiosk in; with any other value it only has to learn its uses."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a kiosk knows of itself when it has to decide alone."""

    exposure: Exposure
    is_home: bool
    lease: Lease | None
    epoch: str
    since_sync_s: float | None
    """Monotonic seconds since the last successful sync; None: none that can be proven, such as after a power cut."""
    now: datetime
    error_s: float | None
    reconciled: bool = True
    """False after the journal went backwards, until the hub has told this kiosk its own redemptions; and while the hub knows
    of a second card with its key."""
    shut_out: bool = False
    """The hub has said that it does not let this kiosk in, and has not let it in since."""
    signed: bool = True
    """The signature of the code was found good here, or this kiosk handed the code out."""
    unclean: bool = False
    """The last run did not end by itself, and the hub has not been met since: the card may have lost its last writes."""


def offline_right(batch: Batch, standing: Standing) -> Reason:
    """Return why this kiosk may not honour a coupon of the batch without the hub; empty when it may."""
    if standing.shut_out:
        return "shut_out"
    if not standing.reconciled:
        return "hub_away"
    rule = batch.offline
    if standing.unclean and rule.needs_clean_boot:
        return "hub_away"
    if rule.needs_signature and not standing.signed:
        return "hub_away"
    if rule.policy == "home":
        return "" if standing.is_home else "not_home"
    if rule.policy == "capped":
        return _capped(batch, standing)
    if rule.policy == "lease":
        return _leased(batch, standing)
    return "hub_away"


def _capped(batch: Batch, standing: Standing) -> Reason:
    rule = batch.offline
    if rule.max_age_s is not None and (
        standing.since_sync_s is None or standing.since_sync_s > rule.max_age_s
    ):
        return "offline_too_old"
    if rule.count is not None and standing.exposure.count + 1 > rule.count:
        return "offline_cap"
    if rule.value is not None and standing.exposure.value + batch.value > rule.value:
        return "offline_cap"
    return ""


def _leased(batch: Batch, standing: Standing) -> Reason:
    lease = standing.lease
    if lease is None or lease.left <= 0 or lease.epoch != standing.epoch:
        return "no_lease"
    if lease.value_left is not None and batch.value > lease.value_left:
        return "no_lease"
    if standing.error_s is None:
        return "clock_uncertain"
    late = standing.now.timestamp() + standing.error_s
    return "no_lease" if late > lease.not_after.timestamp() else ""


def wants_lease(batch: Batch, leases: Iterable[Lease], now: datetime) -> bool:
    """Tell whether a kiosk should ask for a lease of a batch, given those of its journal's running epoch (facts: sync-fleet A3).

    It has none, or half of the newest one's uses are gone or half of its time is over.
    """
    if not works_by_lease(batch) or not batch.begins <= now <= batch.ends:
        return False
    newest = max(leases, key=lambda lease: lease.begins, default=None)
    if newest is None:
        return True
    return newest.left * 2 <= newest.amount or now - newest.begins >= newest.not_after - now


def works_by_lease(batch: Batch) -> bool:
    """Tell whether leases of a batch are of use: those of any other are given back."""
    return batch.offline.policy == "lease" and batch.status == "running"


Step = Literal["record_confirmed", "record_offline", "deny", "void"]


class Next(msgspec.Struct, frozen=True):
    """What to make durable next."""

    step: Step
    reason: Reason = ""


def after_answer(status: Literal["ok", "deny", "voided"], reason: Reason) -> Next:
    """Follow the hub's answer."""
    if status == "ok":
        return Next("record_confirmed")
    return Next("deny", "voided" if status == "voided" else reason)


def after_silence(refusal: Reason, right: Reason) -> Next:
    """Decide alone: `refusal` is what the rules say, `right` what `offline_right` says."""
    why = refusal or right
    return Next("void", why) if why else Next("record_offline")
