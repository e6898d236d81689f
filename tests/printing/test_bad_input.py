"""What nobody should send to a slip printer and somebody will: each has a named outcome and a sentence."""

from __future__ import annotations

import json
import logging

import msgspec
import pytest

from kiosk.printing import escpos, feie, png
from kiosk.printing import templates as t
from kiosk.printing.slip import Cell, Code128, Qr, Row, Text, bounded, parse_slip
from simulators.paper import Interpreter
from tests.printing.fakes import FakePrinter
from tests.printing.house import House, open_house
from tests.printing.made import P58, slip
from tests.printing.test_templates import CODE, SHOP, STORE, batch

__all__ = ["open_house"]  # a fixture
LONG = "长" * 10_000


def test_a_shop_with_a_name_of_ten_thousand_characters_gets_a_slip_of_usual_length() -> None:
    usual = t.coupon_slip(SHOP, STORE, batch(), CODE, "zh_CN")
    made = t.coupon_slip(SHOP, msgspec.structs.replace(STORE, name=LONG), batch(), CODE, "zh_CN")
    assert parse_slip(json.loads(msgspec.json.encode(made))) == made
    heights = [png.render(s, P58).report.height_dots or 0 for s in (usual, made)]
    assert heights[1] - heights[0] < 400, "5 cm more at most"
    assert feie.render(made, P58).report.lost == (), "a cloud takes it too"


def test_a_text_that_is_cut_says_so_with_its_place() -> None:
    made, told = bounded(
        slip(Text(text=LONG), Row(cells=(Cell(text="a", columns=8), Cell(text=LONG, columns=24))))
    )
    assert [note.split(" has ")[0] for note in told] == ["elements[0]", "elements[1].cells[1]"]
    assert "10000 characters, 2000 are printed" in told[0]
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
    told = " ".join(made.report.lost + made.report.degraded)
    assert "elements[0]" in told or "element" in told


def test_codes_that_do_not_fit_are_left_out_by_name_and_the_rest_is_printed() -> None:
    made = escpos.render(slip(Qr(data="a" * 500, level="H"), Code128(data="A" * 40), Text(text="rest")), P58)
    assert len(made.report.lost) == 2, made.report
    assert "QR" in made.report.lost[0]
    assert b"rest" in made.data
    assert b"\x1d(k" not in made.data
    assert b"\x1dk" not in made.data
