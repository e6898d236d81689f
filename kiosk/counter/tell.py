"""How the end of a scan is said: to whoever asked, and at the counter. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from kiosk.counter import words
from kiosk.counter.result import Ended, RedeemResult
from kiosk.coupons.verdict import Reason
from kiosk.events import Outcome, OutcomeKind
from ui.money import offer

RETRY: frozenset[Reason] = frozenset(
    {
        "shut_out",
        "hub_away",
        "offline_cap",
        "offline_too_old",
        "not_home",
        "no_lease",
        "clock_uncertain",
        "voided",
        "total_required",
        "store_full",
    }
)
"""Refusals after which the coupon is as good as before."""


def told(ended: Ended, locale: str, now: datetime) -> RedeemResult:
    """Return the result with its sentences for staff."""
    result, batch = ended.result, ended.batch
    if result.verdict in ("confirmed", "offline"):
        hint = words.check_hint(batch, locale) if batch and result.threshold == "unchecked" else ""
        message = words.certainty(result.verdict == "confirmed", locale)
        return msgspec.structs.replace(result, message=message, hint=hint)
    if result.verdict == "unknown":
        return msgspec.structs.replace(result, message=words.unrecorded(locale))
    message = words.for_staff(result.reason, locale, now, batch, result.first_use)
    return msgspec.structs.replace(result, message=message)


def outcome(ended: Ended, locale: str, now: datetime) -> Outcome:
    """Say it at the counter: the customer's sentence large, the staff's small. `ended` has its sentences."""
    result, batch = ended.result, ended.batch
    if result.verdict in ("confirmed", "offline"):
        given = offer(batch.threshold, batch.value, locale, batch.kind) if batch else ""
        accepted: OutcomeKind = "confirmed" if result.verdict == "confirmed" else "accepted"
        return Outcome(
            kind=accepted, title=result.message, detail=given, hint=result.hint, rid=result.rid, until_s=10
        )
    if result.verdict == "unknown":
        return ask_staff(locale, result.message, result.rid, result.reason)
    kind: OutcomeKind = (
        "busy" if result.reason == "busy" else "retry" if result.reason in RETRY else "refused"
    )
    return Outcome(
        kind=kind,
        title=words.for_customer(result.reason, locale, now, batch),
        detail=result.message,
        rid=result.rid,
        reason=result.reason,
        until_s=8,
    )


def ask_staff(locale: str, detail: str = "", rid: str = "", reason: str = "") -> Outcome:
    """Return the outcome that only a person can settle."""
    t = words.counter_texts(locale)
    return Outcome(
        kind="help", title=t("Please ask the staff"), detail=detail, rid=rid, reason=reason, until_s=20
    )
