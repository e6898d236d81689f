"""The spooler at its end: stopped, crashed, killed; nothing is lost, nothing is printed twice by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from kiosk.printing.printers.network import NetworkPrinter
from simulators.escpos import EscposPrinterSim
from tests.printing.conftest import Until
from tests.printing.fakes import FakePrinter
from tests.printing.house import SLIP, House, open_house, results, retry_at_once
from tests.printing.made import P58

__all__ = ["open_house", "retry_at_once"]  # fixtures


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
