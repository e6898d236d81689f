"""Leases at the hub: reserved, renewed, given back; never two kiosks with a right to one use (P3)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub.errors import HubError, Refused
from hub.parts import Parts, now
from hub.schema import attempts, coupons
from hub.store.leases import MARGIN, TERM
from kiosk.coupons.ids import new_rid

from .lease_world import QUOTA, STOCK, STORE, Till, filled, row
from .test_decide import load, redeemed, uses
from .test_upload import noted, state, take
from .world import Journal, batch, on_both


@on_both
def test_a_leased_coupon_is_refused_everywhere_but_at_its_kiosk(parts: Parts) -> None:
    made = filled(parts)
    mine, other, till = Till(parts, "kA"), Till(parts, "kB", "renmin"), Till(parts, "till:renmin", "renmin")
    assert mine.lease().amount == QUOTA
    assert mine.names() == [i.coupon for i in made[:QUOTA]]
    assert other.held() == {}
    for elsewhere in (other, till):
        told = elsewhere.ask(made[0].code)
        assert (told.status, told.reason, told.first_use) == ("deny", "leased_elsewhere", None)
    assert uses(parts, made[0].coupon) == 0
    assert mine.ask(made[0].code).status == "ok"
    assert other.ask(made[0].code).reason == "used"
    assert other.ask(made[QUOTA].code).status == "ok"
    [granted] = noted(parts, "lease_granted")
    assert (granted["amount"], granted["stock_id"]) == (QUOTA, STOCK)


@on_both
def test_no_coupon_is_leased_twice_and_the_batch_bounds_the_total(parts: Parts) -> None:
    filled(parts, 6)
    tills = [Till(parts, f"k{n}") for n in range(3)]
    assert [t.lease().amount for t in tills] == [4, 2, 0]
    names = [name for till in tills for name in till.names()]
    assert len(names) == len(set(names)) == 6
    assert [t.lease().amount for t in tills] == [4, 2, 0]


@on_both
def test_grants_and_redemptions_at_once_share_nothing(parts: Parts) -> None:
    made = filled(parts, 12)
    tills = [Till(parts, f"k{n}") for n in range(4)]

    def act(n: int) -> tuple[str, Any]:
        if n % 2:
            return "ask", tills[n % 4].ask(made[n % 12].code)
        return "lease", tills[n % 4].lease()

    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(act, range(24)))
    assert {kind for kind, _ in told} == {"ask", "lease"}
    names = [name for till in tills for name in till.names()]
    assert len(names) == len(set(names))
    query = sa.select(attempts.c.coupon, attempts.c.device).where(attempts.c.state == "ok")
    honoured = parts.database.call(lambda c: c.execute(query).all())
    assert len(honoured) == len({coupon for coupon, _ in honoured}) == redeemed(parts, STOCK)
    for coupon, device in honoured:
        holders = {till.name for till in tills if coupon in till.names()}
        assert holders <= {device}, "a coupon that was used elsewhere was leased"


@on_both
def test_a_lease_is_bounded_in_value_and_time(parts: Parts) -> None:
    ends = now() + timedelta(hours=3)
    filled(parts, offline={"value": 250, "max_age_s": 7200}, ends=ends.isoformat())
    till = Till(parts, "kA")
    till.lease(at=now())
    [body] = till.held().values()
    assert (body.value, body.amount, body.epoch) == (250, QUOTA, till.journal.epoch)
    assert body.not_after - body.begins == timedelta(hours=2)
    till.lease(at=now() + timedelta(hours=2))
    [body] = till.held().values()
    assert body.not_after == ends
    filled(parts, 0, ends=(now() + timedelta(days=9)).isoformat())
    till.lease()
    [body] = till.held().values()
    assert body.not_after - body.begins == TERM


@pytest.mark.parametrize("how", ["paused", "elsewhere", "over", "early", "old epoch"])
def test_there_is_nothing_to_lease_of_what_cannot_be_redeemed(parts: Parts, how: str) -> None:
    filled(parts, stores=["kjy-south"])
    till = Till(parts, "kA", "renmin" if how == "elsewhere" else STORE)
    if how == "paused":
        parts.database.call(parts.catalog.set_status, STOCK, "paused", STORE)
    days = {"over": 900, "early": -900}.get(how, 0)
    told = till.lease(at=now() + timedelta(days=days), epoch="older" if how == "old epoch" else "")
    assert (told.amount, till.held()) == (0, {})


def test_other_batches_have_no_leases(parts: Parts) -> None:
    load(parts, batch(STOCK, offline={"policy": "capped"}))
    with pytest.raises(Refused) as caught:
        Till(parts, "kA").lease()
    assert (caught.value.error, caught.value.status) == ("unknown_batch", 404)


@on_both
def test_the_same_rid_gets_the_same_lease_and_nobody_elses(parts: Parts) -> None:
    filled(parts, 12)
    mine, other = Till(parts, "kA"), Till(parts, "kB")
    rid = new_rid()
    assert [mine.lease(rid).amount for _ in range(2)] == [QUOTA] * 2
    assert other.lease(rid).amount == 0
    assert list(mine.held()) == [rid]
    assert other.held() == {}


@on_both
def test_a_renewal_takes_what_is_left_along_and_fills_up(parts: Parts) -> None:
    made = filled(parts, 9)
    till = Till(parts, "kA")
    till.lease("L1")
    till.honour(made[0].coupon, "L1")
    till.upload()
    till.lease("L2")
    assert list(till.held()) == ["L2"]
    assert till.names() == [i.coupon for i in made[1 : QUOTA + 1]]
    assert (row(parts, "L1").state, row(parts, "L1").used, row(parts, "L2").state) == ("renewed", 1, "held")
    # Honoured under the first one, told after the second one was granted: nobody else could have used it meanwhile.
    late = till.honour(made[1].coupon, "L1")
    till.upload()
    assert state(parts, late) == "recorded"
    till.give_back("L1")
    till.upload()
    assert till.names() == [i.coupon for i in made[1 : QUOTA + 1]]


@on_both
def test_a_renewal_leaves_a_void_code_behind(parts: Parts) -> None:
    """It is worth nothing, and would hold a place of the quota to the end."""
    filled(parts, QUOTA + 1)
    till = Till(parts, "kA")
    till.lease("L1")
    gone, *rest = till.names()
    serial = int(gone.partition("-")[2])
    void = sa.update(coupons).where(coupons.c.stock_id == STOCK, coupons.c.serial == serial)
    parts.database.call(lambda c: c.execute(void.values(state="void")))
    assert till.lease("L2").amount == QUOTA
    assert gone not in till.names()
    assert set(rest) < set(till.names())


@on_both
def test_a_smaller_quota_frees_nothing_that_a_kiosk_may_have_honoured(parts: Parts) -> None:
    made = filled(parts, 6)
    till, other = Till(parts, "kA"), Till(parts, "kB")
    till.lease("L1")
    load(parts, batch(STOCK, threshold=0, offline={"policy": "lease", "quota": 1}))
    assert till.lease("L2").amount == QUOTA
    assert other.ask(made[QUOTA - 1].code).reason == "leased_elsewhere"


@on_both
def test_what_is_given_back_is_free_at_once(parts: Parts) -> None:
    made = filled(parts)
    till, other = Till(parts, "kA"), Till(parts, "kB")
    till.lease("L1")
    rid = till.honour(made[0].coupon, "L1")
    till.give_back("L1")
    till.upload()
    assert state(parts, rid) == "recorded"
    assert till.held() == {}
    assert other.ask(made[1].code).status == "ok"
    assert other.ask(made[0].code).reason == "used"
    assert noted(parts, "lease_returned") == [{"lease": "L1", "stock_id": STOCK, "used": 1, "free": QUOTA}]
    till.upload()
    assert row(parts, "L1").state == "returned"


@on_both
def test_time_alone_frees_nothing(parts: Parts) -> None:
    """The kiosk that is still apart may have honoured it within its time, and tells only when it is back."""
    made = filled(parts)
    till, other = Till(parts, "kA"), Till(parts, "kB")
    till.lease("L1")
    much_later = now() + TERM + timedelta(days=30)
    assert other.ask(made[0].code, much_later).reason == "leased_elsewhere"
    assert other.lease(at=much_later).amount == 2
    assert made[0].coupon not in other.names()
    rid = till.honour(made[0].coupon, "L1", at=now() + timedelta(hours=1))
    till.upload(much_later)
    assert state(parts, rid) == "recorded"
    assert noted(parts, "lease_breach") == noted(parts, "conflict") == []


@pytest.mark.parametrize("why", ["epoch_change", "revoked"])
@on_both
def test_an_epoch_or_a_kiosk_that_ended_holds_its_lease_to_the_end(parts: Parts, why: str) -> None:
    made = filled(parts)
    parts.database.call(parts.devices.enrol, "kA", b"x" * 32, "", None, {}, now())
    till, other = Till(parts, "kA"), Till(parts, "kB")
    till.lease("L1")
    if why == "revoked":
        parts.database.call(parts.devices.revoke, "kA", "test", now())
    else:
        till.journal, till.sent = Journal(), 0
        till.upload()
    assert till.held() == {}
    assert noted(parts, "lease_ending") == [{"lease": "L1", "why": why}]
    end = now() + TERM + MARGIN
    assert other.ask(made[0].code, end - timedelta(minutes=1)).reason == "leased_elsewhere"
    assert other.ask(made[0].code, end + timedelta(minutes=1)).status == "ok"
    assert other.lease(at=end + timedelta(minutes=1)).amount == QUOTA
    assert (row(parts, "L1").state, noted(parts, "lease_lapsed")) == (
        "lapsed",
        [{"lease": "L1", "free": QUOTA}],
    )


def test_a_new_epoch_gets_a_lease_of_its_own(parts: Parts) -> None:
    made = filled(parts, 8)
    till = Till(parts, "kA")
    till.lease("L1")
    till.journal, till.sent = Journal(), 0
    till.upload()
    till.lease("L2")
    assert till.names() == [i.coupon for i in made[QUOTA:]]
    assert till.lease("L1").amount == 0
    assert till.ask(made[0].code).status == "ok"


@on_both
def test_a_record_against_a_lease_of_another_kiosk_is_a_conflict_until_that_is_given_back(
    parts: Parts,
) -> None:
    made = filled(parts)
    holder, stray = Till(parts, "kA"), Till(parts, "kB")
    holder.lease("L1")
    rid = stray.honour(made[0].coupon, "L9")
    stray.upload()
    assert (state(parts, rid), uses(parts, made[0].coupon)) == ("conflict", 0)
    assert noted(parts, "lease_breach") == [{"lease": "L9", "rid": rid, "why": "not this kiosk's"}]
    approved = holder.ask(made[0].code)
    holder.journal.add("void", approved.rid, {})
    holder.upload()
    assert (state(parts, rid), uses(parts, made[0].coupon)) == ("conflict", 0)
    holder.give_back("L1")
    holder.upload()
    assert (state(parts, rid), uses(parts, made[0].coupon)) == ("recorded", 1)
    assert noted(parts, "conflict_resolved") == [{"rid": rid, "by": "lease"}]
    assert redeemed(parts, STOCK) == 1


@on_both
def test_what_a_lease_did_not_allow_is_noted_and_what_was_undone_is_not_counted(parts: Parts) -> None:
    made = filled(parts, offline={"quota": 2, "value": 250})
    till = Till(parts, "kA")
    till.lease("L1")
    first = till.honour(made[0].coupon, "L1")
    till.journal.add("rollback", "", {"of": first, "why": "x", "by": "y"})
    till.upload()
    assert (row(parts, "L1").used, row(parts, "L1").used_value) == (0, 0)
    late = till.honour(made[0].coupon, "L1", at=now() + TERM + timedelta(hours=2))
    till.honour(made[1].coupon, "L1")
    over = till.honour(made[2].coupon, "L1")
    till.upload()
    assert noted(parts, "lease_breach") == [
        {"lease": "L1", "rid": late, "why": "time"},
        {"lease": "L1", "rid": over, "why": "amount"},
    ]
    assert (row(parts, "L1").used, row(parts, "L1").used_value) == (3, 300)


def test_a_return_of_somebody_elses_lease_is_put_aside(parts: Parts) -> None:
    filled(parts)
    mine, other = Till(parts, "kA"), Till(parts, "kB")
    mine.lease("L1")
    other.journal.add("lease_use", "L1", {"lease": "L1", "returned": True})
    told = take(parts, "kB", other.journal.run())
    assert (told.items[0].status, told.items[0].detail) == ("quarantined", "no such lease of this kiosk")
    assert len(mine.names()) == QUOTA


@on_both
def test_a_coupon_joins_no_lease_whose_time_is_over(parts: Parts) -> None:
    """Its kiosk honours nothing of it any more, and until it comes back every other one would refuse the customer."""
    filled(parts, 2)
    parts.database.call(parts.devices.enrol, "kA", b"x" * 32, "", None, {}, now())
    parts.database.call(parts.devices._accept, "kA", STORE, "test", now())
    here = Till(parts, "kA")
    assert here.lease().amount == 2
    later = now() + TERM + timedelta(seconds=1)
    coupon = parts.database.call(parts.coupons.claim, "o1", STOCK, STORE, None, later)
    shown = parts.database.call(parts.coupons.show, "o1", coupon)
    assert shown is not None
    assert coupon not in here.names()
    assert Till(parts, "kB").ask(shown.code, later).status == "ok"


@on_both
def test_a_coupon_claimed_at_a_store_goes_to_the_lease_of_its_kiosk(parts: Parts) -> None:
    filled(parts, 2)
    for device, store in (("kA", STORE), ("kB", "renmin")):
        parts.database.call(parts.devices.enrol, device, device.encode() * 16, "", None, {}, now())
        parts.database.call(parts.devices._accept, device, store, "test", now())
    here, there = Till(parts, "kA"), Till(parts, "kB", "renmin")
    here.lease("L1")
    there.lease()
    claimed = [
        parts.database.call(parts.coupons.claim, f"o{n}", STOCK, STORE, f"form{n}", now()) for n in range(3)
    ]
    assert claimed[:2] == here.names()[2:], "the quota has room for two more"
    assert here.held()["L1"].amount == QUOTA
    assert there.held() == {}
    assert claimed[2] not in here.names()


def test_an_operator_can_free_a_lease_by_hand_and_it_is_noted(parts: Parts) -> None:
    made = filled(parts)
    till, other = Till(parts, "kA"), Till(parts, "kB")
    till.lease("L1")
    assert [lease.id for lease in parts.database.call(parts.leases.all)] == ["L1"]
    assert parts.database.call(parts.leases.release, "L1", "wang", now()) == QUOTA
    assert other.ask(made[0].code).status == "ok"
    [told] = noted(parts, "lease_released")
    assert (told["device"], told["free"]) == ("kA", QUOTA)
    with pytest.raises(HubError, match="no lease L1 that holds anything"):
        parts.database.call(parts.leases.release, "L1", "wang", now())


def test_what_a_kiosk_honoured_after_it_was_shut_out_takes_no_use_that_a_lease_gives_back(
    parts: Parts,
) -> None:
    made = filled(parts, 6)
    token = parts.database.call(parts.devices.token, STORE, 1, now())
    parts.database.call(parts.devices.enrol, "kT", b"k" * 32, "till", token, {}, now())
    parts.database.call(parts.devices.revoke, "kT", "test", now())
    honest, other = Till(parts, "kA"), Till(parts, "kT")
    honest.lease("L1")
    for one in made:
        other.honour(one.coupon, None)
    other.upload()
    honest.give_back("L1")
    honest.upload()
    assert [uses(parts, one.coupon) for one in made] == [0] * 6
    assert honest.ask(made[0].code).status == "ok"
