"""The rules of a batch, judged for one attempt. Pure: kiosk and hub use the same function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from kiosk.coupons.batch import Batch
from kiosk.coupons.verdict import Goods, Reason, Threshold

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Ruling(msgspec.Struct, frozen=True):
    """What the rules say."""

    refusal: Reason
    threshold: Threshold
    discount: int | None = None
    """What the till takes off, in fen; None where the till has not said what an exchanged piece costs."""
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
    threshold = threshold_of(batch, total)
    refusal = (
        _status(batch)
        or _when(batch, now, error_s, lenient)
        or _where(batch, store)
        or _basket(batch, threshold, total, goods)
    )
    tag = goods_tag(batch, own_coupon_applied)
    return Ruling(refusal, threshold, None if refusal else _discount(batch, total, goods), tag)


def goods_tag(batch: Batch, own_coupon_applied: bool) -> str | None:
    """Return the order's one goods tag for WeChat (facts: wechatpay 2.6); None where no voucher of the batch is for that order.

    An order in a shop asks for the shop's channel, never the online shop's: a voucher for online orders would be deducted here.
    After a coupon of the shop's own only what may be combined with it fits.
    """
    wanted = "NO_MUTEX_STORE" if own_coupon_applied else "MUTEX_STORE"
    return wanted if wanted in batch.goods_tags else None


def _discount(batch: Batch, total: int | None, goods: Sequence[Goods]) -> int | None:
    """Return what is taken off: the value, or one piece of the goods, the cheapest where several are there; never above the total."""
    off: int | None = batch.value
    if batch.kind == "exchange":
        off = min((g.price for g in goods if _exchanged(batch, g) and g.price > 0), default=None)
    return off if off is None or total is None else min(off, total)


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
    if any(batch.weekdays is None or day in batch.weekdays for day in _days(batch, local)):
        return ""
    return (
        "wrong_day"
        if batch.weekdays is not None and local.isoweekday() not in batch.weekdays
        else "wrong_time"
    )


def _when_uncertain(batch: Batch, now: datetime, lenient: bool) -> Reason:
    """Judge by a time that may be far too early (a clock without a battery) and is seldom too late.

    What has certainly not ended is possibly valid; whether it has begun, and the hour, nobody can tell.
    """
    if not lenient:
        return "clock_uncertain"
    return "expired" if now > batch.ends else ""


def _days(batch: Batch, local: datetime) -> Iterator[int]:
    """Say as which weekdays a moment counts: a window that crosses midnight belongs to the day on which it began."""
    today = local.isoweekday()
    if batch.hours is None:
        yield today
        return
    at = local.hour * 60 + local.minute
    for window in batch.hours:
        start, end = _minutes(window.start), _minutes(window.end)
        if start <= at < end or (start > end and at >= start):
            yield today
        elif at < end < start:
            yield (today - 2) % 7 + 1


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _where(batch: Batch, store: str) -> Reason:
    return "wrong_store" if batch.stores is not None and store not in batch.stores else ""


def threshold_of(batch: Batch, total: int | None) -> Threshold:
    """Tell whether a total reaches the batch's threshold, as far as it is known."""
    if batch.threshold == 0:
        return "met"
    if total is None:
        return "unchecked"
    return "met" if total >= batch.threshold else "not met"


def _basket(batch: Batch, threshold: Threshold, total: int | None, goods: Sequence[Goods]) -> Reason:
    if threshold == "not met":
        return "below_threshold"
    if total is None and batch.require_total:
        return "total_required"
    if batch.kind == "exchange" and goods and not any(_exchanged(batch, g) for g in goods):
        return "goods_missing"
    return ""


def _exchanged(batch: Batch, line: Goods) -> bool:
    return line.id in batch.goods and line.quantity > 0
