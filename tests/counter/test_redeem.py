"""Every path of the state machine with the real journal: what is answered, what is durable, what the counter says."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from kiosk.counter.authority import Decision
from kiosk.coupons import code as codes
from kiosk.coupons.record import CodeBody, LeaseBody
from kiosk.coupons.verdict import FirstUse

from .world import CAPPED, HOME, LEASE, NEVER, NOW, Counter, batch, put, slips

# -- the hub answers --


async def test_the_hub_confirms_and_the_kiosk_records(counter: Counter) -> None:
    counter.hub.answer = lambda q: Decision(status="ok", stock_id="CAP", coupon="1-7", discount=300)
    result = await counter.redeem(counter.code(7))
    assert (result.verdict, result.batch, result.threshold, result.discount) == (
        "confirmed",
        "CAP",
        "unchecked",
        300,
    )
    assert (result.message, result.hint) == ("云端已确认", "满20元可用，请核对")
    assert await counter.kinds() == [("redeem_record", "confirmed")]
    assert [u.rid for u in await counter.journal.uses("1-7")] == [result.rid]
    assert counter.hub.asked[0].rid == result.rid
    assert (counter.last.kind, counter.last.title, counter.last.detail) == (
        "confirmed",
        "云端已确认",
        "满20减3",
    )
    assert counter.last.hint == "满20元可用，请核对"


async def test_a_checked_threshold_needs_no_hint(counter: Counter) -> None:
    counter.hub.answer = lambda q: Decision(status="ok", stock_id="CAP", coupon="1-7", threshold="met")
    result = await counter.redeem(counter.code(7), total=2500)
    assert (result.threshold, result.hint) == ("met", "")
    assert counter.hub.asked[0].total == 2500


async def test_the_hub_refuses_and_says_where_it_was_used(counter: Counter) -> None:
    first = FirstUse("城东店", NOW - timedelta(hours=1))
    counter.hub.deny("used", stock_id="CAP", first_use=first)
    result = await counter.redeem(counter.code(7))
    assert (result.verdict, result.reason, result.first_use) == ("refused", "used", first)
    assert result.message == "此券已于今天 11:00在城东店核销。"
    assert (counter.last.kind, counter.last.title, counter.last.detail) == (
        "refused",
        "此券已使用过",
        result.message,
    )
    assert await counter.kinds() == [("attempt_denied", "used")]
    assert await counter.journal.uses("1-7") == []


async def test_an_attempt_that_the_hub_had_voided_can_be_tried_again(counter: Counter) -> None:
    counter.hub.answer = lambda q: Decision(status="voided", reason="voided")
    result = await counter.redeem(counter.code(7))
    assert (result.verdict, result.reason, counter.last.kind) == ("refused", "voided", "retry")
    counter.hub.answer = lambda q: Decision(status="ok")
    assert (await counter.redeem(counter.code(7))).verdict == "confirmed"


async def test_the_attempt_is_durable_before_the_hub_is_asked(counter: Counter) -> None:
    states = []

    def look(q: object) -> Decision:
        states.append(counter.hub.asked[0].rid)
        return Decision(status="ok")

    counter.hub.hold = asyncio.Event()
    counter.hub.answer = look
    task = asyncio.create_task(counter.redeem(counter.code(7)))
    async with asyncio.timeout(10):
        await counter.hub.waiting.wait()
    attempt = await counter.journal.attempt(counter.hub.asked[0].rid)
    assert attempt is not None
    assert attempt.state == "open"
    counter.hub.hold.set()
    assert (await task).verdict == "confirmed"


async def test_a_code_that_only_the_hub_knows(counter: Counter) -> None:
    counter.hub.answer = lambda q: Decision(status="ok", stock_id="CAP", coupon="h:abc")
    text = "1234567890123456789012"
    assert (await counter.redeem(text)).verdict == "confirmed"
    assert counter.hub.asked[0].code == text
    assert (await counter.redeem(text)).reason == "used"
    assert len(counter.hub.asked) == 1


# -- the second scan --


async def test_a_second_scan_is_refused_here_with_when_and_where(counter: Counter) -> None:
    await counter.redeem(counter.code(7))
    counter.clock.advance(60)
    again = await counter.redeem(counter.code(7))
    assert (again.verdict, again.reason) == ("refused", "used")
    assert again.first_use == FirstUse("老王便利店", NOW)
    assert again.message == "此券已于今天 12:00在老王便利店核销。"
    assert len(counter.hub.asked) == 1


async def test_a_used_slip_under_the_scanner_writes_one_row_a_minute(counter: Counter) -> None:
    await counter.redeem(counter.code(7))
    for _ in range(50):
        assert (await counter.redeem(counter.code(7))).reason == "used"
        counter.clock.advance(0.1)
    assert await counter.kinds() == [("redeem_record", "confirmed"), ("attempt_denied", "used")]
    counter.clock.advance(60)
    await counter.redeem(counter.code(7))
    assert len(await counter.kinds()) == 3


async def test_the_same_code_at_two_scanners_waits(counter: Counter) -> None:
    counter.hub.hold = asyncio.Event()
    first = asyncio.create_task(counter.redeem(counter.code(7)))
    async with asyncio.timeout(10):
        await counter.hub.waiting.wait()
    second = await counter.redeem(counter.code(7))
    assert (second.verdict, second.reason, counter.last.kind) == ("refused", "busy", "busy")
    counter.hub.hold.set()
    assert (await first).verdict == "confirmed"
    assert await counter.kinds() == [("redeem_record", "confirmed")]


async def test_the_barcode_and_the_qr_of_one_slip_are_worth_once(counter: Counter) -> None:
    """The short code is unknown here, so both readings reach the hub; it names the same coupon twice."""
    counter.hub.answer = lambda q: Decision(status="ok", stock_id="CAP", coupon="1-7")
    assert (await counter.redeem(codes.new_short())).verdict == "confirmed"
    assert (await counter.redeem(counter.code(7))).reason == "used"


async def test_two_readings_at_once_are_worth_once(counter: Counter) -> None:
    counter.hub.hold = asyncio.Event()
    counter.hub.answer = lambda q: Decision(status="ok", stock_id="CAP", coupon="1-7")
    tasks = [asyncio.create_task(counter.redeem(t)) for t in (codes.new_short(), counter.code(7))]
    async with asyncio.timeout(10):
        while len(counter.hub.asked) < 2:
            await counter.hub.waiting.wait()
            counter.hub.waiting.clear()
    counter.hub.hold.set()
    results = await asyncio.gather(*tasks)
    assert sorted(r.verdict for r in results) == ["confirmed", "refused"]
    assert sorted(k for k, _ in await counter.kinds()) == ["redeem_record", "void"]
    assert len(await counter.journal.uses("1-7")) == 1


# -- nobody answers --


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


async def test_after_a_power_cut_a_lease_waits_for_the_hub(counter: Counter) -> None:
    counter.hub.away = True
    lease = LeaseBody("LEASE", 2, NOW, NOW + timedelta(hours=2), counter.journal.epoch)
    await counter.journal.apply("p2", [put("lease", "L1", lease)])
    counter.journal.unclean, counter.since_sync = True, None
    assert (await counter.redeem(counter.code(1, LEASE))).reason == "hub_away"
    counter.since_sync = 1.0
    assert (await counter.redeem(counter.code(1, LEASE))).verdict == "offline"


# -- refused at sight --


async def test_a_forged_code_is_refused_without_asking(counter: Counter) -> None:
    other = Counter(counter.journal, counter.clock, counter.bus)
    forged = other.code(7)
    for _ in range(5):
        assert (await counter.redeem(forged)).reason == "bad_signature"
    assert counter.hub.asked == []
    assert await counter.kinds() == [("attempt_denied", "bad_signature")]


@pytest.mark.parametrize(
    "text", ["", "hello", "https://example.test/c/1", "\x00\x01\x02", "x" * 10_000, "C1:!!!", "中文券码"]
)
async def test_what_is_no_code_is_refused_and_leaves_no_row(counter: Counter, text: str) -> None:
    result = await counter.redeem(text)
    assert (result.verdict, result.reason, counter.last.kind) == ("refused", "unreadable", "refused")
    assert await counter.kinds() == []
    assert counter.hub.asked == []


async def test_a_refusal_is_said_in_english_too(counter: Counter) -> None:
    counter.locale = "en"
    counter.hub.away = True
    result = await counter.redeem(counter.code(7, NEVER))
    assert "stays valid" in result.message
    assert counter.last.title == "Cannot check right now. Your coupon stays valid"


# -- undone --


async def test_a_rollback_makes_the_coupon_good_again(counter: Counter) -> None:
    first = await counter.redeem(counter.code(7))
    assert await counter.redeemer.rollback(first.rid, "wrong customer", "staff")
    assert not await counter.redeemer.rollback(first.rid, "again", "staff")
    assert not await counter.redeemer.rollback("nosuch", "x", "staff")
    assert (await counter.redeem(counter.code(7))).verdict == "confirmed"
