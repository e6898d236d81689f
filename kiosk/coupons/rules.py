"""The rules of a batch, judged for one attempt. Pure: kiosk and hub use the same function."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from kiosk.coupons.batch import Batch, Hours
from kiosk.coupons.verdict import Goods, Reason, Threshold

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Ruling(msgspec.Struct, frozen=True):
    """What the rules say."""

    refusal: Reason
    threshold: Threshold
    discount: int | None = None
    """What the till takes off, in fen; None when it depends on goods that are not known."""
    goods_tag: str | None = None


def check(
    batch: Batch,
    *,
    now: datetime,
    error_s: float | None = 0.0,
    store: str,
    total: int | None = None,
    goods: Sequence[Goods] = (),
    own_coupon_applied: bool = False,
    lenient: bool = False,
) -> Ruling:
    """Judge an attempt at `now`, which may be off by `error_s` seconds (None: by an unknown amount).

    `lenient` accepts what is possibly still valid (`capped` batches); otherwise what has possibly expired is refused.
    """
    threshold = _threshold(batch, total)
    refusal = (
        _status(batch)
        or _when(batch, now, error_s, lenient)
        or _where(batch, store)
        or _basket(batch, threshold, goods)
    )
    tag = goods_tag(batch, own_coupon_applied)
    discount = None if batch.kind == "exchange" else batch.value if total is None else min(batch.value, total)
    return Ruling(refusal, threshold, None if refusal else discount, tag)


def goods_tag(batch: Batch, own_coupon_applied: bool) -> str | None:
    """Return the order's one goods tag for WeChat: MUTEX_* keeps vouchers off an order that had a coupon of the shop's own."""
    wanted = "MUTEX_" if not own_coupon_applied else "NO_MUTEX_"
    return next((tag for tag in batch.goods_tags if tag.startswith(wanted)), None)


def _status(batch: Batch) -> Reason:
    if batch.product == "cash_voucher":
        return "cash_voucher"
    if batch.status == "paused":
        return "paused"
    return "ended" if batch.status == "ended" else ""


def _when(batch: Batch, now: datetime, error_s: float | None, lenient: bool) -> Reason:
    if error_s is None:
        return _when_uncertain(batch, now, lenient)
    slack = timedelta(seconds=error_s)
    early, late = (now + slack, now - slack) if lenient else (now - slack, now + slack)
    if early < batch.begins:
        return "not_started"
    if late > batch.ends:
        return "expired"
    local = now.astimezone(SHANGHAI)
    if batch.weekdays is not None and local.isoweekday() not in batch.weekdays:
        return "wrong_day"
    if batch.hours is not None and not any(_within(window, local.time()) for window in batch.hours):
        return "wrong_time"
    return ""


def _when_uncertain(batch: Batch, now: datetime, lenient: bool) -> Reason:
    """Judge by a time that may be far too early (a clock without a battery) and is seldom too late.

    What has certainly not ended is possibly valid; whether it has begun, and the hour, nobody can tell.
    """
    if not lenient:
        return "clock_uncertain"
    return "expired" if now > batch.ends else ""


def _within(window: Hours, at: time) -> bool:
    start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
    return start <= at < end if start <= end else at >= start or at < end


def _where(batch: Batch, store: str) -> Reason:
    return "wrong_store" if batch.stores is not None and store not in batch.stores else ""


def _threshold(batch: Batch, total: int | None) -> Threshold:
    if batch.threshold == 0:
        return "met"
    if total is None:
        return "unchecked"
    return "met" if total >= batch.threshold else "not met"


def _basket(batch: Batch, threshold: Threshold, goods: Sequence[Goods]) -> Reason:
    if threshold == "not met":
        return "below_threshold"
    if threshold == "unchecked" and batch.require_total:
        return "total_required"
    if batch.kind == "exchange" and goods and not any(g.id in batch.goods and g.quantity > 0 for g in goods):
        return "goods_missing"
    return ""
