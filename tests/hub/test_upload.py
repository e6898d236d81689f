"""Journals come up: order does not matter, poison blocks nothing, what went backwards is noticed."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from hub.errors import Refused
from hub.parts import Parts, now
from hub.schema import attempts, audit, coupons
from hub.store import report
from hub.store.envelope import read
from kiosk.coupons.ids import new_rid
from kiosk.sync import protocol as p

from .test_decide import ask, redeemed, uses
from .world import CAPPED, SLIP, Journal, encoded, issue, on_both, stamp


def take(parts: Parts, device: str, run: p.Upload | bytes) -> p.Acknowledged:
    raw = run if isinstance(run, bytes) else encoded(run)
    return parts.database.call(parts.uploads.take, device, read(raw), now())


def state(parts: Parts, rid: str) -> str | None:
    return parts.database.call(
        lambda c: c.execute(sa.select(attempts.c.state).where(attempts.c.rid == rid)).scalar()
    )


def noted(parts: Parts, what: str) -> list[dict[str, Any]]:
    query = sa.select(audit.c.detail).where(audit.c.what == what).order_by(audit.c.id)
    return parts.database.call(lambda c: list(c.execute(query).scalars()))


@on_both
def test_a_record_confirms_an_approval(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    rid, book = new_rid(), Journal()
    ask(parts, made.code, rid)
    book.record(made.coupon, rid, verdict="confirmed")
    told = take(parts, "kA", book.run())
    assert (told.ack_through, told.items[0].status, told.items[0].verdict) == (1, "accepted", "confirmed")
    assert state(parts, rid) == "recorded"
    assert uses(parts, made.coupon) == redeemed(parts, CAPPED) == 1


@on_both
def test_an_offline_record_takes_the_use_and_the_second_is_a_conflict(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    first, second = Journal(), Journal()
    first.record(made.coupon, "r1")
    second.record(made.coupon, "r2", store="renmin", value=100)
    assert take(parts, "kA", first.run()).items[0].verdict == "accepted"
    told = take(parts, "kB", second.run()).items[0]
    assert (told.status, told.verdict) == ("conflict", "conflict")
    assert json.loads(told.detail)["device"] == "kA"
    assert ask(parts, made.code).reason == "used"
    [conflict] = parts.database.call(report.conflicts, parts.tenant)
    assert (conflict["rid"], conflict["store"], conflict["other_store"], conflict["value"]) == (
        "r2",
        "renmin",
        "kjy-south",
        100,
    )
    assert uses(parts, made.coupon) == redeemed(parts, CAPPED) == 1


@on_both
@pytest.mark.parametrize("end", ["rollback", "void"])
def test_a_use_that_comes_free_resolves_the_oldest_conflict(parts: Parts, end: str) -> None:
    [made] = issue(parts, CAPPED)
    a, b, c = Journal(), Journal(), Journal()
    if end == "void":
        ask(parts, made.code, "r1")
    else:
        a.record(made.coupon, "r1")
        take(parts, "kA", a.run())
    b.record(made.coupon, "r2")
    c.record(made.coupon, "r3")
    take(parts, "kB", b.run())
    take(parts, "kC", c.run())
    assert (state(parts, "r2"), state(parts, "r3")) == ("conflict", "conflict")
    a.add("void", "r1") if end == "void" else a.add("rollback", "", {"of": "r1", "why": "wrong customer"})
    assert take(parts, "kA", a.run()).items[-1].status == "accepted"
    assert (state(parts, "r2"), state(parts, "r3")) == ("recorded", "conflict")
    assert take(parts, "kB", b.run()).items[0] == p.ItemVerdict(1, "duplicate", "accepted")
    assert uses(parts, made.coupon) == redeemed(parts, CAPPED) == 1
    assert noted(parts, "conflict_resolved") == [{"rid": "r2", "by": "r1"}]


@on_both
def test_sending_twice_changes_nothing(parts: Parts) -> None:
    made = issue(parts, CAPPED, 3)
    book = Journal()
    for n, one in enumerate(made):
        book.record(one.coupon, f"r{n}")
    assert take(parts, "kA", book.run(1, 2)).ack_through == 2
    told = take(parts, "kA", book.run())
    assert [i.status for i in told.items] == ["duplicate", "duplicate", "accepted"]
    assert [i.status for i in take(parts, "kA", book.run(2)).items] == ["duplicate", "duplicate"]
    assert take(parts, "kA", book.run(1, 1)).ack_through == 3
    assert redeemed(parts, CAPPED) == 3


def test_a_record_stands_against_a_void_and_the_void_is_named(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    book = Journal()
    book.record(made.coupon, "r1")
    book.add("void", "r1")
    assert [i.status for i in take(parts, "kA", book.run()).items] == ["accepted", "accepted"]
    assert state(parts, "r1") == "recorded"
    assert noted(parts, "void_of_record") == [{"rid": "r1", "coupon": made.coupon}]


def test_a_rollback_that_comes_first_wins(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    late, book = Journal(), Journal()
    late.add("rollback", "", {"of": "r1"})
    book.record(made.coupon, "r1")
    take(parts, "kA", late.run())
    assert take(parts, "kA", book.run()).items[0].verdict == "rolled_back"
    assert (state(parts, "r1"), uses(parts, made.coupon)) == ("rolled_back", 0)
    assert ask(parts, made.code).status == "ok"


def test_a_gap_is_refused(parts: Parts) -> None:
    book = Journal()
    for _ in range(4):
        book.add("state_report")
    take(parts, "kA", book.run(1, 1))
    with pytest.raises(Refused, match="items 2 to 2 are missing") as told:
        take(parts, "kA", book.run(3))
    assert told.value.error == "seq_gap"
    holed = msgspec.structs.replace(book.run(2), items=(book.items[1], book.items[3]))
    with pytest.raises(Refused, match="item 3 is missing"):
        take(parts, "kA", holed)
    assert take(parts, "kA", book.run(2)).ack_through == 4


@on_both
def test_a_journal_that_went_backwards_is_noticed_and_named(parts: Parts) -> None:
    made = issue(parts, CAPPED, 3)
    book = Journal("e1")
    for n, one in enumerate(made):
        book.record(one.coupon, f"r{n}")
    take(parts, "kA", book.run())
    restored = Journal("e1")
    restored.items = book.items[:1]
    assert take(parts, "kA", restored.run()).items[0].status == "duplicate"
    restored.add("state_report")
    for first in (1, 2):
        with pytest.raises(Refused) as told:
            take(parts, "kA", restored.run(first))
        assert (told.value.error, told.value.status) == ("seq_regress", 409)
    assert noted(parts, "seq_regress") == [{"epoch": "e1", "seq": 2}] * 2
    fresh = Journal("e2")
    fresh.record(made[0].coupon, "r0")
    assert take(parts, "kA", fresh.run()).items[0].status == "accepted"
    assert noted(parts, "epoch_change") == [{"epoch": "e2", "before": "e1", "seq": 3}]
    assert redeemed(parts, CAPPED) == 3
    shown = parts.database.call(report.notes, parts.tenant)
    assert [n["what"] for n in shown] == ["epoch_change", "seq_regress", "seq_regress"]


@pytest.mark.parametrize(
    ("past_s", "error_s", "verdict"),
    [
        (-5, 0.0, "accepted"),
        (5, 9.0, "accepted_grace"),
        (5, 1.0, "accepted_late"),
        (5, None, "accepted_late"),
    ],
)
def test_what_was_honoured_past_the_end_says_how_far(
    parts: Parts, past_s: int, error_s: float | None, verdict: str
) -> None:
    [made] = issue(parts, CAPPED)
    found = parts.database.call(parts.catalog.batch, CAPPED)
    assert found is not None
    at = found.ends + timedelta(seconds=past_s)
    book = Journal()
    book.record(made.coupon, "r1")
    item = book.items.pop()
    book.add(item.kind, "r1", item.body, msgspec.structs.replace(stamp(at), error_s=error_s))
    told = take(parts, "kA", book.run()).items[0]
    assert (told.status, told.verdict) == ("accepted", verdict)


def test_a_chain_that_does_not_continue_is_noticed(parts: Parts) -> None:
    book = Journal("e1")
    book.add("state_report")
    take(parts, "kA", book.run())
    other = Journal("e1")
    other.add("print_job")
    other.add("state_report")
    with pytest.raises(Refused, match="begin a new epoch"):
        take(parts, "kA", other.run(2))
    assert noted(parts, "seq_regress") == [{"epoch": "e1", "seq": 1}]
    with pytest.raises(Refused, match="does not know that epoch"):
        take(parts, "kA", journal_of(3).run(2))


def journal_of(count: int) -> Journal:
    book = Journal()
    for _ in range(count):
        book.add("state_report")
    return book


def test_a_kiosk_cannot_speak_for_another(parts: Parts) -> None:
    made = issue(parts, CAPPED, 2)
    ask(parts, made[0].code, "r1", device="kA")
    book = Journal()
    book.add("void", "r1")
    book.add("rollback", "", {"of": "r1"})
    book.record(made[0].coupon, "r1")
    assert {i.status for i in take(parts, "kB", book.run()).items} == {"quarantined"}
    assert uses(parts, made[0].coupon) == 1


def test_a_record_of_another_coupon_than_the_approved_is_poison(parts: Parts) -> None:
    made = issue(parts, CAPPED, 2)
    ask(parts, made[0].code, "r1")
    book = Journal()
    book.record(made[1].coupon, "r1")
    told = take(parts, "kA", book.run()).items[0]
    assert (told.status, "rid_reuse" in told.detail) == ("quarantined", True)


@on_both
def test_a_slip_is_counted_once_and_only_for_its_kiosk(parts: Parts) -> None:
    [slip] = parts.database.call(parts.coupons.pool, "kA", SLIP, "p1", 1, now())
    mine, other = Journal(), Journal()
    for book in (mine, other):
        book.add(
            "claim", "", {"coupon": slip.coupon, "stock_id": SLIP, "store": "kjy-south", "via": "button"}
        )
    mine.add("claim", "", {"coupon": slip.coupon, "stock_id": SLIP, "store": "kjy-south", "via": "button"})
    assert take(parts, "kB", other.run()).items[0].status == "quarantined"
    assert [i.verdict for i in take(parts, "kA", mine.run()).items] == ["", "again"]
    found = parts.database.call(parts.catalog.batch, SLIP)
    assert found is not None
    assert found.claimed == 1


FACTS = ("record A", "record B", "record C", "rollback A", "void B")


@pytest.mark.parametrize("size", [3, pytest.param(4, marks=pytest.mark.prove)])
def test_the_outcome_does_not_depend_on_the_order(parts: Parts, size: int) -> None:
    """Three kiosks, one coupon: any order of arrival leaves as many conflicts as there are uses too many."""
    orders = list(itertools.permutations(FACTS, size))
    for coupon, order in zip(issue(parts, CAPPED, len(orders)), orders, strict=True):
        rids = {who: new_rid() for who in "ABC"}
        for fact in order:
            what, who = fact.split()
            book = Journal()
            if what == "record":
                book.record(coupon.coupon, rids[who])
            elif what == "void":
                book.add("void", rids[who])
            else:
                book.add("rollback", "", {"of": rids[who]})
            take(parts, f"k{who}", book.run())
        live = {who for who in "ABC" if f"record {who}" in order} - {"A" if "rollback A" in order else ""}
        states = [state(parts, rids[who]) for who in live]
        assert states.count("conflict") == max(0, len(live) - 1), order
        assert states.count("recorded") == uses(parts, coupon.coupon) == min(1, len(live)), order
    total = parts.database.call(lambda c: c.execute(sa.select(sa.func.sum(coupons.c.uses))).scalar_one())
    assert total == redeemed(parts, CAPPED)
