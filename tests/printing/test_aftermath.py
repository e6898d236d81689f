"""What a cloud was given before a stop is asked about after it, and settled by its answer alone."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from kiosk.printing import aftermath
from kiosk.printing.printers.port import Follows, Outcome
from tests.printing.conftest import Until
from tests.printing.fakes import FakePrinter
from tests.printing.house import SLIP, House, open_house, results

__all__ = ["open_house"]  # a fixture
CANCELLED = Outcome("failed", "gone", "the order was cancelled", 0)


class FakeCloud(FakePrinter):
    """A cloud whose printer hangs after it took the order, and which is asked about it later."""

    def __init__(self, name: str, *became: Outcome | None, by_rid: bool = False) -> None:
        super().__init__(name)
        self.by_rid = by_rid
        """It knows our own name for a job, and is broken off before it gives a number."""
        self.rids: list[str] = []
        self.became = list(became)
        self.asked: list[tuple[str, float, float]] = []
        self.taken = asyncio.Event()
        self.never = asyncio.Event()

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Take the order, and never say how it ended."""
        from kiosk.printing.printers.port import has_left

        self.sent = len(job)
        self.rids.append(rid)
        if not self.by_rid:
            await has_left("order-7")
        self.taken.set()
        await self.never.wait()
        raise AssertionError("never")

    async def follow_up(self, reference: str, *, rid: str, age_s: float, whole_s: float) -> Outcome | None:
        """Answer in turn; the last answer for ever."""
        assert rid == self.rids[0]
        self.asked.append((reference, age_s, whole_s))
        return self.became.pop(0) if len(self.became) > 1 else self.became[0]


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once."""
    monkeypatch.setattr(aftermath, "PAUSES_S", (0.01,))


async def give(house: House, cloud: FakeCloud) -> asyncio.Task[object]:
    """Have the cloud take a slip."""
    assert isinstance(cloud, Follows)
    spooler = await house.open(cloud)
    task: asyncio.Task[object] = asyncio.create_task(spooler.print(SLIP, rid="R1", kind="coupon"))
    await cloud.taken.wait()
    return task


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
@pytest.mark.parametrize(
    "became", [Outcome("printed", "", "acknowledged"), CANCELLED, Outcome("unknown", "no_answer", "?")]
)
async def test_a_cloud_is_asked_after_the_next_start(
    house: House, until: Until, became: Outcome, kill: bool
) -> None:
    cloud = FakeCloud("cloud", None, None, became)
    task = await give(house, cloud)
    if kill:
        await house.crash()
        task.cancel()
    else:
        await house.spoolers.pop().stop()
        assert (await task).state == "sent", "nothing is claimed"  # type: ignore[attr-defined]
    assert await results(house) == []
    house.clock.advance(30)
    await house.open(cloud)
    await until(lambda: bool(house.done))
    (row,) = await house.journal.jobs()
    assert (row.state, row.detail["detail"]) == (became.ended, became.detail)
    assert await results(house) == [became.ended]
    assert len(cloud.asked) == 3, "asked until it answered, then no more"
    reference, age_s, whole_s = cloud.asked[0]
    assert reference == "order-7"
    assert age_s >= 30
    assert whole_s == 20


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
async def test_a_cloud_that_knows_our_name_for_a_job_is_asked_without_a_number(
    house: House, until: Until, kill: bool
) -> None:
    cloud = FakeCloud("cloud", None, Outcome("printed", "", "acknowledged"), by_rid=True)
    task = await give(house, cloud)
    if kill:
        await house.crash()
        task.cancel()
    else:
        await house.spoolers.pop().stop()
        assert (await task).state == "sending", "nothing is claimed"  # type: ignore[attr-defined]
    await house.open(cloud)
    await until(lambda: bool(house.done))
    assert await results(house) == ["printed"]
    assert [reference for reference, _, _ in cloud.asked] == ["", ""]


async def test_a_cloud_without_a_name_of_ours_is_not_asked_without_a_number(
    house: House, until: Until
) -> None:
    cloud = FakeCloud("cloud", CANCELLED)
    await house.journal.job_add("J1", "R1", "coupon", msgspec.json.encode(SLIP), {})
    note = {"printer": "cloud", "url": cloud.url, "print": "p1", "reference": ""}
    await house.journal.job_mark("J1", "sending", note, item=False)
    await house.open(cloud)
    await until(lambda: bool(house.done))
    assert cloud.asked == []
    assert await results(house) == ["unknown"]


async def test_a_cloud_that_stays_away_leaves_it_unknown(
    house: House, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aftermath, "PATIENCE_S", 0.05)
    cloud = FakeCloud("cloud", None)
    task = await give(house, cloud)
    await house.crash()
    task.cancel()
    await house.open(cloud)
    await until(lambda: bool(house.done))
    (row,) = await house.journal.jobs()
    assert (row.state, row.detail["reason"]) == ("unknown", "no_answer")


async def test_what_a_stop_breaks_off_is_asked_about_again(house: House, until: Until) -> None:
    cloud = FakeCloud("cloud", None)
    task = await give(house, cloud)
    await house.crash()
    task.cancel()
    await house.open(cloud)
    await until(lambda: bool(cloud.asked))
    await house.spoolers.pop().stop()
    assert [r.state for r in await house.journal.jobs()] == ["sent"]
    cloud.became = [CANCELLED]
    await house.open(cloud)
    await until(lambda: bool(house.done))
    assert await results(house) == ["failed"]


async def test_another_printer_under_the_same_name_is_not_asked(house: House) -> None:
    cloud, other = FakeCloud("cloud", CANCELLED), FakeCloud("cloud", CANCELLED)
    other.url = "fake://another"
    task = await give(house, cloud)
    await house.crash()
    task.cancel()
    await house.open(other)
    assert other.asked == []
    assert [r.state for r in await house.journal.jobs()] == ["unknown"]


async def test_new_slips_do_not_wait_for_the_answer(house: House) -> None:
    cloud = FakeCloud("cloud", None)
    task = await give(house, cloud)
    await house.crash()
    task.cancel()
    spooler = await house.open(FakePrinter("usb"))
    spooler.printers.append(cloud)
    async with asyncio.timeout(10):
        assert (await spooler.print(SLIP, rid="R2", kind="coupon")).state == "printed"
