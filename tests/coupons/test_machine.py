"""The offline rights of a kiosk: every combination of what it may know of itself, against what each policy promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.coupons.batch import Batch, Offline, Policy
from kiosk.coupons.machine import (
    Exposure,
    Lease,
    Next,
    Standing,
    after_answer,
    after_silence,
    offline_right,
    wants_lease,
)
from kiosk.coupons.verdict import Reason

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
VALUE = 300


def lease(left: int, not_after: datetime, epoch: str = "e1", value: int | None = None) -> Lease:
    return Lease("L", 10, left, NOW - timedelta(hours=1), not_after, epoch, value)


LEASES = {
    "none": None,
    "good": lease(1, NOW + timedelta(hours=1), "e1"),
    "empty": lease(0, NOW + timedelta(hours=1), "e1"),
    "over": lease(1, NOW - timedelta(seconds=1), "e1"),
    "over within the clock's error": lease(1, NOW + timedelta(seconds=1), "e1"),
    "of another epoch": lease(1, NOW + timedelta(hours=1), "e0"),
    "without value": lease(1, NOW + timedelta(hours=1), "e1", VALUE - 1),
    "with value": lease(1, NOW + timedelta(hours=1), "e1", VALUE),
}
GOOD_LEASES = {"good", "with value"}
CASES = list(
    product(
        get_args(Policy),
        (True, False),  # reconciled
        (True, False),  # is home
        LEASES,
        (None, 0.0, 59.9, 60.0, 60.1),  # since the last sync
        ((0, 0), (1, VALUE), (2, 2 * VALUE), (1, 3 * VALUE)),  # exposure
        (0.0, 2.0, None),  # error of the clock
        (False, True),  # the last run did not end by itself
    )
)


def batch(policy: Policy, **limits: int | None) -> Batch:
    caps = {"count": 2, "value": 3 * VALUE, "max_age_s": 60, **limits}
    return Batch(
        stock_id="S", product="merchant_coupon", name="x", value=VALUE, threshold=0, begins=NOW, ends=NOW,
        offline=Offline(policy, **caps),  # type: ignore[arg-type]
    )  # fmt: skip


def standing(
    reconciled: bool = True,
    home: bool = True,
    lease: str = "good",
    since: float | None = 0.0,
    exposed: tuple[int, int] = (0, 0),
    error: float | None = 0.0,
    unclean: bool = False,
    shut_out: bool = False,
) -> Standing:
    return Standing(
        exposure=Exposure(*exposed), is_home=home, lease=LEASES[lease], epoch="e1", since_sync_s=since, now=NOW,
        error_s=error, reconciled=reconciled, unclean=unclean, shut_out=shut_out,
    )  # fmt: skip


def test_every_combination_keeps_every_promise() -> None:
    granted = dict.fromkeys(get_args(Policy), 0)
    for policy, reconciled, home, lease, since, exposed, error, unclean in CASES:
        reason = offline_right(
            batch(policy), standing(reconciled, home, lease, since, exposed, error, unclean)
        )
        may = {
            "never": False,
            "home": home,
            "capped": since is not None and since <= 60 and exposed[0] < 2 and exposed[1] + VALUE <= 3 * VALUE,
            "lease": error is not None
            and not unclean
            and (lease in GOOD_LEASES or (lease == "over within the clock's error" and error == 0.0)),
        }[policy] and reconciled  # fmt: skip
        assert (reason == "") == may, (
            policy,
            reconciled,
            home,
            lease,
            since,
            exposed,
            error,
            unclean,
            reason,
        )
        granted[policy] += may
    assert granted["never"] == 0
    assert all(granted[p] > 0 for p in ("home", "capped", "lease"))


@pytest.mark.parametrize(
    ("policy", "changes", "reason"),
    [
        ("never", {}, "hub_away"),
        ("home", {"home": False}, "not_home"),
        ("home", {"since": None, "error": None}, ""),
        ("capped", {"exposed": (2, 0)}, "offline_cap"),
        ("capped", {"exposed": (1, 3 * VALUE)}, "offline_cap"),
        ("capped", {"since": 61.0, "exposed": (9, 9)}, "offline_too_old"),
        ("capped", {"since": None}, "offline_too_old"),
        ("lease", {"lease": "none"}, "no_lease"),
        ("lease", {"error": None}, "clock_uncertain"),
        ("lease", {"lease": "over within the clock's error", "error": 2.0}, "no_lease"),
        ("lease", {"reconciled": False}, "hub_away"),
        ("home", {"shut_out": True, "reconciled": False}, "shut_out"),
        ("never", {"shut_out": True}, "shut_out"),
    ],
)
def test_each_refusal_has_its_own_reason(policy: Policy, changes: dict[str, object], reason: Reason) -> None:
    assert offline_right(batch(policy), standing(**changes)) == reason  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "rule", "reason"),
    [
        ("lease", None, "hub_away"),
        ("lease", "allow", ""),
        ("capped", None, ""),
        ("capped", "deny", "hub_away"),
        ("home", None, ""),
        ("home", "deny", "hub_away"),
    ],
)
def test_after_a_power_cut_the_batch_says_what_may_go_on(
    policy: Policy, rule: str | None, reason: Reason
) -> None:
    b = batch(policy, after_unclean_boot=rule)  # type: ignore[arg-type]
    assert offline_right(b, standing(unclean=True)) == reason
    assert offline_right(b, standing(unclean=False)) == ""


def test_a_cap_that_is_not_set_limits_nothing() -> None:
    free = batch("capped", count=None, value=None, max_age_s=None)
    assert offline_right(free, standing(since=None, exposed=(10**6, 10**9))) == ""


def test_a_cap_of_zero_allows_nothing() -> None:
    for cap in ("count", "value"):
        assert offline_right(batch("capped", **{cap: 0}), standing()) == "offline_cap"


@given(
    count=st.one_of(st.none(), st.integers(0, 20)),
    value=st.one_of(st.none(), st.integers(0, 20 * VALUE)),
    values=st.lists(st.integers(0, 2 * VALUE), max_size=40),
)
def test_a_kiosk_alone_never_exceeds_its_caps(
    count: int | None, value: int | None, values: list[int]
) -> None:
    used, worth = 0, 0
    for each in values:
        one = Batch(
            stock_id="S", product="merchant_coupon", name="x", value=each, threshold=0, begins=NOW, ends=NOW,
            offline=Offline("capped", count=count, value=value),
        )  # fmt: skip
        if offline_right(one, standing(exposed=(used, worth))) == "":
            used, worth = used + 1, worth + each
    assert count is None or used <= count
    assert value is None or worth <= value


SPENT = lease(0, NOW + timedelta(hours=2))
FRESH = Lease("L2", 10, 10, NOW, NOW + timedelta(hours=3), "e1", None)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, False),
        ({"leases": []}, True),
        ({"lease": lease(6, NOW + timedelta(hours=2))}, False),
        ({"lease": lease(5, NOW + timedelta(hours=2))}, True),
        ({"lease": lease(10, NOW + timedelta(hours=1))}, True),
        ({"lease": lease(10, NOW + timedelta(hours=1, seconds=1))}, False),
        ({"lease": lease(10, NOW - timedelta(hours=1))}, True),
        ({"leases": [SPENT, FRESH]}, False),
        ({"leases": [FRESH, SPENT]}, False),
        ({"leases": [SPENT]}, True),
        ({"leases": [], "status": "paused"}, False),
        ({"leases": [], "begins": NOW + timedelta(seconds=1)}, False),
        ({"leases": [], "ends": NOW - timedelta(seconds=1)}, False),
        ({"leases": [], "policy": "capped"}, False),
    ],
)
def test_a_lease_is_renewed_when_half_of_it_is_gone(changes: dict[str, Any], wanted: bool) -> None:
    held = changes.pop("leases", [changes.pop("lease", lease(10, NOW + timedelta(hours=2)))])
    policy = changes.pop("policy", "lease")
    b = msgspec.structs.replace(batch(policy), **{"ends": NOW + timedelta(days=1), **changes})
    assert wants_lease(b, held, NOW) == wanted


@pytest.mark.parametrize(
    ("status", "reason", "then"),
    [
        ("ok", "", Next("record_confirmed")),
        ("deny", "used", Next("deny", "used")),
        ("deny", "expired", Next("deny", "expired")),
        ("voided", "", Next("deny", "voided")),
        ("voided", "used", Next("deny", "voided")),
    ],
)
def test_the_hubs_answer_is_followed(status: str, reason: Reason, then: Next) -> None:
    assert after_answer(status, reason) == then  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("refusal", "right", "then"),
    [
        ("", "", Next("record_offline")),
        ("", "offline_cap", Next("void", "offline_cap")),
        ("expired", "", Next("void", "expired")),
        ("expired", "offline_cap", Next("void", "expired")),
    ],
)
def test_silence_is_followed_by_a_record_or_a_void(refusal: Reason, right: Reason, then: Next) -> None:
    assert after_silence(refusal, right) == then
