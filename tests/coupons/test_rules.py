"""The rules of a batch and the offline rights, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from kiosk.coupons.batch import Batch, Hours, Offline
from kiosk.coupons.rules import SHANGHAI, check
from kiosk.coupons.verdict import Goods

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)  # Tuesday, noon in Shanghai
BATCH = Batch(
    stock_id="S1",
    product="merchant_coupon",
    name="满20减3",
    value=300,
    threshold=2000,
    begins=NOW - timedelta(days=1),
    ends=NOW + timedelta(days=1),
    offline=Offline(policy="capped", count=2, value=700, max_age_s=3600),
)


def batch(**changes: Any) -> Batch:
    return msgspec.structs.replace(BATCH, **changes)


def judged(b: Batch, **how: Any) -> str:
    return check(b, **{"now": NOW, "store": "a", **how}).refusal


@pytest.mark.parametrize(
    ("changes", "how", "refusal"),
    [
        ({}, {}, ""),
        ({"product": "cash_voucher"}, {}, "cash_voucher"),
        ({"status": "paused"}, {}, "paused"),
        ({"status": "ended"}, {}, "ended"),
        ({}, {"now": NOW - timedelta(days=2)}, "not_started"),
        ({}, {"now": NOW + timedelta(days=2)}, "expired"),
        ({}, {"now": NOW + timedelta(days=1), "error_s": 5.0}, "expired"),
        ({}, {"now": NOW + timedelta(days=1), "error_s": 5.0, "lenient": True}, ""),
        ({}, {"now": NOW + timedelta(days=1, seconds=6), "error_s": 5.0, "lenient": True}, "expired"),
        ({}, {"error_s": None}, "clock_uncertain"),
        ({}, {"error_s": None, "lenient": True}, ""),
        ({"weekdays": (1,)}, {}, "wrong_day"),
        ({"weekdays": (2,)}, {}, ""),
        ({"hours": (Hours("11:00", "13:00"),)}, {}, ""),
        ({"hours": (Hours("13:00", "14:00"),)}, {}, "wrong_time"),
        ({"hours": (Hours("22:00", "13:00"),)}, {}, ""),
        ({"hours": (Hours("22:00", "12:00"),)}, {}, "wrong_time"),
        ({"stores": ("b",)}, {}, "wrong_store"),
        ({"stores": ("a", "b")}, {}, ""),
        ({}, {"total": 1999}, "below_threshold"),
        ({}, {"total": 2000}, ""),
        ({"require_total": True}, {}, "total_required"),
        ({"require_total": True}, {"total": 2000}, ""),
        ({"require_total": True, "threshold": 0}, {}, "total_required"),
        ({"require_total": True, "threshold": 0}, {"total": 0}, ""),
        ({"require_total": True, "threshold": 0, "kind": "exchange", "goods": ("69",)}, {}, "total_required"),
        ({"kind": "exchange", "goods": ("69",)}, {"goods": (Goods("68", 1, 100),)}, "goods_missing"),
        ({"kind": "exchange", "goods": ("69",)}, {"goods": (Goods("69", 1, 100),)}, ""),
        ({"kind": "exchange", "goods": ("69",)}, {}, ""),
    ],
)
def test_rules(changes: dict[str, Any], how: dict[str, Any], refusal: str) -> None:
    assert judged(batch(**changes), **how) == refusal


def test_a_total_that_nobody_gave_is_unchecked_and_a_discount_is_never_above_the_total() -> None:
    assert check(BATCH, now=NOW, store="a").threshold == "unchecked"
    assert check(batch(threshold=0), now=NOW, store="a").threshold == "met"
    assert check(batch(threshold=0), now=NOW, store="a", total=120).discount == 120
    assert check(BATCH, now=NOW, store="a", total=5000).discount == 300
    assert check(batch(kind="exchange"), now=NOW, store="a", total=5000).discount is None


def test_an_exchange_takes_off_one_piece_of_its_goods() -> None:
    swap = batch(kind="exchange", value=0, threshold=0, goods=("69", "70"))
    lines = (Goods("68", 1, 900), Goods("69", 2, 350), Goods("70", 1, 500))
    for goods, total, off in (
        (lines, None, 350),
        (lines, 5000, 350),
        (lines, 300, 300),
        (lines[2:], None, 500),
        ((Goods("69", 1, 0), lines[2]), None, 500),
        ((Goods("69", 0, 100), lines[2]), None, 500),
        ((Goods("69", 1, 0),), 5000, None),
        ((), 5000, None),
    ):
        assert check(swap, now=NOW, store="a", total=total, goods=goods).discount == off, (goods, total)


@pytest.mark.parametrize(
    ("tags", "alone", "after_own"),
    [
        ("MUTEX_STORE", "MUTEX_STORE", None),
        ("MUTEX_STORE NO_MUTEX_STORE", "MUTEX_STORE", "NO_MUTEX_STORE"),
        ("MUTEX_ONLINE", None, None),
        ("MUTEX_ONLINE NO_MUTEX_ONLINE", None, None),
        ("MUTEX_ONLINE MUTEX_STORE", "MUTEX_STORE", None),
        ("NO_MUTEX_ONLINE MUTEX_ONLINE NO_MUTEX_STORE MUTEX_STORE", "MUTEX_STORE", "NO_MUTEX_STORE"),
        ("", None, None),
    ],
)
def test_the_goods_tag_is_the_shops_channels(tags: str, alone: str | None, after_own: str | None) -> None:
    """The six sets of wechatpay 2.6, in whatever order: an order in a shop never asks for the online shop's vouchers."""
    b = batch(goods_tags=tuple(tags.split()), product="cash_voucher")
    assert check(b, now=NOW, store="a").goods_tag == alone
    assert check(b, now=NOW, store="a", own_coupon_applied=True).goods_tag == after_own


def test_a_window_belongs_to_the_day_on_which_it_begins() -> None:
    night = batch(weekdays=(5,), hours=(Hours("22:00", "02:00"),), ends=NOW + timedelta(days=30))
    noon = batch(weekdays=(5,), hours=(Hours("11:00", "13:00"), Hours("23:00", "01:00")), ends=night.ends)
    for b, day, clock, refusal in (
        (night, 27, "00:30", "wrong_time"),  # Thursday's night
        (night, 27, "21:59", "wrong_time"),
        (night, 27, "22:00", ""),
        (night, 28, "00:00", ""),  # Saturday, Friday's night
        (night, 28, "01:59", ""),
        (night, 28, "02:00", "wrong_day"),
        (night, 28, "23:00", "wrong_day"),
        (night, 26, "23:00", "wrong_day"),
        (noon, 27, "12:00", ""),
        (noon, 28, "00:59", ""),
        (noon, 28, "12:00", "wrong_day"),
        (batch(weekdays=(7,), hours=night.hours, ends=night.ends), 30, "01:00", ""),  # Monday, Sunday's night
        (batch(weekdays=(1,), hours=night.hours, ends=night.ends), 30, "01:00", "wrong_time"),
    ):
        hour, minute = map(int, clock.split(":"))
        at = datetime(2026, 11, day, hour, minute, 59, tzinfo=SHANGHAI)
        assert judged(b, now=at) == refusal, (day, clock)


@pytest.mark.parametrize(("end", "refusal"), [("24:00", ""), ("23:59", "wrong_time")])
def test_a_day_ends_at_24(end: str, refusal: str) -> None:
    last = datetime(2026, 11, 24, 23, 59, 59, tzinfo=SHANGHAI)
    assert judged(batch(hours=(Hours("00:00", end),)), now=last) == refusal
    assert msgspec.convert({"start": "00:00", "end": "24:00"}, Hours).end == "24:00"
    for wrong in ({"start": "24:00", "end": "02:00"}, {"start": "00:00", "end": "24:01"}):
        with pytest.raises(msgspec.ValidationError, match="matching regex"):
            msgspec.convert(wrong, Hours)


def when(batch: Batch, **how: Any) -> str:
    return check(batch, **{"now": NOW, "store": "a", **how}).refusal


@pytest.mark.parametrize(("edge", "reason"), [("begins", "not_started"), ("ends", "expired")])
def test_a_period_near_its_edge_depends_on_the_batchs_rule(edge: str, reason: str) -> None:
    """What is possibly valid is accepted where a mistake is capped, what has possibly expired refused where it is not."""
    near = batch(**{edge: NOW + timedelta(seconds=5 if edge == "begins" else -5)})
    assert when(near, error_s=10.0, lenient=True) == ""
    assert when(near, error_s=10.0) == reason
    assert when(near, error_s=1.0, lenient=True) == reason
    inside = batch(**{edge: NOW - timedelta(seconds=5 if edge == "begins" else -5)})
    assert when(inside, error_s=10.0) == reason
    assert when(inside, error_s=1.0) == ""


def test_without_a_certain_time_only_a_capped_batch_is_accepted() -> None:
    """A clock without a battery is far behind after a power cut: whether a period has begun, or which hour it is, nobody can tell."""
    for b in (BATCH, batch(begins=NOW + timedelta(days=9)), batch(weekdays=(1,)), batch(weekdays=(3,))):
        assert when(b, error_s=None) == "clock_uncertain"
        assert when(b, error_s=None, lenient=True) == ""
    over = batch(ends=NOW - timedelta(days=1))
    assert when(over, error_s=None, lenient=True) == "expired"
    assert when(over, error_s=None) == "clock_uncertain"
