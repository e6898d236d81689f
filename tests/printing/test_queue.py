"""The queue: priorities, next tries, expiry. No clock but the one given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.printing.queue import BACKOFF_S, RULES, Queue, Rule, Waiting, rule_of
from kiosk.printing.slip import Slip

EMPTY = Slip(elements=())


def job(number: int, kind: str = "coupon", since: float = 0.0, rule: Rule | None = None) -> Waiting:
    return Waiting(f"j{number}", f"r{number}", kind, EMPTY, rule or rule_of(kind), since, number)


def test_coupons_go_first_then_in_the_order_they_came() -> None:
    queue = Queue()
    for n, kind in enumerate(["day", "coupon", "conflict", "receipt", "coupon"]):
        queue.put(job(n, kind))
    taken = []
    while (one := queue.take(0)) is not None:
        taken.append((one.kind, one.number))
    assert taken == [("coupon", 1), ("coupon", 4), ("receipt", 3), ("day", 0), ("conflict", 2)]


def test_a_job_that_waits_for_its_next_try_lets_the_others_pass() -> None:
    queue = Queue()
    first, second = job(0), job(1)
    assert first.may_try_again(100.0)
    queue.put(first)
    queue.put(second)
    assert queue.take(100.0) is second
    assert queue.take(100.0) is None
    assert queue.next_event() == 100.0 + BACKOFF_S[0]
    assert queue.take(100.0 + BACKOFF_S[0]) is first


def test_a_coupon_older_than_two_minutes_is_not_printed() -> None:
    queue = Queue()
    queue.put(job(0, "coupon", since=10))
    queue.put(job(1, "day", since=10))
    assert queue.take_expired(129.9) == []
    assert [j.id for j in queue.take_expired(130)] == ["j0"]
    assert len(queue) == 1


@given(st.sampled_from(sorted(RULES)), st.floats(0, 1e6))
def test_tries_end_within_the_patience_and_before_the_deadline(kind: str, since: float) -> None:
    one = job(0, kind, since)
    now, waits = since, []
    while one.may_try_again(now):
        waits.append(one.not_before - now)
        now = one.not_before
        assert now <= since + min(one.rule.patience_s, one.rule.deadline_s)
    assert waits == pytest.approx([BACKOFF_S[min(n, len(BACKOFF_S) - 1)] for n in range(len(waits))])
    assert waits, "at least one more try"


def test_what_survives_a_restart() -> None:
    assert {k for k, r in RULES.items() if r.survives} == {"enrolment", "day", "conflict"}
    assert not rule_of("coupon").survives, "the customer has gone; the code is handed out anew"
