"""Whatever people are called: their text reaches the paper as text. The simulated firmware executes tags and raw bytes for real."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiosk.printing.profiles import profile
from kiosk.printing.render import render
from kiosk.printing.slip import Cell, Code128, Qr, Row, Slip, Text
from simulators import feie_markup, yilianyun_markup
from simulators.paper import Interpreter

EVIL = [
    "<CUT>", "<PLUGIN>", "<LOGO>", "<QR>https://evil.example</QR>", "</C><B>", "<BR>6901234567892</BR>", "<BR3>12</BR3>", "<MN>9</MN>",
    "<JSON>{}</JSON>", "@@2", "<LR>a,b</LR>", "<audio>x,9,0</audio>", "\x1bp\x00\x32\x32", "\x1dV\x00", "\x10\x14\x01\x00\x01", "\x1b@",
    "\r\n", "\x00", "\x7f", "\u2028", "＜CUT＞", "&lt;CUT&gt;", "<", ">", "@", ",", "😀", "¥", "𠮷",
]  # fmt: skip
texts = st.lists(st.sampled_from(EVIL) | st.text(max_size=12), max_size=6).map("".join)
EXECUTE = {"feie": feie_markup.execute, "yilianyun": yilianyun_markup.execute}


def printed(cloud: str, slip: Slip) -> list[dict[str, Any]]:
    """Return the slips that a device makes of a rendered one."""
    content = render(slip, cloud, profile("generic-58")).data.decode()
    if cloud == "yilianyun":
        assert yilianyun_markup.copies_of(content) == slip.copies
    paper = Interpreter()
    paper.feed(b"\x1b@\x1c&" + EXECUTE[cloud](content))
    paper.end()
    return [s.as_json() for s in paper.slips]


@pytest.mark.parametrize("cloud", ["feie", "yilianyun"])
@given(text=texts)
@example("".join(EVIL))
@example("<C" + "UT>" * 40)
def test_text_stays_text(cloud: str, text: str) -> None:
    cells = (Cell(text=text, columns=16), Cell(text=text, columns=16, align="right"))
    slips = printed(
        cloud,
        Slip(elements=(Text(text=text), Text(text="end", align="center"), Row(cells=cells), Text(text="券"))),
    )
    assert len(slips) == 1, "the paper was cut"
    (slip,) = slips
    assert slip["errors"] == []
    assert (slip["qr"], slip["barcodes"], slip["rasters"], slip["drawer"]) == ([], [], [], 0)
    assert all((line["width"], line["height"], line["bold"]) == (1, 1, False) for line in slip["lines"])
    assert slip["lines"][-1]["text"] == "券"


@pytest.mark.parametrize("cloud", ["feie", "yilianyun"])
@given(text=texts.filter(bool))
@example("{{")
@example("{A{B{C")
def test_the_data_of_a_code_stays_data(cloud: str, text: str) -> None:
    bars = "".join(c for c in text if 0x20 <= ord(c) <= 0x7E)[:14] or "A"
    slips = printed(cloud, Slip(elements=(Qr(data=text[:60]), Code128(data=bars), Text(text="券"))))
    assert len(slips) == 1
    (slip,) = slips
    assert slip["drawer"] == 0
    assert len(slip["qr"]) <= 1
    assert all(code["data"] == text[:60] for code in slip["qr"])
    assert all(code["data"] == bars for code in slip["barcodes"])
    assert [e for e in slip["errors"] if "wider than the paper" not in e] == []


@pytest.mark.parametrize("cloud", ["feie", "yilianyun"])
def test_the_simulated_firmware_does_bite(cloud: str) -> None:
    """Without the renderer's care the drawer would open, so the two tests above can turn red."""
    paper = Interpreter()
    paper.feed(b"\x1b@\x1c&" + EXECUTE[cloud]("name <QR>x</QR>\x1bp\x00\x32\x32"))
    paper.end()
    (slip,) = paper.slips
    assert slip.drawer == 1
    assert len(slip.qr) == 1


def test_more_centred_lines_than_yilianyun_understands_show_no_tags() -> None:
    slip = Slip(elements=tuple(Text(text=f"line {n}", align="center") for n in range(40)))
    (made,) = printed("yilianyun", slip)
    assert "<" not in made["text"]
    assert [line["text"].strip() for line in made["lines"] if line["text"].strip()] == [
        f"line {n}" for n in range(40)
    ]
