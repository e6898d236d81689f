"""A kiosk is shut out: what customers hold stays good, what it had not handed out is void, and it gets nothing any more."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from hub.errors import Refused
from hub.parts import Parts, now
from hub.schema import coupons
from hub.store import homes, report
from kiosk.coupons.ids import new_rid

from .lease_world import Till, filled
from .test_decide import STORE, ask, redeemed, upload, uses
from .world import CAPPED, SLIP, Journal, issue, on_both

pytestmark = on_both


def let_in(parts: Parts, device: str, store: str = STORE) -> None:
    token = parts.database.call(parts.devices.token, store, 1, now())
    parts.database.call(parts.devices.enrol, device, b"x" * 32, "", token, {}, now())


def revoke(parts: Parts, device: str) -> None:
    parts.database.call(parts.devices.revoke, device, "boss", now())


def parted(parts: Parts, device: str) -> None:
    """Let a kiosk that was shut out say that it knows."""
    parts.database.call(homes.parted, parts.catalog, device, now())


def by_hand(parts: Parts, store: str | None = None) -> Any:
    [made] = parts.database.call(parts.coupons.list_out, SLIP, 1, None, now(), store)
    return made


def pooled(parts: Parts, device: str) -> Any:
    [made] = parts.database.call(parts.coupons.pool, device, SLIP, new_rid(), 1, now())
    return made


def home_of(parts: Parts, coupon: str) -> Any:
    number, _, serial = coupon.partition("-")
    where = (coupons.c.batch == int(number), coupons.c.serial == int(serial))
    return parts.database.call(
        lambda c: c.execute(sa.select(coupons.c.home_device).where(*where)).scalar_one()
    )


def test_printed_slips_outlive_the_kiosk_that_was_their_home(parts: Parts) -> None:
    """A list that was issued by hand is in customers' hands; only what lay in the pool is void."""
    let_in(parts, "kA")
    here, anywhere, waiting = by_hand(parts, STORE), by_hand(parts), pooled(parts, "kA")
    let_in(parts, "kB")
    assert [home_of(parts, s.coupon) for s in (here, anywhere, waiting)] == ["kA"] * 3
    assert ask(parts, here.code, device="kB").reason == "not_home"
    revoke(parts, "kA")
    assert [ask(parts, s.code, device="kB").status for s in (here, anywhere)] == ["ok", "ok"]
    assert ask(parts, waiting.code, device="kB").reason == "revoked"


def test_printed_slips_pass_on_to_the_stores_next_home(parts: Parts) -> None:
    let_in(parts, "kA")
    first, second = by_hand(parts, STORE), by_hand(parts, STORE)
    assert ask(parts, second.code, device="kA").status == "ok"
    let_in(parts, "kB")
    let_in(parts, "kC", "renmin")
    revoke(parts, "kA")
    assert home_of(parts, first.coupon) is None, "the one before may be offline and still decide"
    parted(parts, "kA")
    assert (home_of(parts, first.coupon), home_of(parts, second.coupon)) == ("kB", None)
    assert ask(parts, first.code, device="kC", store="renmin").reason == "not_home"
    revoke(parts, "kB")
    assert ask(parts, first.code, device="kC", store="renmin").status == "ok"


def test_a_printed_slip_that_the_kiosk_honoured_before_it_heard_is_no_conflict(parts: Parts) -> None:
    let_in(parts, "kA")
    made, other = by_hand(parts, STORE), by_hand(parts, "renmin")
    revoke(parts, "kA")
    book = Journal()
    book.record(made.coupon, "r1", stock_id=SLIP, policy="home")
    book.record(other.coupon, "r2", stock_id=SLIP, policy="home")
    upload(parts, "kA", book)
    assert (uses(parts, made.coupon), uses(parts, other.coupon)) == (1, 0), "it had no right to the other one"


def approved(parts: Parts) -> tuple[Any, str, Journal]:
    """Let kA ask for a coupon and be approved, its journal begun; return coupon, rid and journal."""
    let_in(parts, "kA")
    let_in(parts, "kB")
    [made] = issue(parts, CAPPED)
    rid, book = new_rid(), Journal()
    assert ask(parts, made.code, rid, "kA").status == "ok"
    book.add("state_report", "", {})
    upload(parts, "kA", book)
    return made, rid, book


def waiting(parts: Parts) -> list[str]:
    return [row["rid"] for row in parts.database.call(report.unconfirmed, parts.tenant)]


def test_an_approval_whose_kiosk_was_shut_out_is_listed_and_undone_by_hand(parts: Parts) -> None:
    """Its answer was lost, and the void that its kiosk sends is only named: without a person the use is held for ever."""
    made, rid, book = approved(parts)
    assert waiting(parts) == []
    revoke(parts, "kA")
    assert waiting(parts) == [rid]
    book.add("void", rid, {"coupon": made.coupon, "stock_id": CAPPED, "why": "answer lost"})
    upload(parts, "kA", book)
    assert ask(parts, made.code, device="kB").reason == "used"
    [note] = parts.database.call(report.notes, parts.tenant)
    assert (note["what"], note["actor"]) == ("after_revocation", "kA")
    assert note["detail"] == {"kind": "void", "rid": rid, "of": "", "coupon": made.coupon}
    told = parts.database.call(parts.acts.roll_back, rid, "answer lost", "boss", now())
    assert (told.again, waiting(parts), redeemed(parts, CAPPED)) == (False, [], 0)
    [done] = [n for n in parts.database.call(report.notes, parts.tenant) if n["what"] == "given_up"]
    assert (done["actor"], done["detail"]["why"]) == ("boss", "answer lost")
    with pytest.raises(Refused, match="not honoured"):
        parts.database.call(parts.acts.roll_back, rid, "again", "boss", now())
    assert ask(parts, made.code, device="kB").status == "ok"


def test_a_record_that_comes_after_it_was_undone_by_hand_is_a_conflict(parts: Parts) -> None:
    """The customer got something after all; that is seen, and takes nothing from who came meanwhile."""
    made, rid, book = approved(parts)
    revoke(parts, "kA")
    parts.database.call(parts.acts.roll_back, rid, "lost", "boss", now())
    book.record(made.coupon, rid, verdict="confirmed")
    upload(parts, "kA", book)
    assert [c["rid"] for c in parts.database.call(report.conflicts, parts.tenant)] == [rid]
    assert ask(parts, made.code, device="kB").status == "ok"


def test_a_kiosk_that_was_shut_out_after_the_door_gets_no_lease_and_no_slips(parts: Parts) -> None:
    """What it were given then nobody would end: a lease stays held for ever."""
    filled(parts)
    let_in(parts, "kA")
    till = Till(parts, "kA")
    revoke(parts, "kA")
    with pytest.raises(Refused, match="is revoked"):
        till.lease()
    assert parts.database.call(parts.leases.all) == []
    with pytest.raises(Refused, match="is revoked"):
        pooled(parts, "kA")
