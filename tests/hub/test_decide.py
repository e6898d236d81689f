"""The hub's decision: the table of hub/store/decide.py, on SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from hub.parts import Parts, now
from hub.schema import attempts, batches, coupons, devices
from hub.store import homes
from hub.store.catalog import BatchFile
from hub.store.envelope import read
from kiosk.coupons.code import new_short, sign
from kiosk.coupons.ids import new_rid
from kiosk.coupons.verdict import Goods
from kiosk.sync.protocol import Answer, Ask

from .world import CAPPED, CASH, NEVER, SLIP, Journal, batch, batch_file, encoded, issue, on_both

STORE = "kjy-south"
pytestmark = on_both


def ask(parts: Parts, code: str, rid: str = "", device: str = "kA", **more: Any) -> Answer:
    question = Ask(rid=rid or new_rid(), code=code, **{"store": STORE, **more})
    return parts.database.call(parts.decisions.decide, device, question, now())


def upload(parts: Parts, device: str, journal: Journal) -> None:
    parts.database.call(parts.uploads.take, device, read(encoded(journal.run())), now())


def uses(parts: Parts, coupon: str) -> int:
    number, _, serial = coupon.partition("-")
    where = (coupons.c.batch == int(number), coupons.c.serial == int(serial))
    return parts.database.call(lambda c: int(c.execute(sa.select(coupons.c.uses).where(*where)).scalar_one()))


def redeemed(parts: Parts, stock_id: str) -> int:
    found = parts.database.call(parts.catalog.batch, stock_id)
    assert found is not None
    return found.redeemed


def load(parts: Parts, *wanted: dict[str, Any]) -> None:
    parts.database.call(parts.catalog.load, msgspec.convert(batch_file(*wanted), BatchFile))


def test_a_coupon_is_good_once(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    told = ask(parts, made.code)
    assert (told.status, told.coupon, told.stock_id) == ("ok", made.coupon, CAPPED)
    assert (told.threshold, told.discount) == ("unchecked", 100)
    again = ask(parts, made.short.lower(), device="kB", store="renmin")
    assert (again.status, again.reason) == ("deny", "used")
    assert again.first_use is not None
    assert again.first_use.store == "科技园南区店"
    assert abs(again.first_use.at - told.server_time) < timedelta(seconds=1)
    assert uses(parts, made.coupon) == redeemed(parts, CAPPED) == 1


def test_the_same_ask_gets_the_same_answer_for_ever(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    rid = new_rid()
    first, second = ask(parts, made.code, rid), ask(parts, made.code, rid)
    assert msgspec.structs.replace(second, server_time=first.server_time) == first
    assert second.server_time >= first.server_time
    assert uses(parts, made.coupon) == 1


@pytest.mark.parametrize(
    "other", [{"total": 5000}, {"device": "kB"}, {"store": "renmin"}, {"own_coupon_applied": True}]
)
def test_a_rid_stands_for_one_content(parts: Parts, other: dict[str, Any]) -> None:
    [made] = issue(parts, CAPPED)
    rid = new_rid()
    assert ask(parts, made.code, rid).status == "ok"
    told = ask(parts, made.code, rid, **other)
    assert (told.status, told.reason) == ("deny", "rid_reuse")
    assert uses(parts, made.coupon) == 1


def test_a_denied_ask_stays_denied(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    rid = new_rid()
    assert ask(parts, made.code, rid, total=500).reason == "below_threshold"
    assert ask(parts, made.code, rid, total=500).reason == "below_threshold"
    assert ask(parts, made.code, total=1000).status == "ok"


def test_what_was_voided_before_it_arrived_never_takes_effect(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    journal, rid = Journal(), new_rid()
    journal.add("void", rid, {"coupon": made.coupon})
    upload(parts, "kA", journal)
    assert ask(parts, made.code, rid).status == "voided"
    assert uses(parts, made.coupon) == 0
    assert ask(parts, made.code).status == "ok"


def test_a_void_frees_an_approved_use(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    journal, rid = Journal(), new_rid()
    assert ask(parts, made.code, rid).status == "ok"
    journal.add("void", rid, {})
    upload(parts, "kA", journal)
    assert uses(parts, made.coupon) == redeemed(parts, CAPPED) == 0
    assert ask(parts, made.code, rid).status == "voided"
    assert ask(parts, made.code, device="kB").status == "ok"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("134567890123456789", "payment_code"),
        ("C1:nonsense", "unreadable"),
        ("https://q.example.test/c/kjy-south", "unreadable"),
        ("1234567890123456789012", "unknown_code"),
        ("\x00\u202e" * 30, "unreadable"),
    ],
)
def test_what_is_no_coupon_is_refused(parts: Parts, code: str, reason: str) -> None:
    told = ask(parts, code)
    assert (told.status, told.reason, told.coupon) == ("deny", reason, None)


def test_a_payment_code_leaves_no_trace(parts: Parts) -> None:
    rid = new_rid()
    ask(parts, "134567890123456789", rid)
    assert (
        parts.database.call(lambda c: c.execute(sa.select(attempts).where(attempts.c.rid == rid)).first())
        is None
    )


def test_a_short_code_that_was_never_given_is_unknown(parts: Parts) -> None:
    assert ask(parts, new_short()).reason == "unknown_code"


def test_a_code_signed_by_somebody_else_is_refused(parts: Parts) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    [made] = issue(parts, CAPPED)
    number, _, serial = made.coupon.partition("-")
    day = (now() + timedelta(days=9)).date()
    for slot in (1, 2):
        forged = sign(
            Ed25519PrivateKey.generate(), slot=slot, batch=int(number), serial=int(serial), not_after=day
        )
        assert ask(parts, forged).reason == "bad_signature"
    assert uses(parts, made.coupon) == 0


def test_a_code_that_differs_from_the_one_issued_is_good_if_its_signature_is(parts: Parts) -> None:
    """The last day in it moves with the batch, so customers hold several texts of one coupon."""
    load(parts, batch("LONGER", threshold=0))
    made = issue(parts, "LONGER", 2)
    later = (now() + timedelta(days=900)).isoformat()
    load(parts, batch("LONGER", threshold=0, ends=later))
    key = parts.database.call(parts.catalog.private_key, 1)
    number, _, serial = made[0].coupon.partition("-")
    other = sign(
        key, slot=1, batch=int(number), serial=int(serial), not_after=datetime.fromisoformat(later).date()
    )
    assert other != made[0].code
    assert ask(parts, other).coupon == made[0].coupon
    assert ask(parts, made[0].code).reason == "used"
    assert ask(parts, f" {made[1].code.lower()} ").status == "ok"
    broken = made[1].code[:-1] + ("A" if made[1].code[-1] != "A" else "B")
    assert ask(parts, broken).reason in ("bad_signature", "unreadable")


def test_rules_are_judged_before_a_use_is_taken(parts: Parts) -> None:
    load(
        parts,
        batch("PINNED", require_total=True, stores=["renmin"]),
        batch("FREE", require_total=True, threshold=0),
        batch("NOWHEN", weekdays=[(now() + timedelta(days=3)).isoweekday()]),
        batch("NOHOUR", hours=_hours_without_now()),
    )
    pinned, nowhen, nohour, free = (issue(parts, s)[0] for s in ("PINNED", "NOWHEN", "NOHOUR", "FREE"))
    assert ask(parts, free.code).reason == "total_required", "also without a threshold"
    assert ask(parts, free.code, total=0).status == "ok"
    assert ask(parts, pinned.code).reason == "wrong_store"
    assert ask(parts, pinned.code, store="renmin").reason == "total_required"
    assert ask(parts, pinned.code, store="renmin", total=999).reason == "below_threshold"
    assert ask(parts, nowhen.code).reason == "wrong_day"
    assert ask(parts, nohour.code).reason == "wrong_time"
    assert [uses(parts, i.coupon) for i in (pinned, nowhen, nohour)] == [0, 0, 0]
    assert ask(parts, pinned.code, store="renmin", total=1000).discount == 100


def _hours_without_now() -> list[dict[str, str]]:
    from kiosk.coupons.rules import SHANGHAI

    begin, end = (now().astimezone(SHANGHAI) + timedelta(hours=h) for h in (3, 6))
    return [{"start": f"{begin:%H:%M}", "end": f"{end:%H:%M}"}]


def test_a_paused_batch_is_refused_where_it_is_paused(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    parts.database.call(parts.catalog.set_status, CAPPED, "paused", STORE)
    assert ask(parts, made.code).reason == "paused"
    assert ask(parts, made.code, store="renmin").status == "ok"


def test_a_slip_is_for_its_home_until_the_home_is_shut_out(parts: Parts) -> None:
    for device in ("kHome", "kOther"):
        parts.database.call(parts.devices.enrol, device, b"x" * 32, "", None, {}, now())
        parts.database.call(parts.devices._accept, device, STORE, "test", now())
    given, kept = parts.database.call(parts.coupons.pool, "kHome", SLIP, new_rid(), 2, now())
    assert ask(parts, given.code, device="kOther", total=2000).reason == "not_home"
    journal = Journal()
    journal.add("claim", "", {"coupon": given.coupon, "stock_id": SLIP})
    upload(parts, "kHome", journal)
    parts.database.call(parts.devices.revoke, "kHome", "test", now())
    parts.database.call(homes.parted, parts.catalog, "kHome", now())
    assert ask(parts, given.code, device="kThird", total=2000).reason == "not_home", "its heir is kOther"
    assert ask(parts, given.code, device="kOther", total=2000).status == "ok"
    assert ask(parts, kept.code, device="kOther", total=2000).reason == "revoked"
    store = parts.database.call(parts.catalog.store, STORE)
    assert store is not None
    assert store.home_kiosk == "kOther"


def test_nobody_inherits_of_a_card_in_doubt(parts: Parts) -> None:
    """The one that says it knows may not be the one that still decides."""
    for device in ("kHome", "kOther"):
        parts.database.call(parts.devices.enrol, device, b"x" * 32, "", None, {}, now())
        parts.database.call(parts.devices._accept, device, STORE, "test", now())
    [given] = parts.database.call(parts.coupons.pool, "kHome", SLIP, new_rid(), 1, now())
    journal = Journal()
    journal.add("claim", "", {"coupon": given.coupon, "stock_id": SLIP})
    upload(parts, "kHome", journal)
    doubt = sa.update(devices).where(devices.c.id == "kHome").values(twin_at=now())
    parts.database.call(lambda c: c.execute(doubt))
    parts.database.call(parts.devices.revoke, "kHome", "test", now())
    parts.database.call(homes.parted, parts.catalog, "kHome", now())
    home = sa.select(coupons.c.home_device).where(coupons.c.claimant == "slip:kHome")
    assert parts.database.call(lambda c: c.execute(home).scalar_one()) != "kOther"


def test_a_coupon_may_have_several_uses(parts: Parts) -> None:
    load(parts, batch("MANY", max_uses=3, threshold=0))
    [made] = issue(parts, "MANY")
    assert [ask(parts, made.code).status for _ in range(4)] == ["ok", "ok", "ok", "deny"]
    assert redeemed(parts, "MANY") == 3


def test_an_exchange_needs_its_goods_and_the_tag_follows_the_order(parts: Parts) -> None:
    load(
        parts,
        batch("SWAP", kind="exchange", value=0, threshold=0, goods=["690"]),
        batch("TAG", goods_tags=["MUTEX_STORE", "NO_MUTEX_STORE"]),
    )
    [swap], [first, second] = issue(parts, "SWAP"), issue(parts, "TAG", 2)
    soap, milk = (Goods(i, 1, 100) for i in ("691", "690"))
    assert ask(parts, swap.code, goods=(soap,)).reason == "goods_missing"
    told = ask(parts, swap.code, goods=(soap, milk))
    assert (told.status, told.discount) == ("ok", 100)
    assert ask(parts, first.code, total=1000).goods_tag == "MUTEX_STORE"
    assert ask(parts, second.code, total=1000, own_coupon_applied=True).goods_tag == "NO_MUTEX_STORE"


@pytest.mark.parametrize(
    ("tags", "own", "tag"),
    [
        (["MUTEX_STORE"], False, "MUTEX_STORE"),
        (["MUTEX_STORE"], True, None),
        (["MUTEX_STORE", "NO_MUTEX_STORE"], True, "NO_MUTEX_STORE"),
        (["MUTEX_STORE", "NO_MUTEX_STORE"], False, "MUTEX_STORE"),
        (["MUTEX_ONLINE", "MUTEX_STORE"], False, "MUTEX_STORE"),
        (["MUTEX_ONLINE"], False, None),
        ([], False, None),
    ],
)
def test_a_cash_voucher_is_never_redeemed_but_its_order_has_a_tag(
    parts: Parts, tags: list[str], own: bool, tag: str | None
) -> None:
    load(parts, batch("16240001", product="cash_voucher", goods_tags=tags))
    told = ask(parts, "16240001", own_coupon_applied=own)
    assert (told.status, told.reason, told.stock_id, told.coupon) == (
        "deny",
        "cash_voucher",
        "16240001",
        None,
    )
    assert (told.goods_tag, told.discount) == (tag, None)
    load(parts, batch("9865", product="cash_voucher", goods_tags=tags))
    short = ask(parts, " 9865 ", own_coupon_applied=own)
    assert (short.reason, short.stock_id, short.goods_tag) == ("cash_voucher", "9865", tag)
    assert ask(parts, "9866").reason == "unreadable"
    assert ask(parts, CAPPED).reason == "unknown_code"


@pytest.mark.parametrize("same_rid", [False, True])
def test_twenty_asks_at_once_for_one_coupon_take_one_use(parts: Parts, same_rid: bool) -> None:
    [made] = issue(parts, NEVER)
    rid = new_rid()
    with ThreadPoolExecutor(20) as pool:
        told = list(
            pool.map(lambda n: ask(parts, made.code, rid if same_rid else "", total=10_000), range(20))
        )
    statuses = [t.status for t in told]
    assert statuses == ["ok"] * 20 if same_rid else sorted(statuses) == ["deny"] * 19 + ["ok"]
    assert {t.reason for t in told if t.status == "deny"} <= {"used"}
    assert uses(parts, made.coupon) == redeemed(parts, NEVER) == 1


def test_codes_are_issued_all_or_none(parts: Parts) -> None:
    from hub.errors import HubError

    load(parts, batch("FEW", stock=5))
    with pytest.raises(HubError, match="stock for 5 more coupons, not 6"):
        issue(parts, "FEW", 6)
    few = parts.database.call(parts.catalog.batch, "FEW")
    assert few is not None
    assert few.claimed == 0
    assert len({i.code for i in issue(parts, "FEW", 5)}) == 5
    with pytest.raises(HubError, match="stock for 0 more"):
        issue(parts, "FEW")
    with pytest.raises(HubError, match="cash voucher"):
        issue(parts, CASH)


def test_a_stock_is_never_exceeded_by_claims_at_once(parts: Parts) -> None:
    from hub.errors import Refused

    load(parts, batch("RUSH", stock=5, per_user=2))

    def claim(n: int) -> str:
        try:
            return parts.database.call(parts.coupons.claim, f"o{n % 4}", "RUSH", STORE, f"form{n}", now())
        except Refused as err:
            return err.error

    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(claim, range(24)))
    got = [t for t in told if t[0].isdigit()]
    assert len(got) == len(set(got)) == 5
    assert set(told) - set(got) <= {"sold_out", "limit"}
    query = (
        sa.select(coupons.c.claimant, sa.func.count())
        .where(coupons.c.stock_id == "RUSH")
        .group_by(coupons.c.claimant)
    )
    assert max(n for _, n in parts.database.call(lambda c: c.execute(query).all())) <= 2
    query = sa.select(batches.c.issued, batches.c.claimed).where(batches.c.stock_id == "RUSH")
    assert parts.database.call(lambda c: tuple(c.execute(query).one())) == (5, 5)
