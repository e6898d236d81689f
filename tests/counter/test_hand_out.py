"""The button: one code a press, limits that survive restarts, and no code lost to a printer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from kiosk.counter import show
from kiosk.counter.dress import Dress
from kiosk.counter.hand_out import HandOut, HandOutSettings, PrintResult
from kiosk.counter.result import Place
from kiosk.coupons.batch import Batch
from kiosk.coupons.ids import new_rid
from kiosk.coupons.record import PoolCode
from kiosk.journal.errors import JournalError

from .world import HOME, NOW, Counter, batch, put, slips


class Printer:
    """Prints as the test says, leaving the rows that the spooler would."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.ends: PrintResult = "printed"
        self.printed: list[tuple[str, str]] = []
        self.hold: asyncio.Event | None = None
        self.begun = asyncio.Event()
        self.fails: Exception | None = None

    async def __call__(self, rid: str, batch: Batch, code: PoolCode, place: Place) -> PrintResult:
        self.begun.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.fails is not None:
            raise self.fails
        job = new_rid()
        self.printed.append((rid, code.coupon))
        await self.counter.journal.job_add(job, rid, "coupon", b"{}", {})
        await self.counter.journal.job_mark(job, self.ends, {}, item=True)
        return self.ends


def button(counter: Counter, printer: Printer, **settings: Any) -> HandOut:
    chosen = HandOutSettings(**{"cooldown_s": 20.0, "hourly": 30, "daily": 200, **settings})
    return HandOut(counter.journal, counter.bus, counter.clock, chosen, counter.place, printer)


async def test_a_press_prints_the_next_code(counter: Counter) -> None:
    codes = slips(2)
    await counter.journal.put_codes("HOME", codes)
    printer = Printer(counter)
    hand_out = button(counter, printer)
    assert await hand_out.ready()
    result = await hand_out.press()
    assert (result.outcome, result.coupon) == ("printed", codes[0].coupon)
    assert printer.printed == [(result.rid, codes[0].coupon)]
    assert [(o.kind, o.title) for o in counter.outcomes] == [
        ("busy", "正在打印优惠券"),
        ("printed", "请取走您的优惠券"),
    ]
    assert counter.last.detail == "下次消费时在收银台出示"
    run = await counter.journal.pending()
    assert run is not None
    assert [(i.kind, i.rid) for i in run.items][:2] == [("claim", result.rid), ("print_job", result.rid)]


async def test_while_its_card_is_in_two_places_a_kiosk_gives_nothing(counter: Counter) -> None:
    """The other card has the same codes."""
    await counter.journal.put_codes("HOME", slips(2))
    printer, apart = Printer(counter), True

    async def place() -> Place:
        return msgspec.structs.replace(await counter.place(), suspended=apart)

    hand_out = HandOut(counter.journal, counter.bus, counter.clock, HandOutSettings(), place, printer)
    assert not await hand_out.ready()
    assert (await hand_out.press()).outcome == "empty"
    assert (await hand_out.give("HOME")).outcome == "empty"
    assert (printer.printed, await counter.journal.pool_left("HOME")) == ([], 2)
    apart = False
    assert await hand_out.ready()
    assert (await hand_out.press()).outcome == "printed"


async def test_the_next_press_waits_for_the_cool_down(counter: Counter) -> None:
    await counter.journal.put_codes("HOME", slips(3))
    hand_out = button(counter, Printer(counter))
    await hand_out.press()
    counter.clock.advance(19)
    assert (await hand_out.press()).outcome == "cooling"
    assert (counter.last.kind, counter.last.title) == ("info", "请稍候")
    counter.clock.advance(1)
    assert (await hand_out.press()).outcome == "printed"


async def test_a_restart_does_not_end_the_cool_down(counter: Counter) -> None:
    await counter.journal.put_codes("HOME", slips(3))
    await button(counter, Printer(counter)).press()
    counter.clock.advance(5)
    restarted = button(counter, Printer(counter))
    assert (await restarted.press()).outcome == "cooling"
    counter.clock.advance(15)
    assert (await restarted.press()).outcome == "printed"


async def test_hourly_and_daily_caps_hold_across_restarts(counter: Counter) -> None:
    await counter.journal.put_codes("HOME", slips(10))
    limits = {"cooldown_s": 0.0, "hourly": 2, "daily": 3}
    seen = []
    for _ in range(5):
        seen.append((await button(counter, Printer(counter), **limits).press()).outcome)
        counter.clock.advance(1801)
    assert seen == ["printed", "printed", "printed", "limit", "limit"]
    assert counter.last.title == "小票暂时发完了"
    counter.clock.advance(86400)
    assert (await button(counter, Printer(counter), **limits).press()).outcome == "printed"


async def test_the_hourly_cap_counts_a_sliding_hour(counter: Counter) -> None:
    await counter.journal.put_codes("HOME", slips(10))
    hand_out = button(counter, Printer(counter), cooldown_s=0.0, hourly=2)
    assert [(await hand_out.press()).outcome for _ in range(3)] == ["printed", "printed", "limit"]
    counter.clock.advance(3600.5)
    assert (await hand_out.press()).outcome == "printed"


async def test_a_clock_that_jumps_resets_no_cap(counter: Counter) -> None:
    await counter.journal.put_codes("HOME", slips(10))
    hand_out = button(counter, Printer(counter), cooldown_s=0.0, hourly=2)
    for _ in range(2):
        await hand_out.press()
    counter.clock.at = NOW + timedelta(hours=5)
    assert (await hand_out.press()).outcome == "limit"
    counter.clock.at = NOW - timedelta(hours=5)
    assert (await hand_out.press()).outcome == "limit"


@pytest.mark.parametrize(
    ("caps", "span"), [({"hourly": 2}, timedelta(hours=1)), ({"daily": 2}, timedelta(days=1))]
)
async def test_no_press_is_invited_until_the_cap_has_passed(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, caps: dict[str, int], span: timedelta
) -> None:
    monkeypatch.setattr(show, "CHECK_S", 0.05)
    await counter.journal.put_codes("HOME", slips(10))
    hand_out = button(counter, Printer(counter), cooldown_s=0.0, **caps)

    async def status() -> show.Status:
        return show.Status("ok", "ok", "ok", await hand_out.ready())

    page = show.Show(counter.journal, counter.bus, counter.clock, counter.place, status, Dress())
    await page.start()
    try:
        assert page.view["slip"]["enabled"]
        for _ in range(2):
            assert (await hand_out.press()).outcome == "printed"
        async with asyncio.timeout(10):
            while page.view["slip"]["enabled"]:
                await page.changed(page.seq)
        assert page.view["slip"]["text"] == "暂无小票券，请扫码领券"
        counter.clock.advance(span.total_seconds() + 1)
        async with asyncio.timeout(10):
            while not page.view["slip"]["enabled"]:
                await page.changed(page.seq)
    finally:
        await page.stop()
    assert (await hand_out.press()).outcome == "printed"


async def test_an_empty_pool_sends_people_to_the_code_on_the_screen(counter: Counter) -> None:
    hand_out = button(counter, Printer(counter))
    assert not await hand_out.ready()
    assert (await hand_out.press()).outcome == "empty"
    assert (counter.last.title, counter.last.detail) == ("暂无小票券", "请改扫屏幕上的二维码领券")
    assert (await counter.journal.verify()).rows == 0


async def test_without_a_running_batch_the_button_is_closed(counter: Counter) -> None:
    await counter.journal.put_codes("HOME", slips(2))
    printer = Printer(counter)
    for change in ({"status": "paused"}, {"ends": NOW - timedelta(1)}, {"begins": NOW + timedelta(1)}):
        rev = (await counter.journal.verify()).rows + len(counter.outcomes) + 2
        await counter.journal.apply(
            f"p{rev}", [put("batch", "HOME", msgspec.structs.replace(HOME, **change), rev)]
        )
        hand_out = button(counter, printer)
        assert await hand_out.batch() is None
        assert (await hand_out.press()).outcome == "closed"
    assert printer.printed == []


async def test_a_named_batch_is_the_one_that_is_given(counter: Counter) -> None:
    other = batch("OTHER", 8, product="slip_coupon", offline=HOME.offline)
    await counter.journal.apply("p2", [put("batch", "OTHER", other)])
    await counter.journal.put_codes("HOME", slips(1))
    await counter.journal.put_codes("OTHER", slips(1, other))
    result = await button(counter, Printer(counter), stock_id="OTHER").press()
    assert result.coupon == "8-1"


async def test_a_failed_slip_is_printed_by_the_next_press_with_the_same_code(counter: Counter) -> None:
    codes = slips(2)
    await counter.journal.put_codes("HOME", codes)
    printer = Printer(counter)
    hand_out = button(counter, printer, cooldown_s=0.0)
    printer.ends = "failed"
    first = await hand_out.press()
    assert (first.outcome, counter.last.title) == ("failed", "小票未能打印")
    printer.ends = "printed"
    second = await hand_out.press()
    assert (second.outcome, second.rid, second.coupon) == ("printed", first.rid, first.coupon)
    assert (await hand_out.press()).coupon == codes[1].coupon
    run = await counter.journal.pending()
    assert run is not None
    assert [i.kind for i in run.items].count("claim") == 2


async def test_a_slip_that_may_be_on_paper_is_never_printed_by_itself(counter: Counter) -> None:
    codes = slips(2)
    await counter.journal.put_codes("HOME", codes)
    printer = Printer(counter)
    hand_out = button(counter, printer, cooldown_s=0.0)
    printer.ends = "unknown"
    assert (await hand_out.press()).outcome == "unknown"
    assert (counter.last.kind, counter.last.title) == ("help", "请看看小票是否已出纸")
    assert (await hand_out.press()).coupon == codes[1].coupon


async def test_a_press_during_a_print_is_answered_and_takes_no_code(counter: Counter) -> None:
    await counter.journal.put_codes("HOME", slips(3))
    printer = Printer(counter)
    printer.hold = asyncio.Event()
    hand_out = button(counter, printer, cooldown_s=0.0)
    first = asyncio.create_task(hand_out.press())
    async with asyncio.timeout(10):
        await printer.begun.wait()
    assert [(await hand_out.press()).outcome for _ in range(5)] == ["cooling"] * 5
    printer.hold.set()
    assert (await first).outcome == "printed"
    assert await counter.journal.pool_left("HOME") == 2


async def test_a_journal_that_cannot_write_gives_nothing(counter: Counter) -> None:
    await counter.journal.put_codes("HOME", slips(1))
    printer = Printer(counter)
    hand_out = button(counter, printer)
    await counter.journal._db.read(lambda db: db.execute("PRAGMA query_only=ON").fetchall())
    assert (await hand_out.press()).outcome == "error"
    assert (counter.last.kind, counter.last.detail) == (
        "help",
        "本机无法写入流水，未做任何操作。请查看故障诊断。",
    )
    assert printer.printed == []
    await counter.journal._db.read(lambda db: db.execute("PRAGMA query_only=OFF").fetchall())
    assert (await hand_out.press()).outcome == "printed"


async def test_a_journal_that_fails_while_printing_leaves_an_open_question(counter: Counter) -> None:
    await counter.journal.put_codes("HOME", slips(1))
    printer = Printer(counter)
    printer.fails = JournalError("full", "no room.")
    assert (await button(counter, printer).press()).outcome == "unknown"
    assert counter.last.kind == "help"
