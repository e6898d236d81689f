"""The rules of a batch and the offline rights, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.coupons.batch import Batch, Hours, Offline
from kiosk.coupons.machine import Exposure, Lease, Next, Standing, after_answer, after_silence, offline_right
from kiosk.coupons.rules import check
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


def test_the_goods_tag_depends_on_whether_an_own_coupon_was_applied() -> None:
    both = batch(goods_tags=("MUTEX_STORE", "NO_MUTEX_STORE"))
    assert check(both, now=NOW, store="a").goods_tag == "MUTEX_STORE"
    assert check(both, now=NOW, store="a", own_coupon_applied=True).goods_tag == "NO_MUTEX_STORE"
    assert check(BATCH, now=NOW, store="a").goods_tag is None


LEASE = Lease("L", 1, NOW + timedelta(hours=1), "e1")
ALONE = Standing(
    exposure=Exposure(0, 0), is_home=False, lease=None, epoch="e1", since_sync_s=10, now=NOW, error_s=1.0
)


@pytest.mark.parametrize(
    ("offline", "standing", "reason"),
    [
        (Offline("never"), {}, "hub_away"),
        (Offline("home"), {}, "not_home"),
        (Offline("home"), {"is_home": True}, ""),
        (Offline("home"), {"is_home": True, "reconciled": False}, "hub_away"),
        (BATCH.offline, {}, ""),
        (BATCH.offline, {"exposure": Exposure(2, 0)}, "offline_cap"),
        (BATCH.offline, {"exposure": Exposure(1, 401)}, "offline_cap"),
        (BATCH.offline, {"exposure": Exposure(1, 400)}, ""),
        (BATCH.offline, {"since_sync_s": 3601}, "offline_too_old"),
        (BATCH.offline, {"since_sync_s": None}, "offline_too_old"),
        (Offline("capped"), {"since_sync_s": None}, ""),
        (Offline("lease"), {}, "no_lease"),
        (Offline("lease"), {"lease": LEASE}, ""),
        (Offline("lease"), {"lease": LEASE, "error_s": None}, "clock_uncertain"),
        (Offline("lease"), {"lease": LEASE, "epoch": "e2"}, "no_lease"),
        (Offline("lease"), {"lease": LEASE, "now": NOW + timedelta(hours=1)}, "no_lease"),
        (Offline("lease"), {"lease": msgspec.structs.replace(LEASE, left=0)}, "no_lease"),
    ],
)
def test_offline_rights(offline: Offline, standing: dict[str, Any], reason: str) -> None:
    assert offline_right(batch(offline=offline), msgspec.structs.replace(ALONE, **standing)) == reason


@given(st.lists(st.integers(0, 400), max_size=20))
def test_the_caps_bound_what_is_honoured_whatever_comes(values: list[int]) -> None:
    count = total = 0
    for value in values:
        b = batch(value=value)
        if offline_right(b, msgspec.structs.replace(ALONE, exposure=Exposure(count, total))) == "":
            count, total = count + 1, total + value
    assert count <= 2
    assert total <= 700


def test_what_follows_an_answer_and_silence() -> None:
    assert after_answer("ok", "") == Next("record_confirmed")
    assert after_answer("deny", "used") == Next("deny", "used")
    assert after_answer("voided", "") == Next("deny", "voided")
    assert after_silence("", "") == Next("record_offline")
    assert after_silence("", "hub_away") == Next("void", "hub_away")
    assert after_silence("expired", "") == Next("void", "expired")
