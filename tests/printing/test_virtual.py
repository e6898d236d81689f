"""virtual://DIR, and which printer an address makes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from kiosk.printing import png
from kiosk.printing.printers.device import DevicePrinter
from kiosk.printing.printers.factory import open_printer
from kiosk.printing.printers.network import NetworkPrinter
from kiosk.printing.printers.port import Outcome, PrinterError, Status
from kiosk.printing.printers.virtual import VirtualPrinter
from kiosk.printing.slip import Text
from tests.printing.made import P58, slip

JOB = png.render(slip(Text(text="老王便利店")), P58).data


def virtual(path: Path) -> VirtualPrinter:
    return VirtualPrinter("v", f"virtual://{path}", P58, path)


async def test_a_picture_a_slip_numbered_on(tmp_path: Path) -> None:
    where = tmp_path / "slips"
    printer = virtual(where)
    await printer.start()
    assert await printer.send(JOB, rid="R1", deadline_s=5) == Outcome(
        "printed", "", str(where / "000001-R1.png"), len(JOB)
    )
    await printer.send(JOB, rid="R2", deadline_s=5)
    again = virtual(where)
    await again.start()
    await again.send(JOB, rid="R3", deadline_s=5)
    assert sorted(p.name for p in where.iterdir()) == ["000001-R1.png", "000002-R2.png", "000003-R3.png"]
    with Image.open(io.BytesIO((where / "000001-R1.png").read_bytes())) as picture:
        assert picture.width == 384
    assert await printer.status() == Status("ok")


async def test_a_directory_that_cannot_be_written_fails_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    printer = virtual(tmp_path / "taken")
    await printer.start()
    ended = await printer.send(JOB, rid="R1", deadline_s=5)
    assert (ended.ended, ended.sent) == ("failed", 0)
    assert str(tmp_path / "taken") in ended.detail
    assert (await printer.status()).state == "error"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("tcp://192.168.1.50:9100", NetworkPrinter),
        ("tcp://printer.local", NetworkPrinter),
        ("socket://10.0.0.9:4001", NetworkPrinter),
        ("lp:///dev/usb/lp0", DevicePrinter),
        ("serial:///dev/ttyAMA0?baud=115200", DevicePrinter),
        ("virtual:///tmp/slips", VirtualPrinter),
    ],
)
def test_addresses(url: str, kind: type) -> None:
    printer = open_printer("counter", url, "generic-80")
    assert isinstance(printer, kind)
    assert (printer.name, printer.url, printer.profile.name) == ("counter", url, "generic-80")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("tcp://:9100", "names no host"),
        ("tcp://192.168.1..50:9100", "a dot too many"),
        ("tcp://[", "is no address"),
        ("tcp://h:99999", "port"),
        ("lp://dev/usb/lp0", "names no device"),
        ("serial:///dev/ttyS0?baud=fast", "baud=fast"),
        ("virtual://", "names no directory"),
        ("http://printer", "is no printer address"),
        ("usb://printer", "usb://0416:5011"),
    ],
)
def test_an_address_that_makes_no_sense_is_one_sentence(url: str, said: str) -> None:
    with pytest.raises(PrinterError) as told:
        open_printer("counter", url, "generic-58")
    assert said in str(told.value)
    assert str(told.value).startswith("printer counter: ")


def test_a_profile_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(PrinterError, match="generic-58, generic-80, graphic-safe"):
        open_printer("counter", "lp:///dev/usb/lp0", "epson")


def test_what_a_shop_says_of_its_printer_goes_before_the_profile() -> None:
    printer = open_printer(
        "counter", "lp:///dev/usb/lp0", "generic-58", override={"cut": False, "barrier": False}
    )
    assert (printer.profile.cut, printer.profile.barrier, printer.profile.columns) == (False, False, 32)
    with pytest.raises(PrinterError, match=r"printer counter: override\.cut"):
        open_printer("counter", "lp:///dev/usb/lp0", "generic-58", override={"cut": "no"})
