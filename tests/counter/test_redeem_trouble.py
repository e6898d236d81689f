"""When the card cannot be written, a scan is broken off, a till repeats itself, or a customer shows a payment code."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from kiosk.counter.authority import Decision, Question
from kiosk.coupons import code as codes
from kiosk.journal.store import Journal

from .world import CAPPED, NEVER, Counter, all_bytes


async def block(counter: Counter, on: bool = True) -> None:
    """Let the journal refuse every write, or take them again."""
    await counter.journal._db.read(
        lambda db: db.execute(f"PRAGMA query_only={'ON' if on else 'OFF'}").fetchall()
    )


def block_when_asked(counter: Counter, status: str = "ok", reason: str = "") -> None:
    async def decide(question: Question, deadline_s: float) -> Decision:
        counter.hub.asked.append(question)
        await block(counter)
        return Decision(status=status, reason=reason)  # type: ignore[arg-type]

    counter.hub.decide = decide  # type: ignore[method-assign]


def unblock_hub(counter: Counter) -> None:
    del counter.hub.decide  # type: ignore[method-assign]


async def state(counter: Counter, rid: str) -> str:
    attempt = await counter.journal.attempt(rid)
    return attempt.state if attempt else ""


# -- the journal cannot write --


async def test_a_journal_that_cannot_write_redeems_nothing_and_asks_nobody(counter: Counter) -> None:
    await block(counter)
    for away in (False, True):
        counter.hub.away = away
        result = await counter.redeem(counter.code(7))
        assert (result.verdict, result.reason) == ("refused", "store_full")
        assert (result.message, counter.last.kind) == (
            "本机无法写入流水，未做任何操作。请查看故障诊断。",
            "retry",
        )
    assert counter.hub.asked == []
    await block(counter, False)
    assert await counter.kinds() == []
    assert (await counter.redeem(counter.code(7))).verdict == "offline"


async def test_a_journal_that_cannot_be_read_redeems_nothing(counter: Counter) -> None:
    await counter.journal._db.close()
    result = await counter.redeem(counter.code(7))
    assert (result.verdict, result.reason) == ("refused", "store_full")
    assert counter.hub.asked == []


async def test_an_acceptance_that_cannot_be_written_is_unknown_and_a_person_must_look(
    counter: Counter,
) -> None:
    block_when_asked(counter)
    result = await counter.redeem(counter.code(7))
    assert (result.verdict, result.reason) == ("unknown", "store_full")
    assert result.rid == counter.hub.asked[0].rid
    assert "云端已受理此券" in result.message
    assert (counter.last.kind, counter.last.title, counter.last.detail) == (
        "help",
        "请咨询店员",
        result.message,
    )
    assert await state(counter, result.rid) == "open"


async def test_the_same_coupon_scanned_again_is_finished_once_there_is_room(counter: Counter) -> None:
    block_when_asked(counter)
    first = await counter.redeem(counter.code(7))
    still = await counter.redeem(counter.code(7))
    assert (still.verdict, still.rid) == ("unknown", first.rid)
    await block(counter, False)
    unblock_hub(counter)
    done = await counter.redeem(counter.code(7))
    assert (done.verdict, done.rid, done.message) == ("confirmed", first.rid, "云端已确认")
    assert len(counter.hub.asked) == 1
    assert await counter.kinds() == [("redeem_record", "confirmed")]
    assert (await counter.redeem(counter.code(7))).reason == "used"


async def test_another_coupon_voids_what_could_not_be_finished(counter: Counter) -> None:
    block_when_asked(counter)
    first = await counter.redeem(counter.code(7))
    await block(counter, False)
    unblock_hub(counter)
    assert (await counter.redeem(counter.code(8))).verdict == "confirmed"
    assert await state(counter, first.rid) == "void"
    assert [k for k, _ in await counter.kinds()] == ["void", "redeem_record"]
    assert (await counter.redeem(counter.code(7))).verdict == "confirmed"


async def test_a_restart_voids_what_the_hub_accepted_and_nobody_recorded(counter: Counter) -> None:
    block_when_asked(counter)
    first = await counter.redeem(counter.code(7))
    await counter.journal._db.close()
    counter.journal = Journal(counter.journal.dir, counter.clock, counter.bus)
    recovery = await counter.journal.start()
    assert recovery.voided == 1
    run = await counter.journal.pending()
    assert run is not None
    assert [(i.kind, i.rid) for i in run.items] == [("void", first.rid)]
    counter.redeemer = counter.new_redeemer()
    unblock_hub(counter)
    assert (await counter.redeem(counter.code(7))).verdict == "confirmed"


async def test_a_refusal_stands_also_when_it_cannot_be_written(counter: Counter) -> None:
    block_when_asked(counter, "deny", "expired")
    result = await counter.redeem(counter.code(7))
    assert (result.verdict, result.reason) == ("refused", "expired")
    assert await state(counter, result.rid) == "open"
    await block(counter, False)
    unblock_hub(counter)
    assert (await counter.redeem(counter.code(7))).verdict == "confirmed"
    assert await state(counter, result.rid) == "void"


async def test_an_offline_acceptance_that_cannot_be_written_is_none(counter: Counter) -> None:
    async def silent(question: Question, deadline_s: float) -> Decision:
        await block(counter)
        return counter.hub.answer(question)

    counter.hub.silent()
    counter.hub.decide = silent  # type: ignore[method-assign]
    for of in (CAPPED, NEVER):
        result = await counter.redeem(counter.code(7, of))
        assert result.verdict == "refused"
        await block(counter, False)
    assert await counter.journal.uses("1-7") == []


# -- broken off --


async def test_a_scan_that_is_broken_off_does_not_block_its_code(counter: Counter) -> None:
    counter.hub.hold = asyncio.Event()
    task = asyncio.create_task(counter.redeem(counter.code(7)))
    async with asyncio.timeout(10):
        await counter.hub.waiting.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    counter.hub.hold = None
    assert (await counter.redeem(counter.code(7))).verdict == "confirmed"
    assert [k for k, _ in await counter.kinds()] == ["void", "redeem_record"]


async def test_an_error_nobody_thought_of_calls_the_staff_and_leaves_no_use(counter: Counter) -> None:
    def fail(_: object) -> Decision:
        raise RuntimeError("broken adapter")

    counter.hub.answer = fail
    with pytest.raises(RuntimeError, match="broken adapter"):
        await counter.redeem(counter.code(7))
    assert (counter.last.kind, counter.last.title) == ("help", "请咨询店员")
    counter.hub.answer = lambda q: Decision(status="ok")
    assert (await counter.redeem(counter.code(7))).verdict == "confirmed"


# -- a till repeats itself --


async def test_a_repeated_request_gets_the_first_result(counter: Counter) -> None:
    first = await counter.redeem(counter.code(7), request_no="T1")
    again = await counter.redeem(counter.code(7), request_no="T1")
    assert again == first
    assert first.verdict == "confirmed"
    assert len(counter.hub.asked) == 1
    counter.hub.deny("expired")
    refused = await counter.redeem(counter.code(8), request_no="T2")
    counter.hub.answer = lambda q: Decision(status="ok")
    assert await counter.redeem(counter.code(8), request_no="T2") == refused
    assert refused.reason == "expired"


async def test_a_request_repeated_while_it_is_under_way_waits_for_its_result(counter: Counter) -> None:
    counter.hub.hold = asyncio.Event()
    first = asyncio.create_task(counter.redeem(counter.code(7), request_no="T1"))
    async with asyncio.timeout(10):
        await counter.hub.waiting.wait()
    again = asyncio.create_task(counter.redeem(counter.code(7), request_no="T1"))
    other = await counter.redeem(counter.code(8), request_no="T1")
    assert (other.verdict, other.reason) == ("refused", "rid_reuse")
    counter.hub.hold.set()
    assert await first == await again
    assert (await first).verdict == "confirmed"
    assert len(counter.hub.asked) == 1


async def test_a_request_whose_first_call_was_broken_off_is_answered(counter: Counter) -> None:
    counter.hub.hold = asyncio.Event()
    first = asyncio.create_task(counter.redeem(counter.code(7), request_no="T1"))
    async with asyncio.timeout(10):
        await counter.hub.waiting.wait()
    again = asyncio.create_task(counter.redeem(counter.code(7), request_no="T1"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await again).reason == "voided"
    await asyncio.gather(first, return_exceptions=True)


async def test_a_request_number_belongs_to_one_code(counter: Counter) -> None:
    await counter.redeem(counter.code(7), request_no="T1")
    other = await counter.redeem(counter.code(8), request_no="T1")
    assert (other.verdict, other.reason) == ("refused", "rid_reuse")
    assert await counter.journal.uses("1-8") == []


async def test_a_request_that_a_crash_cut_off_is_void_and_stays_so(counter: Counter) -> None:
    counter.hub.hold = asyncio.Event()
    task = asyncio.create_task(counter.redeem(counter.code(7), request_no="T1"))
    async with asyncio.timeout(10):
        await counter.hub.waiting.wait()
    await counter.journal._db.close()
    counter.hub.hold.set()
    await asyncio.gather(task, return_exceptions=True)
    counter.journal = Journal(counter.journal.dir, counter.clock, counter.bus)
    await counter.journal.start()
    counter.redeemer = counter.new_redeemer()
    again = await counter.redeem(counter.code(7), request_no="T1")
    assert (again.verdict, again.reason, again.rid) == ("refused", "voided", counter.hub.asked[0].rid)
    assert (await counter.redeem(counter.code(7), request_no="T2")).verdict == "confirmed"


async def test_a_request_that_was_rolled_back_is_not_confirmed_again(counter: Counter) -> None:
    first = await counter.redeem(counter.code(7), request_no="T1")
    await counter.redeemer.rollback(first.rid, "wrong", "staff")
    assert (await counter.redeem(counter.code(7), request_no="T1")).reason == "voided"


# -- payment codes --

WECHAT_PAY, ALIPAY = "134567890123456789", "2812345678901234567"


@pytest.mark.parametrize("shown", [WECHAT_PAY, f" {WECHAT_PAY[:6]} {WECHAT_PAY[6:]}\n", ALIPAY])
async def test_a_payment_code_leaves_no_trace_anywhere(
    counter: Counter, tmp_path: Path, caplog: pytest.LogCaptureFixture, shown: str
) -> None:
    caplog.set_level(logging.DEBUG)
    for away in (False, True):
        counter.hub.away = away
        result = await counter.redeem(shown, request_no="T1")
        assert (result.verdict, result.reason) == ("refused", "payment_code")
        assert (counter.last.kind, counter.last.title) == ("refused", "请出示优惠券，不是付款码")
        assert result.message == "这是付款码，不是券码；本机未做任何保存。"
    assert counter.hub.asked == []
    assert await counter.kinds() == []
    digits = "".join(c for c in shown if c.isdigit())
    key = await counter.journal.setting("code_key") or ""
    from hashlib import sha256

    digest = sha256(f"{key}\n{digits}".encode()).hexdigest()[:32]
    await counter.journal.stop()
    kept = all_bytes(tmp_path)
    told = caplog.text + repr(counter.outcomes) + repr(result)
    for trace in (digits, digits[:10], digest, codes.code_hash(bytes(16), digits)):
        assert trace.encode() not in kept
        assert trace not in told


async def test_twenty_two_digits_are_a_coupon_of_wechat(counter: Counter) -> None:
    text = "2812345678901234567890"
    assert (await counter.redeem(text)).verdict == "confirmed"
    assert counter.hub.asked[0].code == text
