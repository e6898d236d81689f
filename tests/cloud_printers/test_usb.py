"""usb:// over pyusb and a simulated bus. There is no USB hardware in a test: the bus stands in at pyusb's lowest layer, IBackend."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import usb.backend.libusb0
import usb.backend.libusb1
import usb.backend.openusb

from kiosk.printing.printers.factory import open_printer
from kiosk.printing.printers.port import Outcome, PrinterError
from kiosk.printing.printers.usb import UsbPrinter
from kiosk.printing.printers.usb_device import Address
from kiosk.printing.profiles import profile
from simulators.usb_backend import Bus, UsbPrinterSim

JOB = b"\x1b@\x1c&" + "满20减3".encode("gbk") + b"\n" + b"X" * 40 + b"\n"


@asynccontextmanager
async def printer(
    *sims: UsbPrinterSim, serial: str = "", port: str = "", used: str = "generic-58"
) -> AsyncIterator[UsbPrinter]:
    address = Address(0x0416, 0x5011, serial, port)
    made = UsbPrinter("counter", "usb://0416:5011", profile(used), address, Bus(*sims))
    made.answer_s, made.silence_s = 0.3, 0.3
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def send(*sims: UsbPrinterSim, deadline_s: float = 10, **where: str) -> Outcome:
    async with printer(*sims, **where) as made:
        return await made.send(JOB, rid="R1", deadline_s=deadline_s)


def given_back(sim: UsbPrinterSim) -> bool:
    return sim.opened == 0 and not sim.claimed and sim.driver


async def test_prints_and_gives_the_interface_back_to_usblp() -> None:
    sim = UsbPrinterSim()
    outcome = await send(sim)
    assert (outcome.ended, outcome.sent) == ("printed", len(JOB)), outcome
    assert "满20减3" in sim.text()
    assert given_back(sim)


async def test_a_short_write_is_noticed_and_the_rest_follows() -> None:
    sim = UsbPrinterSim()
    sim.set_fault("short_write")
    outcome = await send(sim)
    assert (outcome.ended, outcome.sent) == ("printed", len(JOB)), outcome
    assert "X" * 40 in sim.text()


@pytest.mark.parametrize(
    ("fault", "trouble", "says"),
    [
        ("absent", "not_present", "check the cable"),
        ("open_denied", "permission", "udev"),
        ("claim_busy", "busy", "another program"),
        ("stall", "io", "stall"),
    ],
)
async def test_what_fails_before_the_first_byte_is_safe_to_repeat(
    fault: str, trouble: str, says: str
) -> None:
    sim = UsbPrinterSim()
    sim.set_fault(fault)
    outcome = await send(sim)
    assert (outcome.ended, outcome.trouble, outcome.sent) == ("failed", trouble, 0), outcome
    assert says in outcome.detail
    assert not sim.claimed
    assert sim.opened == 0


@pytest.mark.parametrize(
    ("fault", "trouble"), [("unplug_mid_job", "gone"), ("io_mid_job", "gone"), ("stuck", "blocked")]
)
async def test_what_breaks_in_the_middle_is_unknown_with_its_bytes_counted(fault: str, trouble: str) -> None:
    sim = UsbPrinterSim()
    sim.set_fault(fault, after=20)
    outcome = await send(sim, deadline_s=1.5)
    assert (outcome.ended, outcome.trouble, outcome.sent) == ("unknown", trouble, 20), outcome
    assert sim.opened == 0


async def test_bytes_that_leave_while_the_deadline_passes_count_as_left() -> None:
    sim = UsbPrinterSim()
    sim.set_fault("slow_write")
    outcome = await send(sim, deadline_s=0.2, used="graphic-safe")
    assert len(sim.taken) == len(JOB)
    assert (outcome.ended, outcome.sent) == ("unknown", len(JOB)), outcome


async def test_without_libusb_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (usb.backend.libusb1, usb.backend.libusb0, usb.backend.openusb):
        monkeypatch.setattr(module, "get_backend", lambda *_, **__: None)
    made = UsbPrinter("counter", "usb://0416:5011", profile("generic-58"), Address(0x0416, 0x5011))
    try:
        outcome = await made.send(JOB, rid="R1", deadline_s=5)
    finally:
        await made.stop()
    assert (outcome.ended, outcome.trouble) == ("failed", "configuration"), outcome
    assert "libusb-1.0-0" in outcome.detail


async def test_plugged_in_again_it_prints_again() -> None:
    sim = UsbPrinterSim()
    async with printer(sim) as made:
        sim.set_fault("absent")
        assert (await made.send(JOB, rid="R1", deadline_s=5)).ended == "failed"
        assert (await made.status()).state == "offline"
        sim.set_fault("none")
        assert (await made.send(JOB, rid="R2", deadline_s=10)).ended == "printed"
        assert (await made.status()).state == "ok"


async def test_a_stall_is_cleared_for_the_next_job() -> None:
    sim = UsbPrinterSim()
    sim.set_fault("stall")
    async with printer(sim) as made:
        assert (await made.send(JOB, rid="R1", deadline_s=5)).ended == "failed"
        assert (await made.send(JOB, rid="R2", deadline_s=10)).ended == "printed"


async def test_no_paper_is_seen_before_the_first_byte_even_without_real_time_status() -> None:
    sim = UsbPrinterSim(talks=False)
    sim.set_fault("paper_out")
    outcome = await send(sim)
    assert (outcome.ended, outcome.trouble, outcome.sent) == ("failed", "blocked", 0), outcome
    assert outcome.detail == "no paper"


async def test_without_a_way_back_everything_sent_is_still_unknown() -> None:
    outcome = await send(UsbPrinterSim(talks=False), deadline_s=1)
    assert outcome.ended == "unknown"
    assert outcome.sent == len(JOB)


async def test_without_a_port_status_nothing_is_claimed() -> None:
    sim = UsbPrinterSim(talks=False)
    sim.set_fault("no_port_status")
    async with printer(sim) as made:
        assert (await made.status()).state == "nobody_answered"


async def test_two_alike_are_told_apart_by_serial_number_or_port() -> None:
    one, two = UsbPrinterSim(serial="A001", port=(1, 4)), UsbPrinterSim(serial="B002", port=(2,))
    outcome = await send(one, two)
    assert (outcome.ended, outcome.trouble) == ("failed", "configuration")
    assert "1-1.4, 1-2" in outcome.detail
    assert (await send(one, two, serial="B002")).ended == "printed"
    assert one.taken == b""
    assert two.taken != b""
    assert (await send(one, two, port="1-1.4")).ended == "printed"
    assert one.taken != b""


async def test_a_serial_number_that_is_not_there_is_not_present() -> None:
    outcome = await send(UsbPrinterSim(serial="A001"), UsbPrinterSim(serial=""), serial="C003")
    assert (outcome.ended, outcome.trouble) == ("failed", "not_present")


def test_an_address_names_vendor_and_product() -> None:
    made = open_printer("counter", "usb://0416:a0b1?serial=A001", "generic-58")
    assert isinstance(made, UsbPrinter)
    for wrong in ("usb://", "usb://0416", "usb://printer:1", "usb://0416:50111"):
        with pytest.raises(PrinterError, match="lsusb"):
            open_printer("counter", wrong, "generic-58")


def test_the_printer_is_built_without_libusb() -> None:
    """Neither pyusb nor libusb is needed until a job comes."""
    code = (
        "import sys; from kiosk.printing.printers.factory import open_printer;"
        "open_printer('p', 'usb://0416:5011', 'generic-58'); sys.exit(any(m == 'usb' for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
