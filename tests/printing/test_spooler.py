"""The spooler: durable first, honest at the end, never twice by itself; every way a kiosk can stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from kiosk.clock import ManualClock
from kiosk.events import Bus, PrintDone
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal
from kiosk.printing import queue
from kiosk.printing.printers.device import DevicePrinter
from kiosk.printing.printers.network import NetworkPrinter
from kiosk.printing.printers.port import Outcome
from kiosk.printing.slip import Cut, Drawer, Logo, Qr, Text, parse_slip
from kiosk.printing.spooler import Spooler, seconds_for
from simulators.escpos import EscposPrinterSim
from tests.printing.conftest import Until
from tests.printing.fakes import FAILED, PRINTED, UNKNOWN, FakePrinter
from tests.printing.made import P58, printed, slip

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
SLIP = slip(Text(text="老王便利店"), Qr(data="https://q.example.cn/c/S0001"), Drawer(), Cut())


class House:
    """A journal and the spoolers that were started on it."""

    def __init__(self, directory: Path) -> None:
        self.clock, self.bus = ManualClock(NOW), Bus()
        self.directory = directory
        self.later = timedelta()
        self.journal = Journal(directory, self.clock, self.bus)
        self.spoolers: list[Spooler] = []
        self.done: list[PrintDone] = []
        self.bus.on(PrintDone, self.done.append)

    async def open(
        self, *printers: FakePrinter | NetworkPrinter, mirrors: tuple[FakePrinter, ...] = ()
    ) -> Spooler:
        made = Spooler(
            self.journal, self.bus, printers, mirrors, now=lambda: self.clock.trusted().at + self.later
        )
        await made.start()
        self.spoolers.append(made)
        return made

    async def crash(self) -> None:
        """Lose the process: tasks end without a word, the journal is opened anew."""
        for spooler in self.spoolers:
            for task in (spooler._sending, spooler._worker):
                if task is not None:
                    task.cancel()
                    await asyncio.wait([task])
            spooler._worker = None
        self.spoolers.clear()
        await self.journal._db.close()
        self.journal = Journal(self.directory, self.clock, self.bus)
        await self.journal.start()

    async def close(self) -> None:
        for spooler in self.spoolers:
            await spooler.stop()
        await self.journal.stop()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path / "data")
    await made.journal.start()
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again without waiting for it."""
    monkeypatch.setattr(queue, "BACKOFF_S", (0.01,))


async def order(house: House, printer: FakePrinter) -> list[str]:
    """Return the names (rid) of the jobs that a printer got, in turn; what it saw is another id for each print."""
    names = {row.detail.get("print"): row.rid for row in await house.journal.jobs()}
    return [names[seen] for seen, _ in printer.jobs]


async def results(house: House) -> list[str]:
    """Return the outcomes that go up to the hub."""
    run = await house.journal.pending()
    return [i.body["outcome"] for i in run.items if i.kind == "print_result"] if run else []


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
    assert row.detail == {"coupon": "7-1", "printer": "usb", "print": printer.jobs[0][0]}
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


# -- stops and starts --


async def test_a_stop_while_a_printer_hangs_ends_soon_and_is_recorded(house: House, until: Until) -> None:
    hung, other = FakePrinter("usb"), FakePrinter("cloud")
    hung.gate.clear()
    spooler = await house.open(hung, other)
    task = asyncio.create_task(spooler.print(SLIP, rid="R1", kind="coupon"))
    await until(lambda: bool(hung.jobs))
    waiting = asyncio.create_task(spooler.print(SLIP, rid="R2", kind="coupon"))
    day = await spooler.submit(SLIP, rid="R3", kind="day")
    await until(lambda: len(spooler.waiting()) == 2)
    async with asyncio.timeout(5):
        await spooler.stop()
    house.spoolers.clear()
    assert (await task).state == "unknown"
    assert "while this slip was being sent" in (await task).detail["detail"]
    assert (await waiting).state == "failed"
    assert other.jobs == [], "what may be on paper goes to no other printer"
    row = await house.journal.job(day)
    assert row is not None
    assert row.state == "queued", "it is printed after the next start"
    assert (hung.stopped, other.stopped) == (1, 1)


async def test_a_test_slip_that_hangs_does_not_hold_the_stop_up(
    house: House, sim: EscposPrinterSim, until: Until
) -> None:
    sim.set_fault("no_barrier")
    printer = NetworkPrinter("net", f"tcp://127.0.0.1:{sim.port}", P58, "127.0.0.1", sim.port)
    after = FakePrinter("usb")
    spooler = await house.open(printer, after)
    test = asyncio.create_task(spooler.test(printer, SLIP))
    await until(lambda: len(sim.slips) == 1)
    async with asyncio.timeout(5):
        await spooler.stop()
    house.spoolers.clear()
    assert after.stopped == 1
    test.cancel()
    with pytest.raises(asyncio.CancelledError):
        await test


async def test_a_stop_before_the_first_byte_is_a_failure(house: House, until: Until) -> None:
    hung = FakePrinter("usb")
    hung.gate.clear()
    hung.hang_at = 0
    spooler = await house.open(hung)
    task = asyncio.create_task(spooler.print(SLIP, rid="R1", kind="coupon"))
    await until(lambda: bool(hung.jobs))
    await spooler.stop()
    house.spoolers.clear()
    assert (await task).state == "failed"


async def test_a_stop_waits_for_a_slip_that_is_nearly_done(house: House, until: Until) -> None:
    printer = FakePrinter("usb")
    printer.gate.clear()
    spooler = await house.open(printer)
    task = asyncio.create_task(spooler.print(SLIP, rid="R1", kind="coupon"))
    await until(lambda: bool(printer.jobs))
    stopping = asyncio.create_task(spooler.stop())
    await until(lambda: spooler._worker is None)
    printer.gate.set()
    await stopping
    house.spoolers.clear()
    assert (await task).state == "printed"


async def test_after_a_stop_slips_are_refused(house: House) -> None:
    spooler = await house.open(FakePrinter("usb"))
    await spooler.stop()
    house.spoolers.clear()
    row = await spooler.print(SLIP, rid="R1", kind="coupon")
    assert (row.state, row.detail["detail"]) == ("failed", "the kiosk is stopping")


async def test_a_real_printer_that_hangs_is_left_and_its_slip_unknown(
    house: House, sim: EscposPrinterSim, until: Until
) -> None:
    sim.set_fault("no_barrier")
    printer = NetworkPrinter("net", f"tcp://127.0.0.1:{sim.port}", P58, "127.0.0.1", sim.port)
    spooler = await house.open(printer)
    task = asyncio.create_task(spooler.print(SLIP, rid="R1", kind="coupon"))
    await until(lambda: len(sim.slips) == 1)
    async with asyncio.timeout(5):
        await spooler.stop()
    house.spoolers.clear()
    assert (await task).state == "unknown"
    assert len(sim.slips) == 1


@pytest.mark.parametrize(
    ("state", "kind", "ended"),
    [
        ("sending", "coupon", "unknown"), ("sent", "coupon", "unknown"), ("sending", "day", "unknown"), ("queued", "coupon", "failed"), ("queued", "day", "printed"),
    ],
)  # fmt: skip
async def test_what_a_crash_left_open(house: House, until: Until, state: str, kind: str, ended: str) -> None:
    await house.journal.job_add("J1", "R1", kind, msgspec.json.encode(SLIP), {})
    if state != "queued":
        await house.journal.job_mark("J1", state, {"printer": "usb"}, item=False)
    await house.crash()
    printer = FakePrinter("usb")
    await house.open(printer)
    await until(lambda: bool(house.done))
    row = await house.journal.job("J1")
    assert row is not None
    assert row.state == ended
    assert len(printer.jobs) == (1 if ended == "printed" else 0)
    assert await results(house) == [ended]


@pytest.mark.parametrize("hours", [-2, 30])
async def test_a_report_of_yesterday_or_of_tomorrow_is_not_printed(house: House, hours: int) -> None:
    await house.journal.job_add("J1", "R1", "day", msgspec.json.encode(SLIP), {})
    house.later = timedelta(hours=hours)
    printer = FakePrinter("usb")
    await house.open(printer)
    row = await house.journal.job("J1")
    assert row is not None
    assert row.state == "failed"
    assert printer.jobs == []


CHILD = """
import asyncio, sys
from pathlib import Path
from kiosk.clock import SystemClock
from kiosk.events import Bus
from kiosk.journal.store import Journal
from kiosk.printing.printers.factory import open_printer
from kiosk.printing.slip import Cut, Slip, Text
from kiosk.printing.spooler import Spooler, seconds_for

async def main():
    bus = Bus()
    journal = Journal(Path(sys.argv[1]), SystemClock(), bus)
    await journal.start()
    spooler = Spooler(journal, bus, [open_printer("net", sys.argv[2], "generic-58")], [])
    await spooler.start()
    print("ready", flush=True)
    n = 0
    while True:
        n += 1
        slip = Slip(elements=(Text(text=f"slip {n}"), Cut()))
        row = await spooler.print(slip, rid=f"R{n}", kind="coupon")
        print(n, row.state, flush=True)

asyncio.run(main())
"""


@pytest.mark.prove
async def test_killed_again_and_again_no_slip_is_lost_or_printed_twice(
    tmp_path: Path, sim: EscposPrinterSim, until: Until
) -> None:
    """kill -9 at any moment: what was said to be printed is on paper, what is on paper was recorded, none twice."""
    told_printed = 0
    for round_ in range(12):
        run = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, str(tmp_path / str(round_)), f"tcp://127.0.0.1:{sim.port}", stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert run.stdout is not None
        assert await asyncio.wait_for(run.stdout.readline(), 30) == b"ready\n"
        for _ in range(round_ % 4):
            await asyncio.wait_for(run.stdout.readline(), 30)
        await asyncio.sleep(0.003 * round_)  # another place in the slip each time
        os.kill(run.pid, signal.SIGKILL)
        rest = (await run.stdout.read()).decode().splitlines()
        await run.wait()
        await until(lambda: not sim._links)  # what is still in its line belongs to this round
        told_printed += round_ % 4 + sum(line.endswith("printed") for line in rest)
        paper = [s.text.split("\n")[0] for s in sim.slips]
        sim.slips.clear()
        house = House(tmp_path / str(round_))
        await house.journal.start()
        await house.open(FakePrinter("usb"))
        rows = {r.rid: r.state for r in await house.journal.jobs()}
        await house.close()
        assert len(paper) == len(set(paper)), "no slip twice"
        assert set(rows.values()) <= {"printed", "unknown", "failed"}, "nothing is left open"
        for rid, state in rows.items():
            on_paper = f"slip {rid[1:]}" in paper
            assert not (state == "printed" and not on_paper)
            assert not (state == "failed" and on_paper)
        assert {f"R{p[5:]}" for p in paper} <= set(rows)
    assert told_printed > 0
