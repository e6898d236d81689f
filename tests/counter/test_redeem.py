"""Every path of the state machine with the real journal: what is answered, what is durable, what the counter says."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from kiosk.counter.authority import Decision
from kiosk.coupons import code as codes
from kiosk.coupons.verdict import FirstUse

from .world import NEVER, NOW, Counter

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
