"""A receipt after each redemption, where the shop wants that: one paper each, and nobody waits for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from kiosk.counter import receipts as module
from kiosk.counter.receipts import Receipts
from kiosk.counter.slips import Slips
from kiosk.events import Outcome, PrintDone
from kiosk.journal.rows import JobRow
from kiosk.printing.slip import parse_slip
from kiosk.printing.spooler import Spooler
from tests.printing.conftest import Until, until
from tests.printing.fakes import FakePrinter

from .world import Counter

__all__ = ["until"]  # a fixture


@dataclass
class Desk:
    counter: Counter
    printer: FakePrinter
    slips: Slips
    receipts: Receipts
    done: list[str]

    async def papers(self) -> list[JobRow]:
        return [j for j in await self.counter.journal.jobs() if j.kind == "receipt"]

    async def redeem(self, serial: int = 1, **more: object) -> str:
        self.counter.hub.silent()
        told = await self.counter.redeem(self.counter.code(serial), **more)
        return str(told.rid)


@pytest.fixture
async def desk(counter: Counter) -> AsyncIterator[Desk]:
    printer, done = FakePrinter("p"), []
    counter.bus.on(PrintDone, lambda e: done.append(e.job))
    spooler = Spooler(counter.journal, counter.bus, [printer], [], now=lambda: counter.clock.trusted().at)
    await spooler.start()
    slips = Slips(counter.journal, spooler, counter.clock, counter.place)
    made = Desk(counter, printer, slips, Receipts(slips, counter.bus), done)
    await made.receipts.start()
    yield made
    await made.receipts.stop()
    await spooler.stop()


async def test_each_redemption_has_one_that_claims_no_more_than_is_so(desk: Desk, until: Until) -> None:
    rid = await desk.redeem()
    await until(lambda: len(desk.done) == 1)
    (row,) = await desk.papers()
    assert (row.rid, row.kind, row.state) == (rid, "receipt", "printed")
    text = json.dumps(json.loads(row.slip), ensure_ascii=False)
    assert "已按规则本机受理" in text, "accepted here is not confirmed by the cloud"
    assert rid in text
    assert len(desk.printer.jobs) == 1


async def test_a_refusal_has_none(desk: Desk, until: Until) -> None:
    await desk.redeem()
    await until(lambda: len(desk.done) == 1)
    await desk.redeem()
    desk.counter.bus.publish(Outcome(kind="printed", title="x", rid="r9"))
    await desk.redeem(2)
    await until(lambda: len(desk.done) == 2)
    assert len(await desk.papers()) == 2


async def test_a_till_that_asks_again_gets_no_second_paper(desk: Desk, until: Until) -> None:
    rid = await desk.redeem(request_no="t1")
    await until(lambda: len(desk.done) == 1)
    assert await desk.redeem(request_no="t1") == rid
    assert await desk.slips.order_receipt(rid) is False
    await desk.redeem(2)
    await until(lambda: len(desk.done) == 2)
    assert len(await desk.papers()) == 2


async def test_asked_for_again_it_is_a_copy_without_talk_of_codes(desk: Desk, until: Until) -> None:
    rid = await desk.redeem()
    await until(lambda: len(desk.done) == 1)
    again = await desk.slips.receipt(rid)
    assert again is not None
    first, copy = (parse_slip(json.loads(j.slip)) for j in reversed(await desk.papers()))
    assert len(copy.elements) == len(first.elements) + 2
    assert "只能用一次" not in again.slip.decode()
    await desk.counter.redeemer.rollback(rid, "wrong", "staff")
    assert await desk.slips.receipt(rid) is None, "what was undone has no receipt"
    assert await desk.slips.receipt("nothing") is None


async def test_more_than_can_wait_are_named_and_hold_nobody_up(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MOST", 2)

    class Stuck:
        async def order_receipt(self, rid: str) -> bool:
            await asyncio.Event().wait()
            raise AssertionError("never")

    receipts = Receipts(Stuck(), counter.bus)  # type: ignore[arg-type]
    await receipts.start()
    for n in range(3):  # nobody works on them before this test lets the loop go on
        counter.bus.publish(Outcome(kind="confirmed", title="x", rid=f"r{n}"))
    assert "no receipt for r2: 2 wait already" in caplog.text
    await receipts.stop()
