"""Leases: counted here, used one after the other, given back once, dead with their epoch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from kiosk.coupons.record import Change, LeaseBody
from kiosk.journal.store import Journal

from .conftest import NOW
from .rows import body, intent

HOUR = timedelta(hours=1)


async def grant(journal: Journal, name: str, amount: int = 3, hours: float = 2, **more: Any) -> None:
    made = LeaseBody("S1", amount, NOW, NOW + hours * HOUR, journal.epoch, **more)
    await journal.apply(f"p-{name}", [Change("put", "lease", name, 1, msgspec.to_builtins(made))])


async def use(journal: Journal, n: int, lease: str) -> None:
    rid, coupon = f"r{n}", f"1-{n}"
    await journal.intend(intent(rid, coupon))
    await journal.record(
        rid,
        body=body(coupon, "offline", 300, lease=lease),
        code_key=coupon,
        store_name="x",
        value=300,
        result={},
    )


async def test_what_is_left_is_counted_from_the_attempts(journal: Journal) -> None:
    assert await journal.lease("S1") is None
    await grant(journal, "L1", 3, value=1000)
    await use(journal, 1, "L1")
    lease = await journal.lease("S1")
    assert lease is not None
    assert (lease.id, lease.amount, lease.left, lease.value_left) == ("L1", 3, 2, 700)
    assert (lease.begins, lease.not_after, lease.epoch) == (NOW, NOW + 2 * HOUR, journal.epoch)
    await journal.rollback("r1", "rb", "wrong", "staff")
    again = await journal.lease("S1")
    assert again is not None
    assert (again.left, again.value_left) == (3, 1000)
    assert await journal.lease("S2") is None


async def test_the_lease_that_ends_first_is_used_first(journal: Journal) -> None:
    await grant(journal, "new", 5, hours=9)
    await grant(journal, "old", 1, hours=1)
    first = await journal.lease("S1")
    assert first is not None
    assert first.id == "old"
    await use(journal, 1, "old")
    then = await journal.lease("S1")
    assert then is not None
    assert (then.id, then.left) == ("new", 5)
    assert [lease.id for lease in await journal.leases()] == ["new", "old"]


async def test_the_rest_is_given_back_once(journal: Journal) -> None:
    await grant(journal, "L1", 3)
    await use(journal, 1, "L1")
    assert await journal.give_back("L1")
    assert not await journal.give_back("L1")
    assert await journal.lease("S1") is None
    run = await journal.pending()
    assert run is not None
    assert [i.kind for i in run.items] == ["redeem_record", "lease_use"]
    assert run.items[0].body["lease"] == "L1"
    assert run.items[1].body == {"lease": "L1", "stock_id": "S1", "used": 1, "value": 300, "returned": True}


async def test_a_new_epoch_ends_every_lease(journal: Journal) -> None:
    await grant(journal, "L1")
    await journal.begin_epoch()
    assert await journal.leases() == []
    assert await journal.lease("S1") is None


async def test_a_lease_is_for_the_coupons_that_it_names(journal: Journal) -> None:
    await grant(journal, "L1", 2, coupons=("1-1", "1-2"))
    mine = await journal.lease("S1", "1-2")
    assert mine is not None
    assert mine.id == "L1"
    assert await journal.lease("S1", "1-3") is None
    assert await journal.lease("S1", "") is None
    assert await journal.lease("S1") is not None
    await grant(journal, "any", 9)
    other = await journal.lease("S1", "1-3")
    assert other is not None
    assert other.id == "any"


async def test_coupons_that_were_used_here_before_the_lease_came_are_not_left(journal: Journal) -> None:
    await use(journal, 1, "older")
    await grant(journal, "L1", 2, coupons=("1-1", "1-2"))
    lease = await journal.lease("S1", "1-2")
    assert lease is not None
    assert (lease.amount, lease.left) == (2, 1)


async def test_what_was_given_back_stays_given_back_when_a_snapshot_brings_it_again(journal: Journal) -> None:
    await grant(journal, "L1")
    assert await journal.give_back("L1")
    made = LeaseBody("S1", 3, NOW, NOW + HOUR, journal.epoch)
    await journal.apply("p2", [Change("put", "lease", "L1", 1, msgspec.to_builtins(made))], whole=True)
    assert await journal.leases() == []
