"""A new code for a slip in doubt: the old slip, wherever it appears, is refused with a sentence of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import pytest

from kiosk.counter.authority import Decision
from kiosk.counter.hand_out import HandOut, HandOutSettings
from kiosk.counter.slips import Slips
from kiosk.coupons import code as codes
from kiosk.coupons.record import PoolCode
from kiosk.printing.printers.port import Outcome
from kiosk.printing.spooler import Spooler
from tests.printing.fakes import PRINTED, UNKNOWN, FakePrinter

from .test_one_code import qr
from .world import HOME, NOW, Counter, put


@dataclass
class Desk:
    """A counter with a button and a printer that ends as the test says."""

    counter: Counter
    hand_out: HandOut
    spooler: Spooler
    printer: FakePrinter
    pool: list[PoolCode]

    async def doubted(self) -> str:
        """Press the button, have the slip end in doubt, and return its job."""
        assert (await self.hand_out.press()).outcome == "unknown"
        (job,) = await self.counter.journal.jobs(("unknown",))
        return job.id


@pytest.fixture
async def desk(counter: Counter) -> AsyncIterator[Desk]:
    signed = [counter.code(n, HOME) for n in (1, 2)]
    pool = [PoolCode(f"{HOME.number}-{n}", signed[n - 1], codes.new_short()) for n in (1, 2)]
    await counter.journal.put_codes("HOME", pool)
    printer = FakePrinter("usb", UNKNOWN, PRINTED)
    spooler = Spooler(counter.journal, counter.bus, [printer], [], now=lambda: counter.clock.trusted().at)
    await spooler.start()
    slips = Slips(counter.journal, spooler, counter.clock, counter.place)
    settings = HandOutSettings(0, 30, 200, "")
    hand_out = HandOut(counter.journal, counter.bus, counter.clock, settings, counter.place, slips.coupon)
    yield Desk(counter, hand_out, spooler, printer, pool)
    await spooler.stop()


@pytest.mark.parametrize("answer", ["silent", "ok"])
@pytest.mark.parametrize("form", ["signed", "short"])
async def test_the_old_slip_is_refused_and_the_new_one_is_worth_once(
    desk: Desk, form: str, answer: str
) -> None:
    """Also while the hub has not heard of it yet and would say yes."""
    old, new = desk.pool
    job = await desk.doubted()
    given = await desk.hand_out.replace(job)
    assert (given.outcome, given.coupon) == ("printed", new.coupon)
    papers = await desk.counter.journal.jobs()
    assert [(qr(p.slip), p.state) for p in papers] == [(new.code, "printed"), (old.code, "void")]
    if answer == "silent":
        desk.counter.hub.silent()
    else:
        desk.counter.hub.answer = lambda q: Decision(status="ok")
    shown = await desk.counter.redeem(old.code if form == "signed" else old.short)
    assert (shown.verdict, shown.reason) == ("refused", "replaced")
    assert shown.message == "此小票已换发新券，券码已作废，请以新小票为准。"
    assert desk.counter.last.title == "此小票已换新，请出示新小票"
    for _ in range(3):
        await desk.counter.redeem(old.code)
    told = [k for k in await desk.counter.kinds() if k == ("attempt_denied", "replaced")]
    assert len(told) == 1, "held to the scanner, it is noted once"
    assert (await desk.counter.redeem(new.code)).verdict in ("offline", "confirmed")
    assert (await desk.counter.redeem(new.code)).reason == "used"


async def test_a_slip_that_was_redeemed_gets_no_new_code(desk: Desk) -> None:
    job = await desk.doubted()
    desk.counter.hub.silent()
    assert (await desk.counter.redeem(desk.pool[0].code)).verdict == "offline"
    assert (await desk.hand_out.replace(job)).outcome == "used"
    assert await desk.counter.journal.pool_left("HOME") == 1
    assert len(desk.printer.jobs) == 1, "nothing more was printed"


async def test_a_new_slip_that_fails_is_the_next_presss(desk: Desk) -> None:
    job = await desk.doubted()
    desk.printer.outcomes = [Outcome("failed", "configuration", "no such font")]
    assert (await desk.hand_out.replace(job)).outcome == "failed"
    desk.printer.outcomes = [PRINTED]
    assert (await desk.hand_out.press()).coupon == desk.pool[1].coupon
    assert await desk.counter.journal.pool_left("HOME") == 0


async def test_doubt_about_the_new_slip_is_doubt_again(desk: Desk) -> None:
    job = await desk.doubted()
    desk.printer.outcomes = [UNKNOWN]
    assert (await desk.hand_out.replace(job)).outcome == "unknown"
    assert (await desk.hand_out.replace(job)).outcome == "settled"
    (again,) = await desk.counter.journal.jobs(("unknown",))
    assert (await desk.hand_out.replace(again.id)).outcome == "empty"
    copy = await desk.spooler.reprint(again.id)
    assert copy is not None
    assert await desk.spooler.reprint(job) is None, "what is void is not printed again"


@pytest.mark.parametrize("change", [{"status": "paused"}, {"ends": NOW - timedelta(days=1)}])
async def test_a_batch_that_gives_nothing_any_more_takes_nothing_back(desk: Desk, change: dict) -> None:  # type: ignore[type-arg]
    job = await desk.doubted()
    await desk.counter.journal.apply("p9", [put("batch", "HOME", msgspec.structs.replace(HOME, **change), 9)])
    assert (await desk.hand_out.replace(job)).outcome == "closed"
    assert (await desk.hand_out.replace("nothing")).outcome == "settled"
    assert await desk.counter.journal.doubted_batch(job) == "HOME"
