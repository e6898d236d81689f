"""lp:// on a real usblp: bytes, answers, the port's status, a printer that stops reading, a cable that is pulled."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.printing import escpos
from kiosk.printing.printers.device import DevicePrinter
from kiosk.printing.printers.port import Outcome
from kiosk.printing.slip import Cut, Qr, Text
from tests.hardware.in_kernel.gadget import Gadget
from tests.printing.in_kernel.far_end import FINE, PAPER_OUT, FarEnd
from tests.printing.made import P58, slip

pytestmark = pytest.mark.heavy
JOB = escpos.render(slip(Text(text="老王便利店"), Qr(data="https://q.example.cn/c/S0001"), Cut()), P58).data
BIG = b"\x1b@\x1c&" + b"0123456789abcde\n" * 32768


def near_end() -> DevicePrinter:
    made = DevicePrinter("counter", "lp:///dev/usb/lp0", P58, "/dev/usb/lp0", None)
    made.answer_s = made.silence_s = 10  # a machine inside a machine is slow
    return made


async def until(so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not so():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_a_slip_is_printed_and_confirmed(printer: FarEnd) -> None:
    ours = near_end()
    for _ in range(3):
        assert await ours.send(JOB, rid="r", deadline_s=60) == Outcome("printed", "", "", len(JOB))
    assert [s.text.split("\n")[0] for s in printer.paper.slips] == ["老王便利店"] * 3
    assert [e for s in printer.paper.slips for e in s.errors] == []
    assert (await ours.status()).state == "ok"


async def test_the_port_knows_of_the_paper_though_the_printer_is_mute(gadget: Gadget) -> None:
    mute = FarEnd(answers=False)
    try:
        ours = near_end()
        ours.answer_s = 0.3
        assert (await ours.status()).state == "ok"
        mute.status(FINE | PAPER_OUT)
        assert (await ours.status()).state == "out"
        assert await ours.send(JOB, rid="r", deadline_s=60) == Outcome("failed", "blocked", "no paper", 0)
        assert mute.paper.slips == []
        mute.status(FINE)
        assert (await ours.send(JOB, rid="r", deadline_s=60)).ended == "printed"
    finally:
        mute.close()


async def test_a_printer_that_stops_reading_is_left_at_the_deadline(gadget: Gadget) -> None:
    """A blocking write to /dev/usb/lp0 never returns; ours counts what left."""
    stuck = FarEnd(answers=False, most=100)
    try:
        ours = near_end()
        ours.answer_s = 0.3
        ended = await ours.send(BIG, rid="r", deadline_s=3)
        assert (ended.ended, ended.trouble) == ("unknown", "blocked")
        assert 0 < ended.sent < len(BIG)
    finally:
        stuck.close()


async def test_a_cable_pulled_mid_slip_and_put_back(gadget: Gadget) -> None:
    far = FarEnd(answers=False, most=100)
    ours = near_end()
    ours.answer_s = 0.3
    task = asyncio.create_task(ours.send(BIG, rid="r", deadline_s=60))
    await until(lambda: ours.sent > 0)
    far.close()
    gadget.unplug()
    ended = await task
    assert (ended.ended, ended.trouble) == ("unknown", "gone")
    ended = await ours.send(JOB, rid="r", deadline_s=10)
    assert (ended.ended, ended.trouble, ended.sent) == ("failed", "not_present", 0)
    await until(lambda: not Path("/dev/usb/lp0").exists())
    gadget.plug()
    await until(lambda: Path("/dev/usb/lp0").exists())
    far = FarEnd()
    try:
        ours.answer_s = 10
        assert await ours.send(JOB, rid="r", deadline_s=60) == Outcome("printed", "", "", len(JOB))
    finally:
        far.close()


async def test_a_printer_pulled_while_another_program_holds_it_returns_under_its_name(gadget: Gadget) -> None:
    """The number is free as soon as the cable is out, whoever still holds the old device."""
    far = FarEnd()
    ours = near_end()
    assert (await ours.send(JOB, rid="r", deadline_s=60)).ended == "printed"
    far.close()
    held = os.open("/dev/usb/lp0", os.O_RDWR | os.O_NONBLOCK)
    try:
        gadget.unplug()
        await until(lambda: not Path("/dev/usb/lp0").exists())
        gadget.plug()
        await until(lambda: Path("/dev/usb/lp0").exists())
        far = FarEnd()
        try:
            assert (await ours.send(JOB, rid="r", deadline_s=60)).ended == "printed"
            assert len(far.paper.slips) == 1
        finally:
            far.close()
    finally:
        os.close(held)


async def test_another_owner_is_told(printer: FarEnd) -> None:
    """usblp opens once: CUPS or a second kiosk has it."""
    held = os.open("/dev/usb/lp0", os.O_RDWR | os.O_NONBLOCK)
    try:
        ended = await near_end().send(JOB, rid="r", deadline_s=10)
        assert (ended.ended, ended.trouble) == ("failed", "busy")
    finally:
        os.close(held)
