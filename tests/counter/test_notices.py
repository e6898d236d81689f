"""A conflict is printed once, whatever comes between the hub's verdict and the paper."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from kiosk.counter.notices import ConflictNotices
from kiosk.coupons.record import ItemVerdict
from kiosk.journal.rows import JobRow
from kiosk.printing.slip import parse_slip
from kiosk.printing.spooler import Spooler
from tests.printing.fakes import FakePrinter
from ui.money import yuan

from .world import NOW, Counter, put


class Desk:
    """A counter whose notices go to a printer of the test."""

    def __init__(self, counter: Counter) -> None:
        self.counter, self.printer = counter, FakePrinter("p")
        self.spooler = Spooler(
            counter.journal, counter.bus, [self.printer], [], now=lambda: counter.clock.trusted().at
        )
        self.notices = ConflictNotices(
            counter.journal, self.spooler, counter.bus, counter.clock, counter.place
        )

    async def honour(self, serial: int) -> str:
        """Honour a coupon while the hub is away and return its rid."""
        self.counter.hub.silent()
        result = await self.counter.redeem(self.counter.code(serial))
        assert result.verdict == "offline"
        return str(result.rid)

    async def upload(self, status: str = "conflict", detail: str | None = None) -> None:
        """Let the hub judge everything that waits."""
        run = await self.counter.journal.pending()
        assert run is not None
        told = (
            json.dumps({"device": "k2", "store": "S0002", "at": NOW.isoformat()})
            if detail is None
            else detail
        )
        verdicts = [
            ItemVerdict(i.seq, status if i.kind == "redeem_record" else "accepted", status, told)  # type: ignore[arg-type]
            for i in run.items
        ]
        await self.counter.journal.acknowledge(run.epoch, run.items[-1].seq, verdicts)

    async def jobs(self, so: Callable[[list[JobRow]], object] = bool) -> list[JobRow]:
        """Wait for the jobs of notices to be so."""
        async with asyncio.timeout(10):
            while not so(  # noqa: ASYNC110  (the journal has no event for it)
                found := [j for j in await self.counter.journal.jobs() if j.kind == "conflict"]
            ):
                await asyncio.sleep(0.005)
        return found


@pytest.fixture
async def desk(counter: Counter) -> AsyncIterator[Desk]:
    made = Desk(counter)
    await made.spooler.start()
    await made.notices.start()
    yield made
    await made.notices.stop()
    await made.spooler.stop()


def printed(jobs: list[JobRow]) -> bool:
    return bool(jobs) and all(j.state == "printed" for j in jobs)


async def test_a_conflict_is_printed_with_both_uses_and_its_value(desk: Desk) -> None:
    rid = await desk.honour(1)
    await desk.counter.journal.apply(
        "p2", [put("store", "S0002", {"id": "S0002", "name": "城南店", "link": ""})]
    )
    await desk.upload()
    (job,) = await desk.jobs(printed)
    assert (job.rid, job.detail["printer"]) == (rid, "p")
    text = job.slip.decode()
    assert parse_slip(json.loads(text)).kind == "conflict"
    assert "城南店" in text
    assert "老王便利店" in text
    assert text.index("城南店") < text.index("老王便利店"), "the first use stands first"
    assert "k2" in text
    assert "1-1" in text
    assert f"￥{yuan(300)}" in text


async def test_each_conflict_has_one_notice_and_an_accepted_one_none(desk: Desk) -> None:
    await desk.honour(1)
    await desk.upload()
    await desk.jobs(printed)
    await desk.honour(2)
    await desk.upload("accepted")
    assert await desk.notices.order() == 0
    assert len(desk.printer.jobs) == 1


async def test_what_a_stop_came_between_is_printed_after_the_next_start(desk: Desk) -> None:
    await desk.notices.stop()
    await desk.honour(1)
    await desk.upload()
    assert await desk.jobs(lambda _: True) == []
    await desk.notices.start()
    await desk.jobs(printed)
    await desk.notices.stop()
    await desk.notices.start()
    assert len(await desk.jobs()) == 1


async def test_old_news_and_what_was_undone_are_not_printed(desk: Desk) -> None:
    await desk.notices.stop()
    old = await desk.honour(1)
    await desk.upload()
    desk.counter.clock.advance(timedelta(days=1, minutes=1).total_seconds())
    undone = await desk.honour(2)
    await desk.counter.redeemer.rollback(undone, "wrong coupon", "test")
    await desk.upload()
    assert await desk.notices.order() == 0, old
    assert desk.printer.jobs == []


@pytest.mark.parametrize(
    "detail", ["", "[]", "not json", '{"device": "k2"}', '{"device":1,"store":2,"at":3}']
)
async def test_a_hub_that_does_not_tell_where_leaves_our_own_use(desk: Desk, detail: str) -> None:
    await desk.honour(1)
    await desk.upload(detail=detail)
    (job,) = await desk.jobs(printed)
    assert job.slip.decode().count("老王便利店") == 1
