"""Nobody answers: what the kiosk decides alone, and what it leaves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from kiosk.counter.authority import Decision
from kiosk.coupons import code as codes
from kiosk.coupons.record import CodeBody, LeaseBody

from .world import CAPPED, HOME, LEASE, NEVER, NOW, Counter, batch, put, slips


async def test_away_a_capped_coupon_is_accepted_here(counter: Counter) -> None:
    counter.hub.away = True
    result = await counter.redeem(counter.code(7))
    assert (result.verdict, result.message, result.hint) == (
        "offline",
        "已按规则本机受理",
        "满20元可用，请核对",
    )
    assert counter.last.kind == "accepted"
    assert counter.hub.asked == []
    assert await counter.kinds() == [("redeem_record", "offline")]
    assert (await counter.redeem(counter.code(7))).reason == "used"


async def test_away_a_never_coupon_is_refused_and_stays_valid(counter: Counter) -> None:
    counter.hub.away = True
    result = await counter.redeem(counter.code(7, NEVER))
    assert (result.verdict, result.reason) == ("refused", "hub_away")
    assert "券仍有效" in result.message
    assert (counter.last.kind, counter.last.title) == ("retry", "暂时无法核对，您的券仍有效")
    assert [k for k, _ in await counter.kinds()] == ["void"]
    counter.hub.away = False
    assert (await counter.redeem(counter.code(7, NEVER))).verdict == "confirmed"


async def test_a_silent_hub_is_followed_by_a_void_of_the_same_rid(counter: Counter) -> None:
    """The hub may have decided: the void undoes it, so that no use is left consumed for a customer who got nothing."""
    counter.hub.silent()
    result = await counter.redeem(counter.code(7, NEVER))
    assert result.reason == "hub_away"
    run = await counter.journal.pending()
    assert run is not None
    assert [(i.kind, i.rid) for i in run.items] == [("void", counter.hub.asked[0].rid)]


async def test_a_silent_hub_and_a_capped_coupon_are_one_rid(counter: Counter) -> None:
    counter.hub.silent()
    result = await counter.redeem(counter.code(7))
    run = await counter.journal.pending()
    assert run is not None
    assert (result.verdict, [i.rid for i in run.items]) == ("offline", [counter.hub.asked[0].rid])


async def test_the_deadline_is_the_batchs(counter: Counter) -> None:
    seen: list[float] = []

    async def decide(question: object, deadline_s: float) -> Decision:
        seen.append(deadline_s)
        return Decision(status="ok")

    counter.hub.decide = decide  # type: ignore[method-assign]
    quick = batch("QUICK", 9, offline=msgspec.structs.replace(CAPPED.offline, deadline_ms=400))
    await counter.journal.apply("p2", [put("batch", "QUICK", quick)])
    await counter.redeem(counter.code(7, quick))
    await counter.redeem("1234567890123456789012")
    assert seen == [0.4, 1.5]


async def test_the_count_cap_holds_until_the_hub_has_the_rows(counter: Counter) -> None:
    counter.hub.away = True
    verdicts = [(await counter.redeem(counter.code(n))).reason for n in range(3)]
    assert verdicts == ["", "", "offline_cap"]
    run = await counter.journal.pending()
    assert run is not None
    await counter.journal.acknowledge(run.epoch, run.items[-1].seq, [])
    assert (await counter.redeem(counter.code(3))).verdict == "offline"


async def test_the_caps_hold_for_scanners_beside_one_another(counter: Counter) -> None:
    counter.hub.away = True
    results = await asyncio.gather(*(counter.redeem(counter.code(n)) for n in range(12)))
    assert sorted(r.verdict for r in results).count("offline") == 2


async def test_the_value_cap_holds(counter: Counter) -> None:
    rich = batch("RICH", 9, value=3000, offline=msgspec.structs.replace(CAPPED.offline, count=100))
    await counter.journal.apply("p2", [put("batch", "RICH", rich)])
    counter.hub.away = True
    assert [(await counter.redeem(counter.code(n, rich))).reason for n in range(2)] == ["", "offline_cap"]


@pytest.mark.parametrize(
    ("since", "reason"), [(3600.0, ""), (3600.1, "offline_too_old"), (None, "offline_too_old")]
)
async def test_the_age_cap_counts_from_the_last_sync_of_this_run(
    counter: Counter, since: float | None, reason: str
) -> None:
    counter.hub.away = True
    counter.since_sync = since
    assert (await counter.redeem(counter.code(7))).reason == reason


async def test_a_home_coupon_is_accepted_by_its_own_kiosk_only(counter: Counter) -> None:
    """Its own is what came from its own pool, and what the hub says is: a good signature alone proves no home."""
    counter.hub.away = True
    await counter.journal.put_codes("HOME", slips(1))
    told = CodeBody("aa", "HOME", "3-8", "k1")
    await counter.journal.apply(
        "p2", [put("code", "aa", told), put("code", "bb", CodeBody("bb", "HOME", "3-9", "k2"))]
    )
    assert [(await counter.redeem(counter.code(n, HOME))).reason for n in (1, 8, 9, 10)] == [
        "",
        "",
        "not_home",
        "not_home",
    ]
    assert counter.last.kind == "retry"
    counter.device = "k2"
    assert (await counter.redeem(counter.code(9, HOME))).verdict == "offline"


async def test_a_lease_is_used_up_and_named_in_the_record(counter: Counter) -> None:
    counter.hub.away = True
    assert (await counter.redeem(counter.code(1, LEASE))).reason == "no_lease"
    lease = LeaseBody("LEASE", 2, NOW, NOW + timedelta(hours=2), counter.journal.epoch)
    await counter.journal.apply("p2", [put("lease", "L1", lease)])
    assert [(await counter.redeem(counter.code(n, LEASE))).reason for n in (1, 2, 3)] == ["", "", "no_lease"]
    run = await counter.journal.pending()
    assert run is not None
    assert [i.body.get("lease") for i in run.items if i.kind == "redeem_record"] == ["L1", "L1"]
    await counter.journal.acknowledge(run.epoch, run.items[-1].seq, [])
    assert (await counter.redeem(counter.code(3, LEASE))).reason == "no_lease"


async def test_a_lease_ends_with_its_time_its_value_and_its_epoch(counter: Counter) -> None:
    counter.hub.away = True
    lease = LeaseBody("LEASE", 9, NOW, NOW + timedelta(hours=2), counter.journal.epoch, 500)
    await counter.journal.apply("p2", [put("lease", "L1", lease)])
    assert [(await counter.redeem(counter.code(n, LEASE))).reason for n in (1, 2)] == ["", "no_lease"]
    await counter.journal.apply("p3", [put("lease", "L1", msgspec.structs.replace(lease, value=None), 2)])
    counter.clock.error = None
    assert (await counter.redeem(counter.code(3, LEASE))).reason == "clock_uncertain"
    counter.clock.error = 0.5
    counter.clock.advance(7200)
    assert (await counter.redeem(counter.code(3, LEASE))).reason == "no_lease"
    counter.clock.at = NOW
    assert (await counter.redeem(counter.code(3, LEASE))).verdict == "offline"
    await counter.journal.begin_epoch()
    await counter.journal.put("unreconciled", None)
    assert (await counter.redeem(counter.code(4, LEASE))).reason == "no_lease"


async def test_the_hub_hears_of_the_lease(counter: Counter) -> None:
    lease = LeaseBody("LEASE", 2, NOW, NOW + timedelta(hours=2), counter.journal.epoch)
    await counter.journal.apply("p2", [put("lease", "L1", lease)])
    await counter.redeem(counter.code(1, LEASE))
    await counter.redeem(counter.code(1, CAPPED))
    assert [q.lease for q in counter.hub.asked] == ["L1", None]


async def test_offline_rights_wait_for_reconciling(counter: Counter) -> None:
    counter.hub.away = True
    await counter.journal.put("unreconciled", "1")
    await counter.journal.put_codes("HOME", slips(7))
    for of in (CAPPED, HOME):
        assert (await counter.redeem(counter.code(7, of))).reason == "hub_away"
    await counter.journal.put("unreconciled", None)
    assert (await counter.redeem(counter.code(7))).verdict == "offline"


async def test_shut_out_nothing_is_decided_alone_any_more(counter: Counter) -> None:
    """Whoever holds a stolen kiosk can pull the cable right after the hub has said no."""
    counter.hub.shut_out()
    for text in (counter.code(7), codes.new_short()):
        told = await counter.redeem(text)
        assert (told.verdict, told.reason) == ("refused", "shut_out")
    assert "券仍有效" in told.message
    assert (counter.last.kind, counter.last.title) == ("retry", "暂时无法核对，您的券仍有效")
    assert [k for k, _ in await counter.kinds()] == ["void", "void"]
    counter.hub.away = True
    counter.redeemer = counter.new_redeemer()
    for text in (counter.code(7), codes.new_short()):
        assert (await counter.redeem(text)).reason == "shut_out", "also after a restart, without the hub"
    await counter.journal.put("unreconciled", None)
    assert (await counter.redeem(counter.code(7))).verdict == "offline"


async def test_offline_the_rules_come_first(counter: Counter) -> None:
    counter.hub.away = True
    paused = batch("PAUSED", 9, status="paused")
    await counter.journal.apply("p2", [put("batch", "PAUSED", paused)])
    assert (await counter.redeem(counter.code(1, paused))).reason == "paused"
    below = await counter.redeem(counter.code(1), total=1999)
    assert (below.reason, below.message) == ("below_threshold", "消费未满20元。")
    counter.clock.advance(11 * 86400)
    assert (await counter.redeem(counter.code(1))).reason == "expired"


async def test_offline_an_unproven_code_is_not_accepted(counter: Counter) -> None:
    """A digest of a code that nobody sent down, and a signature by a key that is not here, prove nothing."""
    counter.hub.away = True
    await counter.journal.apply("p2", [], whole=True)
    await counter.journal.apply("p3", [put("batch", "CAP", CAPPED)])
    for text in (counter.code(1), codes.new_short(), "1234567890123456789012"):
        assert (await counter.redeem(text)).reason == "hub_away"


async def test_offline_a_slip_of_the_own_pool_is_known_by_its_barcode(counter: Counter) -> None:
    counter.hub.away = True
    code = slips(1)[0]
    await counter.journal.put_codes("HOME", [code])
    assert (await counter.redeem(code.short.lower())).verdict == "offline"
    assert (await counter.redeem(code.short)).reason == "used"


async def test_offline_a_short_code_is_known_by_its_hash(counter: Counter) -> None:
    counter.hub.away = True
    short = codes.new_short()
    digest = codes.code_hash(bytes(16), short)
    await counter.journal.apply("p2", [put("code", digest, CodeBody(digest, "CAP", "1-70"))])
    typed = f"{short[:4]}-{short[4:8]} {short[8:]}"
    assert (await counter.redeem(typed)).verdict == "offline"
    assert (await counter.redeem(counter.code(70))).reason == "used"


async def test_offline_an_unsigned_code_is_known_by_its_hash_where_it_came_down(counter: Counter) -> None:
    counter.hub.away = True
    text = "1234567890123456789012"
    digest = codes.code_hash(bytes(16), text)
    await counter.journal.apply("p2", [put("code", digest, CodeBody(digest, "CAP", "1-71"))])
    assert (await counter.redeem(text)).verdict == "offline"
    assert (await counter.redeem(text)).reason == "used"
    assert (await counter.redeem("1234567890123456789013")).reason == "hub_away"


@pytest.mark.parametrize("away", [True, False])
@pytest.mark.parametrize("number", ["9865", "16220713", "ABCDEF23456X"])
async def test_a_cash_voucher_is_told_by_its_number_with_the_tag_of_the_order(
    counter: Counter, number: str, away: bool
) -> None:
    """It has no code. A till that waits for an answer during an outage would leave the tag out, and WeChat deducts nothing."""
    counter.hub.away = away
    tags = ("MUTEX_STORE", "NO_MUTEX_STORE", "MUTEX_ONLINE")
    voucher = batch(number, 9, product="cash_voucher", goods_tags=tags, threshold=2500)
    await counter.journal.apply("p2", [put("batch", number, voucher)])
    for own, tag in ((False, "MUTEX_STORE"), (True, "NO_MUTEX_STORE")):
        told = await counter.redeem(f" {number}\r\n", own_coupon_applied=own, total=2400)
        assert (told.verdict, told.reason, told.batch) == ("refused", "cash_voucher", number)
        assert (told.goods_tag, told.discount, told.threshold) == (tag, None, "not met")
        assert told.message == "代金券在微信支付时自动抵扣，无需在此核销。"
    assert counter.hub.asked == []
    assert (await counter.redeem("CAP")).reason == "unreadable", "any other batch's number is no code"


@pytest.mark.parametrize(
    ("policy", "reasons"),
    [
        ("capped", ["", "", "expired"]),
        ("home", ["expired", "clock_uncertain", "expired"]),
        ("lease", ["expired", "clock_uncertain", "expired"]),
    ],
)
async def test_near_the_end_of_its_period_only_a_capped_coupon_is_given_the_doubt(
    counter: Counter, policy: str, reasons: list[str]
) -> None:
    """Possibly valid is enough where a mistake is capped; possibly expired is refused where nothing bounds it (facts: A8)."""
    counter.hub.away = True
    of = {"capped": CAPPED, "home": HOME, "lease": LEASE}[policy]
    offline = msgspec.structs.replace(of.offline, count=9)
    soon = msgspec.structs.replace(of, ends=NOW + timedelta(seconds=5), offline=offline)
    lease = LeaseBody("LEASE", 9, NOW, NOW + timedelta(hours=2), counter.journal.epoch)
    await counter.journal.apply("p2", [put("batch", of.stock_id, soon, 2), put("lease", "L1", lease)])
    await counter.journal.put_codes("HOME", slips(4))
    found = []
    for serial, error, at in ((1, 10.0, 0), (2, None, 0), (3, 10.0, 16)):
        counter.clock.error, counter.clock.at = error, NOW + timedelta(seconds=at)
        found.append((await counter.redeem(counter.code(serial, of))).reason)
    assert found == reasons
    counter.clock.error, counter.clock.at = 1.0, NOW
    assert (await counter.redeem(counter.code(4, of))).verdict == "offline", "well within it"


async def test_where_a_batch_needs_the_signature_a_hash_that_fits_is_not_enough(counter: Counter) -> None:
    counter.hub.away = True
    strict = msgspec.structs.replace(
        CAPPED, offline=msgspec.structs.replace(CAPPED.offline, needs_signature=True)
    )
    text = "1234567890123456789012"
    digest = codes.code_hash(bytes(16), text)
    own = msgspec.structs.replace(HOME, offline=msgspec.structs.replace(HOME.offline, needs_signature=True))
    [slip] = slips(1)
    await counter.journal.put_codes("HOME", [slip])
    await counter.journal.apply(
        "p2",
        [
            put("batch", "CAP", strict, 2),
            put("batch", "HOME", own, 2),
            put("code", digest, CodeBody(digest, "CAP", "1-71")),
        ],
    )
    assert (await counter.redeem(text)).reason == "hub_away"
    assert (await counter.redeem(counter.code(71))).verdict == "offline", "the same coupon, signed"
    assert (await counter.redeem(slip.short)).verdict == "offline", "the barcode of a slip of its own"


async def test_after_a_power_cut_a_lease_waits_for_the_hub(counter: Counter) -> None:
    counter.hub.away = True
    lease = LeaseBody("LEASE", 2, NOW, NOW + timedelta(hours=2), counter.journal.epoch)
    await counter.journal.apply("p2", [put("lease", "L1", lease)])
    counter.journal.unclean, counter.since_sync = True, None
    assert (await counter.redeem(counter.code(1, LEASE))).reason == "hub_away"
    counter.since_sync = 1.0
    assert (await counter.redeem(counter.code(1, LEASE))).verdict == "offline"
