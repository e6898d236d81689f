"""What nobody should send to a slip printer and somebody will: each has a named outcome and a sentence."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from kiosk.printing import escpos, feie, png, queue
from kiosk.printing import templates as t
from kiosk.printing.printers.feie import FeiePrinter
from kiosk.printing.printers.network import NetworkPrinter
from kiosk.printing.printers.port import Trouble
from kiosk.printing.slip import Cell, Code128, Element, Qr, Row, Text, bounded, parse_slip
from kiosk.web.staff import told
from simulators.escpos import EscposPrinterSim
from simulators.paper import Interpreter
from tests.cloud_printers.rig import rig
from tests.printing.fakes import FakePrinter
from tests.printing.house import House, open_house, retry_at_once
from tests.printing.made import P58, slip
from tests.printing.test_templates import CODE, SHOP, STORE, batch
from ui.texts import texts

__all__ = ["open_house", "retry_at_once"]  # fixtures
LONG = "长" * 10_000


def test_a_shop_with_a_name_of_ten_thousand_characters_gets_a_slip_of_usual_length() -> None:
    usual = t.coupon_slip(SHOP, STORE, batch(), CODE, "zh_CN")
    made = t.coupon_slip(SHOP, msgspec.structs.replace(STORE, name=LONG), batch(), CODE, "zh_CN")
    assert parse_slip(json.loads(msgspec.json.encode(made))) == made
    heights = [png.render(s, P58).report.height_dots or 0 for s in (usual, made)]
    assert heights[1] - heights[0] < 400, "5 cm more at most"
    assert feie.render(made, P58).report.lost == (), "a cloud takes it too"


def test_a_text_that_is_cut_says_so_with_its_place() -> None:
    made, notes = bounded(
        slip(Text(text=LONG), Row(cells=(Cell(text="a", columns=8), Cell(text=LONG, columns=24))))
    )
    assert [note.split(" has ")[0] for note in notes] == ["elements[0]", "elements[1].cells[1]"]
    assert "10000 characters, 2000 are printed" in notes[0]
    assert parse_slip(json.loads(msgspec.json.encode(made))) == made
    first = made.elements[0]
    assert isinstance(first, Text)
    assert (len(first.text), first.text[-1]) == (2000, "…")
    assert bounded(made) == (made, ())


async def test_such_a_slip_is_printed_said_and_printed_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    printer = FakePrinter("usb")
    spooler = await house.open(printer)
    with caplog.at_level(logging.WARNING):
        row = await spooler.print(slip(Text(text=LONG)), rid="R1", kind="status")
    assert row.state == "printed"
    assert "10000 characters" in caplog.text
    again = await spooler.reprint(row.id)
    assert again is not None
    assert again.state == "printed"


async def test_a_slip_of_another_version_in_the_journal_stops_no_start(house: House) -> None:
    raw = json.dumps({"version": 9, "kind": "day", "elements": []}).encode()
    await house.journal.job_add("J1", "R1", "day", raw, {})
    spooler = await house.open(FakePrinter("usb"))
    row = await house.journal.job("J1")
    assert row is not None
    assert (row.state, row.detail["reason"]) == ("failed", "configuration")
    assert "version" in row.detail["detail"]
    assert (await spooler.print(slip(Text(text="a")), rid="R2", kind="day")).state == "printed"


@pytest.mark.parametrize("text", ["😀", "𠮷", "👨‍👩‍👧", "\U0010ffff"])
def test_emoji_and_rare_characters_are_a_mark_and_are_reported(text: str) -> None:
    made = escpos.render(slip(Text(text=f"好{text}吃")), P58)
    paper = Interpreter()
    paper.feed(made.data)
    paper.end()
    (shown,) = [p.as_json()["text"] for p in paper.slips]
    assert "〓" in shown
    assert "好" in shown
    assert "吃" in shown
    assert "elements[0]" in " ".join(made.report.lost)


def test_codes_that_do_not_fit_are_left_out_by_name_and_the_rest_is_printed() -> None:
    made = escpos.render(slip(Qr(data="a" * 500, level="H"), Code128(data="A" * 40), Text(text="rest")), P58)
    assert len(made.report.lost) == 2, made.report
    assert "QR" in made.report.lost[0]
    assert b"rest" in made.data
    assert b"\x1d(k" not in made.data
    assert b"\x1dk" not in made.data


# -- how each ends, and what the staff console says of it --


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again for a moment alone."""
    monkeypatch.setattr(queue, "OTHERS", queue.Rule(300, 0.1, 2, survives=False))


NO_PAPER = "Not printed: no paper, or the cover is open."
MARKED = "Printed: the printer does not have some of its characters; 〓 stands for them."
LEFT_OUT = "Printed: a code or a picture did not fit and was left out; do not give this slip out."
GONE = "Look whether it was printed: the connection broke while it printed."
NOBODY = "Not printed: no printer answers; look at its power and cable."


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("fault", "made", "state", "reason", "said"),
    [
        ("paper_out", Text(text="a"), "failed", "blocked", NO_PAPER),
        ("cover_open", Text(text="a"), "failed", "blocked", NO_PAPER),
        ("reset_mid_job", Text(text="一" * 300), "unknown", "gone", GONE),
        ("none", Text(text="王😀"), "printed", "", MARKED),
        ("none", Text(text="𠮷"), "printed", "", MARKED),
        ("none", Qr(data="a" * 500, level="H"), "printed", "", LEFT_OUT),
        ("none", Code128(data="A" * 40), "printed", "", LEFT_OUT),
        ("none", Text(text=LONG), "printed", "", "Printed"),
    ],
)
async def test_staff_read_how_it_ended_and_why(
    house: House, sim: EscposPrinterSim, fault: str, made: Element, state: str, reason: str, said: str
) -> None:
    sim.set_fault(fault)
    spooler = await house.open(NetworkPrinter("p", "tcp://", P58, "127.0.0.1", sim.port))
    row = await spooler.print(slip(made), rid="R1", kind="self-test")
    assert (row.state, row.detail["reason"]) == (state, reason), row.detail
    assert told.job_state(row, texts("kiosk", "kiosk", "en")) == said
    chinese = told.job_state(row, texts("kiosk", "kiosk", "zh_CN"))
    assert chinese.isascii() is False
    assert said.partition(":")[0] not in chinese


@pytest.mark.usefixtures("impatient")
async def test_a_printer_that_was_swapped_for_something_else(house: House, unused_tcp_port: int) -> None:
    spooler = await house.open(NetworkPrinter("p", "tcp://", P58, "127.0.0.1", unused_tcp_port))
    row = await spooler.print(slip(Text(text="a")), rid="R1", kind="self-test")
    assert (row.state, row.detail["reason"]) == ("failed", "not_present")
    assert told.job_state(row, texts("kiosk", "kiosk", "en")) == NOBODY


async def test_content_over_the_limit_of_a_cloud(house: House, tmp_path: Path) -> None:
    async with rig("feie", tmp_path) as cloud:
        printer = cloud.printer()
        assert isinstance(printer, FeiePrinter)
        spooler = await house.open(printer)
        row = await spooler.print(slip(Text(text="长" * 2000)), rid="R1", kind="self-test")
        assert cloud.prints == 0
    assert (row.state, row.detail["reason"]) == ("failed", "configuration")
    assert "bytes, Feie takes 5000; shorten it" in row.detail["detail"]
    assert "as it is set up" in told.job_state(row, texts("kiosk", "kiosk", "en"))


def test_every_trouble_has_a_sentence() -> None:
    assert set(told.WHY) == set(get_args(Trouble)) - {""}


async def test_what_waited_too_long_and_what_a_stop_left_open_are_told_apart(house: House) -> None:
    t = texts("kiosk", "kiosk", "en")
    for n, state in enumerate(("queued", "sending")):
        await house.journal.job_add(f"J{n}", f"R{n}", "coupon", msgspec.json.encode(slip(Text(text="a"))), {})
        if state != "queued":
            await house.journal.job_mark(f"J{n}", state, {"printer": "usb"}, item=False)
    await house.open(FakePrinter("usb"))
    said = {row.id: told.job_state(row, t) for row in await house.journal.jobs()}
    assert said["J0"] == "Not printed: it had waited too long, or the kiosk stopped before it was sent."
    assert said["J1"] == "Look whether it was printed: the kiosk stopped while it was being printed."
