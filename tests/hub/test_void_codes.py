"""A kiosk gave a new code for a slip that may still appear: nobody honours the old one any more."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from hub.parts import Parts, now
from hub.schema import changes, coupons
from hub.store import decide, report
from hub.store import uses as of_coupons

from .test_decide import ask, redeemed, uses
from .test_upload import noted, state, take
from .world import SLIP, Journal, on_both

pytestmark = on_both


def slips(parts: Parts, device: str = "kA", count: int = 2) -> list[Any]:
    return list(parts.database.call(parts.coupons.pool, device, SLIP, f"pool{device}", count, now()))


def claim(book: Journal, coupon: str) -> None:
    book.add("claim", "", {"coupon": coupon, "stock_id": SLIP, "store": "kjy-south", "via": "button"})


def void(book: Journal, old: str, new: str) -> None:
    book.add("code_void", "", {"coupon": old, "stock_id": SLIP, "job": "j1", "by": new})
    claim(book, new)


def claimed(parts: Parts) -> int:
    found = parts.database.call(parts.catalog.batch, SLIP)
    assert found is not None
    return found.claimed


def said(parts: Parts, kind: str, op: str) -> list[tuple[str, str]]:
    query = sa.select(changes.c.device, changes.c.obj).where(changes.c.type == kind, changes.c.op == op)
    return parts.database.call(lambda c: [(r.device, r.obj) for r in c.execute(query)])


def test_the_old_code_is_refused_and_every_kiosk_is_told(parts: Parts) -> None:
    old, new = slips(parts)
    book = Journal()
    claim(book, old.coupon)
    void(book, old.coupon, new.coupon)
    told = take(parts, "kA", book.run())
    assert [(i.status, i.verdict) for i in told.items] == [
        ("accepted", ""),
        ("accepted", "voided"),
        ("accepted", ""),
    ]
    for code in (old.code, old.short):
        for device in ("kA", "kB"):
            assert (ask(parts, code, device=device).status, ask(parts, code, device=device).reason) == (
                "deny",
                "replaced",
            )
    assert ask(parts, new.code).status == "ok"
    assert (claimed(parts), redeemed(parts, SLIP)) == (1, 1)
    assert said(parts, "revocation", "put") == [("", old.coupon)]
    [hash_] = parts.database.call(
        lambda c: list(c.execute(sa.select(coupons.c.short_hash).where(coupons.c.state == "void")).scalars())
    )
    assert said(parts, "code", "del") == [("kA", hash_)], "its home knows it no more as good"


def test_sending_it_again_changes_nothing(parts: Parts) -> None:
    old, new = slips(parts)
    book, again = Journal(), Journal()
    for run in (book, again):  # a journal that moved to a new epoch brings the same facts once more
        claim(run, old.coupon)
        void(run, old.coupon, new.coupon)
        assert take(parts, "kA", run.run()).ack_through == 3
    assert (claimed(parts), len(noted(parts, "code_void"))) == (1, 1)


def test_in_whatever_order_claim_and_void_arrive(parts: Parts) -> None:
    old, new = slips(parts)
    book = Journal()
    void(book, old.coupon, new.coupon)
    claim(book, old.coupon)
    assert [i.status for i in take(parts, "kA", book.run()).items] == ["accepted"] * 3
    assert claimed(parts) == 1
    assert ask(parts, old.code).reason == "replaced"


def test_a_use_that_was_honoured_stays_and_is_named(parts: Parts) -> None:
    old, new = slips(parts)
    rid = "r1"
    assert ask(parts, old.code, rid).status == "ok"
    book = Journal()
    claim(book, old.coupon)
    void(book, old.coupon, new.coupon)
    assert take(parts, "kA", book.run()).items[1].verdict == "used"
    assert noted(parts, "void_of_used") == [{"coupon": old.coupon, "uses": 1}]
    assert uses(parts, old.coupon) == 1
    assert [n["what"] for n in parts.database.call(report.notes, parts.tenant)] == ["void_of_used"]
    other = Journal()
    other.record(old.coupon, rid, verdict="confirmed", stock_id=SLIP)
    assert take(parts, "kA", _after(book, other)).items[-1].verdict == "confirmed"


def _after(book: Journal, other: Journal) -> Any:
    """Append another journal's items to a book and return the run of them."""
    first = len(book.items) + 1
    for item in other.items:
        book.add(item.kind, item.rid, item.body)
    return book.run(first)


@pytest.mark.parametrize("first", ["void", "record"])
def test_a_slip_honoured_offline_elsewhere_is_one_conflict(parts: Parts, first: str) -> None:
    """P4: kiosk B was offline and could not know; the use is excess, since the new code has one too, whoever comes up first."""
    old, new = slips(parts)
    book, other = Journal(), Journal()
    claim(book, old.coupon)
    void(book, old.coupon, new.coupon)
    other.record(old.coupon, "r1", stock_id=SLIP)
    for device, run in (("kA", book), ("kB", other)) if first == "void" else (("kB", other), ("kA", book)):
        take(parts, device, run.run())
    told = take(parts, "kB", other.run()).items[0]
    assert (told.status, told.verdict) == ("conflict", "conflict")
    [conflict] = parts.database.call(report.conflicts, parts.tenant)
    assert conflict["rid"] == "r1"
    assert (uses(parts, old.coupon), redeemed(parts, SLIP)) == (0, 0)
    assert [note["rid"] for note in noted(parts, "conflict")] == ["r1"]
    assert (len(noted(parts, "code_void")), noted(parts, "void_of_used")) == (1, [])


def test_of_a_void_code_no_use_comes_free(parts: Parts) -> None:
    """Two kiosks honoured the old slip without the hub, which its home then made void: to undo one excuses not the other."""
    old, new = slips(parts)
    for device, rid in (("kB", "rb"), ("kC", "rc")):
        theirs = Journal()
        theirs.record(old.coupon, rid, stock_id=SLIP)
        take(parts, device, theirs.run())
    own = Journal()
    claim(own, old.coupon)
    void(own, old.coupon, new.coupon)
    take(parts, "kA", own.run())
    parts.database.call(parts.acts.roll_back, "rb", "wrong", "boss", now())
    assert (state(parts, "rb"), state(parts, "rc")) == ("rolled_back", "conflict")
    assert uses(parts, old.coupon) == redeemed(parts, SLIP) == 0


def test_a_code_made_void_in_the_middle_of_a_decision_was_replaced(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the coupon and the taking of its use; to name a lease would send the customer to another till."""
    old, _ = slips(parts)
    real, tries = of_coupons.take_use, 0

    def late(c: sa.Connection, tenant: str, coupon: str, device: str, *, at_home: bool) -> bool:
        nonlocal tries
        tries += 1
        if tries == 1:
            c.execute(sa.update(coupons).where(coupons.c.mark == decide.mark(old.code)).values(state="void"))
        return real(c, tenant, coupon, device, at_home=at_home)

    monkeypatch.setattr(decide, "take_use", late)
    assert (ask(parts, old.code).reason, tries) == ("replaced", 1)


def test_nobody_makes_another_kiosks_codes_void(parts: Parts) -> None:
    old, new = slips(parts)
    theirs = Journal()
    void(theirs, old.coupon, new.coupon)
    told = take(parts, "kB", theirs.run())
    assert [i.status for i in told.items] == ["quarantined", "quarantined"]
    assert ask(parts, old.code).status == "ok"
    assert said(parts, "revocation", "put") == []
