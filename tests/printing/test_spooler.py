"""The spooler: durable first, honest at the end, never twice by itself; every way a kiosk can stop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from kiosk.journal.errors import JournalError
from kiosk.printing import queue
from kiosk.printing.printers.device import DevicePrinter
from kiosk.printing.printers.port import Outcome
from kiosk.printing.slip import Cut, Logo, parse_slip
from kiosk.printing.spooler import Spooler, seconds_for
from tests.printing.conftest import Until
from tests.printing.fakes import FAILED, PRINTED, UNKNOWN, FakePrinter
from tests.printing.house import SLIP, House, open_house, order, results, retry_at_once
from tests.printing.made import P58, printed, slip

__all__ = ["open_house", "retry_at_once"]  # fixtures


async def test_a_slip_is_durable_before_anything_leaves_and_its_end_is_recorded(
    house: House, until: Until
) -> None:
    printer = FakePrinter("usb")
    printer.gate.clear()
    spooler = await house.open(printer)
    task = asyncio.create_task(spooler.print(SLIP, rid="R1", kind="coupon", coupon="7-1"))
    await until(lambda: bool(printer.jobs))
    (row,) = await house.journal.jobs()
    assert row.state == "sending"
    assert parse_slip(json.loads(row.slip)) == SLIP
    assert row.detail == {
        "coupon": "7-1", "printer": "usb", "url": "fake://usb", "print": printer.jobs[0][0], "reference": "", "lost": [],
    }  # fmt: skip
    printer.gate.set()
    row = await task
    assert row.state == "printed"
    assert row.detail["reference"] == "order-1", "what a cloud calls the job is kept"
    assert await results(house) == ["printed"]
    assert [(d.job, d.outcome) for d in house.done] == [(row.id, "printed")]


async def test_sent_is_a_state_of_its_own(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    mark = house.journal.job_mark

    async def watch(job: str, state: str, detail: dict[str, object], *, item: bool) -> None:
        seen.append(state)
        await mark(job, state, detail, item=item)

    monkeypatch.setattr(house.journal, "job_mark", watch)
    spooler = await house.open(FakePrinter("usb"))
    await spooler.print(SLIP, rid="R1", kind="coupon")
    assert seen == ["sending", "sent", "printed"]


@pytest.mark.parametrize(
    ("outcomes", "asked", "ended"),
    [
        ((PRINTED, PRINTED), (1, 0), "printed"),
        ((FAILED, PRINTED), (1, 1), "printed"),
        ((UNKNOWN, PRINTED), (1, 0), "unknown"),
        ((FAILED, UNKNOWN), (1, 1), "unknown"),
    ],
)
async def test_the_next_printer_only_when_nothing_can_still_appear(
    house: House, outcomes: tuple[Outcome, Outcome], asked: tuple[int, int], ended: str
) -> None:
    first, second = FakePrinter("usb", outcomes[0]), FakePrinter("cloud", outcomes[1])
    spooler = await house.open(first, second)
    row = await spooler.print(SLIP, rid="R1", kind="coupon")
    assert (len(first.jobs), len(second.jobs)) == asked
    assert row.state == ended
    assert row.detail["printer"] == ("cloud" if asked[1] else "usb")


@pytest.mark.parametrize(("sent", "ended", "asked"), [(0, "printed", 1), (10, "unknown", 0)])
async def test_a_fault_of_a_driver_keeps_no_other_printer_from_its_turn(
    house: House, sent: int, ended: str, asked: int
) -> None:
    class Faulty(FakePrinter):
        async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
            self.sent = sent
            raise UnicodeError("label empty or too long")

    second = FakePrinter("second")
    spooler = await house.open(Faulty("first"), second)
    row = await spooler.print(SLIP, rid="R1", kind="coupon")
    assert (row.state, len(second.jobs)) == (ended, asked)


async def test_only_failed_before_the_first_byte_is_tried_again_by_itself(house: House) -> None:
    printer = FakePrinter("usb", FAILED, FAILED, PRINTED)
    spooler = await house.open(printer)
    assert (await spooler.print(SLIP, rid="R1", kind="coupon")).state == "printed"
    assert len(printer.jobs) == 3
    doubtful = FakePrinter("usb", UNKNOWN, PRINTED)
    spooler.printers = [doubtful]
    row = await spooler.print(SLIP, rid="R2", kind="coupon")
    assert row.state == "unknown"
    assert row.detail["detail"] == "no paper"
    assert len(doubtful.jobs) == 1


async def test_tries_end_when_nobody_waits_any_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(queue.RULES, "coupon", queue.Rule(120, 0.05, 0, survives=False))
    printer = FakePrinter("usb", FAILED)
    spooler = await house.open(printer)
    row = await spooler.print(SLIP, rid="R1", kind="coupon")
    assert (row.state, row.detail["reason"], row.detail["detail"]) == ("failed", "not_present", "not there")
    assert 2 <= len(printer.jobs) <= 7
    assert await results(house) == ["failed"], "one result, however many tries"


async def test_a_wrong_configuration_is_not_tried_again(house: House) -> None:
    printer = FakePrinter("usb", Outcome("failed", "configuration", "no such speed", 0))
    spooler = await house.open(printer)
    assert (await spooler.print(SLIP, rid="R1", kind="coupon")).state == "failed"
    assert len(printer.jobs) == 1


async def test_without_a_printer_a_slip_fails_at_once(house: House) -> None:
    spooler = await house.open()
    row = await spooler.print(SLIP, rid="R1", kind="coupon")
    assert (row.state, row.detail["detail"]) == ("failed", "no printer is configured")


async def test_a_slip_that_cannot_be_drawn_fails_before_the_first_byte(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kiosk.printing import spooler as module

    def broken(*_: object) -> None:
        raise LookupError("no font")

    printer = FakePrinter("usb")
    spooler = await house.open(printer)
    with monkeypatch.context() as patch:
        patch.setattr(module, "render", broken)
        row = await spooler.print(SLIP, rid="R1", kind="coupon")
    assert (row.state, row.detail["detail"]) == ("failed", "the slip cannot be drawn: no font")
    assert printer.jobs == []
    assert (await spooler.print(SLIP, rid="R2", kind="coupon")).state == "printed", (
        "the next one gets its turn"
    )


async def test_one_at_a_time_coupons_first(house: House, until: Until) -> None:
    printer = FakePrinter("usb")
    printer.gate.clear()
    spooler = await house.open(printer)
    kinds = ["day", "day", "coupon", "receipt", "coupon"]
    tasks = [asyncio.create_task(spooler.print(SLIP, rid=f"{k}{n}", kind=k)) for n, k in enumerate(kinds)]
    await until(lambda: len(spooler.waiting()) == 4)
    assert [j.rid for j in spooler.waiting()] == ["coupon2", "coupon4", "receipt3", "day1"]
    printer.gate.set()
    await asyncio.gather(*tasks)
    assert await order(house, printer) == ["day0", "coupon2", "coupon4", "receipt3", "day1"]


async def test_pause_holds_every_slip_back_over_a_restart(house: House, until: Until) -> None:
    printer = FakePrinter("usb")
    spooler = await house.open(printer)
    await spooler.pause()
    job = await spooler.submit(SLIP, rid="R1", kind="day")
    await spooler.stop()
    house.spoolers.clear()
    spooler = await house.open(printer)
    assert spooler.paused
    assert [j.id for j in spooler.waiting()] == [job]
    assert printer.jobs == []
    await spooler.resume()
    await until(lambda: bool(house.done))
    row = await house.journal.job(job)
    assert row is not None
    assert row.state == "printed"


async def test_a_slip_too_old_is_not_printed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(queue.RULES, "coupon", queue.Rule(0.05, 0.05, 0, survives=False))
    printer = FakePrinter("usb")
    spooler = await house.open(printer)
    await spooler.pause()
    row = await spooler.print(SLIP, rid="R1", kind="coupon")
    assert (row.state, row.detail["detail"]) == ("failed", "too old: whoever wanted it has gone")
    assert printer.jobs == []


async def test_the_queue_has_an_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiosk.printing import spooler as module

    monkeypatch.setattr(module, "CAP", 2)
    spooler = await house.open(FakePrinter("usb"))
    await spooler.pause()
    for n in range(2):
        await spooler.submit(SLIP, rid=f"R{n}", kind="day")
    row = await spooler.print(SLIP, rid="R9", kind="coupon")
    assert (row.state, row.detail["reason"]) == ("failed", "busy")
    assert "too many" in row.detail["detail"]


async def test_mirrors_get_a_copy_of_what_left_and_hold_nothing_up(house: House, until: Until) -> None:
    mirror = FakePrinter("screen")
    mirror.gate.clear()
    spooler = await house.open(FakePrinter("usb", PRINTED, UNKNOWN, FAILED), mirrors=(mirror,))
    assert (await spooler.print(SLIP, rid="R1", kind="coupon")).state == "printed"
    assert (await spooler.print(SLIP, rid="R2", kind="coupon")).state == "unknown"
    spooler.printers = [FakePrinter("gone", Outcome("failed", "configuration", "", 0))]
    assert (await spooler.print(SLIP, rid="R3", kind="coupon")).state == "failed"
    mirror.gate.set()
    await until(lambda: len(mirror.jobs) == 2)
    assert len({rid for rid, _ in mirror.jobs}) == 2


async def test_each_printer_gets_the_form_it_wants(house: House, until: Until) -> None:
    picture, cloud = FakePrinter("screen"), FakePrinter("feie")
    picture.wants, cloud.wants = "png", "feie"
    spooler = await house.open(cloud, mirrors=(picture,))
    await spooler.print(SLIP, rid="R1", kind="coupon")
    await until(lambda: bool(picture.jobs))
    assert picture.jobs[0][1].startswith(b"\x89PNG")
    assert cloud.jobs[0][1].startswith("老王便利店<BR>".encode())


def test_copies_and_slow_lines_get_their_time() -> None:
    line = DevicePrinter("p", "serial://", P58, "/dev/ttyS0", 9600)
    assert seconds_for(FakePrinter("usb"), b"", 1) == 20
    assert seconds_for(FakePrinter("usb"), b"", 9) == 180
    assert seconds_for(line, bytes(28_800), 1) == 50, (
        "a slip drawn as a picture takes half a minute at 9600 baud"
    )


async def test_pictures_of_the_shop_reach_the_paper(house: House, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("1", (80, 40), 0).save(tmp_path / "store.png")
    printer = FakePrinter("usb")
    spooler = Spooler(house.journal, house.bus, [printer], [], pictures=tmp_path)
    await spooler.start()
    house.spoolers.append(spooler)
    await spooler.print(slip(Logo(name="store"), Cut()), rid="R1", kind="coupon")
    assert [h for _, h, _ in printed(printer.jobs[0][1]).rasters] == [40]


async def test_each_try_has_an_id_of_its_own(house: House) -> None:
    """Under an id that it knows a cloud gives its old answer, and prints nothing (facts: cloud-printers 3.5)."""
    printer = FakePrinter("cloud", FAILED, PRINTED)
    spooler = await house.open(printer)
    row = await spooler.print(SLIP, rid="R1", kind="coupon")
    await spooler.reprint(row.id)
    assert len({rid for rid, _ in printer.jobs}) == 3


# -- a person decides --


async def test_printing_again_gives_the_same_code_marked_as_a_copy(house: House) -> None:
    printer = FakePrinter("usb", UNKNOWN, PRINTED)
    spooler = await house.open(printer)
    first = await spooler.print(SLIP, rid="R1", kind="coupon", coupon="7-1")
    again = await spooler.reprint(first.id)
    assert again is not None
    assert (again.state, again.rid) == ("printed", "R1")
    assert again.detail["coupon"] == "7-1"
    assert again.detail["reprint_of"] == first.id
    one, two = (printed(job) for _, job in printer.jobs)
    assert one.qr == two.qr
    assert "补打" in two.text
    assert "补打" not in one.text
    assert (one.drawer, two.drawer) == (1, 0), "the drawer is not opened again"
    settled = await house.journal.job(first.id)
    assert settled is not None
    assert settled.state == "replaced", "nobody is asked about it any more"
    assert len(await house.journal.jobs(("unknown",))) == 0


async def test_what_never_left_is_printed_again_without_a_mark(house: House) -> None:
    printer = FakePrinter("usb", Outcome("failed", "configuration", "", 0), PRINTED)
    spooler = await house.open(printer)
    first = await spooler.print(SLIP, rid="R1", kind="coupon")
    assert first.state == "failed"
    await spooler.reprint(first.id)
    assert "补打" not in printed(printer.jobs[1][1]).text


async def test_a_slip_that_lets_its_bearer_in_is_forgotten_and_never_printed_again(house: House) -> None:
    spooler = await house.open(FakePrinter("usb"))
    row = await spooler.print(SLIP, rid="R1", kind="pairing")
    assert (row.state, row.slip) == ("printed", b"")
    assert await spooler.reprint(row.id) is None


async def test_a_person_has_seen_it(house: House) -> None:
    spooler = await house.open(FakePrinter("usb", UNKNOWN))
    row = await spooler.print(SLIP, rid="R1", kind="coupon")
    seen = await spooler.settle(row.id)
    assert seen is not None
    assert (seen.state, seen.detail["detail"]) == ("printed", "seen by a person")
    assert await results(house) == ["unknown", "printed"]
    assert await spooler.settle(row.id) is None
    assert await spooler.settle("nothing") is None


async def test_what_is_under_way_or_unknown_to_us_is_not_printed_again(house: House, until: Until) -> None:
    printer = FakePrinter("usb")
    printer.gate.clear()
    spooler = await house.open(printer)
    job = await spooler.submit(SLIP, rid="R1", kind="coupon")
    await until(lambda: bool(printer.jobs))
    assert await spooler.reprint(job) is None
    assert await spooler.reprint("nothing") is None
    printer.gate.set()


# -- a journal that cannot be written --


async def test_nothing_is_printed_that_could_not_be_recorded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = FakePrinter("usb")
    spooler = await house.open(printer)

    async def full(*_: object, **__: object) -> None:
        raise JournalError("full", "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(house.journal, "job_add", full)
        with pytest.raises(JournalError):
            await spooler.print(SLIP, rid="R1", kind="coupon")
        patch.undo()
        patch.setattr(house.journal, "job_mark", full)
        with pytest.raises(JournalError):
            await spooler.print(SLIP, rid="R2", kind="coupon")
    assert printer.jobs == [], "it was not marked as being sent, so it was not sent"
    assert (await spooler.print(SLIP, rid="R3", kind="coupon")).state == "printed"
