"""Layout -> ESC/POS: golden bytes with their sources, and nothing of a text that is a command."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import msgspec
import pytest
from escpos import constants
from hypothesis import given
from hypothesis import strategies as st

from kiosk.printing import escpos
from kiosk.printing import layout as lay
from kiosk.printing.pictures import Picture
from kiosk.printing.slip import Cell, Code128, Cut, Drawer, Feed, Logo, Qr, Row, Rule, Slip, Text
from simulators.paper import Interpreter, Printed
from tests.printing.made import P58, P80, SAFE, anything, printed, slip, slips

HEAD = b"\x1b@\x1c&"


def body(*elements: object) -> bytes:
    data = escpos.render(slip(*elements), P58).data  # type: ignore[arg-type]
    assert data.startswith(HEAD)
    return data.removeprefix(HEAD)


# Golden bytes. Sources: Epson's ESC/POS reference by command name; facts printing 2.2, 3.1, 4.1, 4.2.
GOLDEN = [
    (Text(text="中文"), b"\xd6\xd0\xce\xc4\n"),  # GBK, after FS &
    (Text(text="，。：￥"), b"\xa3\xac\xa1\xa3\xa3\xba\xa3\xa4\n"),  # python-escpos sends ????
    (Text(text="①②"), b"\xa2\xd9\xa2\xda\n"),
    (Text(text="——"), b"\xa1\xaa\xa1\xaa\n"),  # gb2312 refuses it, single-byte pages print a wrong hanzi
    (Text(text="¥10 中"), b"\xa3\xa410 \xd6\xd0\n"),  # never the 4-byte 81 30 84 36
    (Text(text="中😀"), b"\xd6\xd0\xa1\xfe\n"),  # a mark, never 94 39 FC 36
    (Text(text="a", align="center"), b"\x1ba\x01a\n\x1ba\x00"),  # ESC a
    (Text(text="a", align="right"), b"\x1ba\x02a\n\x1ba\x00"),
    (Text(text="a", width=2, height=2), b"\x1d!\x11a\n\x1d!\x00"),  # GS !
    (Text(text="a", width=2), b"\x1d!\x10a\n\x1d!\x00"),
    (Text(text="a", height=2), b"\x1d!\x01a\n\x1d!\x00"),
    (Text(text="a", bold=True), b"\x1bE\x01a\n\x1bE\x00"),  # ESC E
    (Text(text="a", underline=True), b"\x1b-\x01\x1c-\x01a\n\x1b-\x00\x1c-\x00"),  # ESC - and FS -
    (Rule(), b"-" * 32 + b"\n"),
    (Row(cells=(Cell(text="满", columns=4), Cell(text="￥3", columns=6, align="right"))), b"\xc2\xfa     \xa3\xa43\n"),
    (Feed(lines=3), b"\x1bd\x03"),  # ESC d
    (Cut(), b"\x1bd\x03\x1dV\x01"),  # GS V after a feed to the knife
    (Cut(kind="full"), b"\x1bd\x03\x1dV\x00"),
    (Drawer(pin=2), b"\x1bp\x00\x19\xfa"),  # ESC p m t1 t2: 25 x 2 ms on, 250 x 2 ms off
    (Drawer(pin=5), b"\x1bp\x01\x19\xfa"),
    (
        Code128(data="1234567890", height=80),  # GS h, GS w, GS H 0, GS k 73 with subset C; its text is a line of ours
        b"\x1bJ\x18\x1ba\x01\x1dhP\x1dw\x03\x1dH\x00\x1dkI\x07{C\x0c\x22\x38\x4e\x5a\x1ba\x00\x1bJ\x08\x1ba\x011234 5678 90\n\x1ba\x00",
    ),
    (
        Qr(data="HELLO", level="Q", module=6),  # GS ( k 65, 67, 69, 80, 81 between ESC J 24
        b"\x1bJ\x18\x1ba\x01\x1d(k\x04\x001A2\x00\x1d(k\x03\x001C\x06\x1d(k\x03\x001E2\x1d(k\x08\x001P0HELLO\x1d(k\x03\x001Q0\x1ba\x00\x1bJ\x18",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("element", "wanted"), GOLDEN, ids=lambda v: type(v).__name__)
def test_golden_bytes(element: object, wanted: bytes) -> None:
    assert body(element) == wanted


def test_our_commands_are_those_of_python_escpos() -> None:
    style = constants.TXT_STYLE
    assert [escpos.ALIGN[a] for a in ("left", "center", "right")] == [
        style["align"][a] for a in ("left", "center", "right")
    ]
    assert {True: style["bold"][True], False: style["bold"][False]} == escpos.BOLD
    assert escpos.UNDERLINE[True].startswith(style["underline"][1])
    assert escpos.UNDERLINE[False].startswith(style["underline"][0])
    assert body(Drawer(pin=2)).startswith(constants.CD_KICK_2[:3])
    assert body(Drawer(pin=5)).startswith(constants.CD_KICK_5[:3])
    assert constants.BARCODE_HEIGHT in body(Code128(data="12"))
    assert constants.BARCODE_WIDTH in body(Code128(data="12"))
    assert constants.BARCODE_TXT_OFF in body(Code128(data="12"))
    assert constants.BARCODE_TYPE_B["CODE128"] in body(Code128(data="12"))
    assert {k: int(escpos.LEVELS[k]) for k in "LH"} == {
        "L": constants.QR_ECLEVEL_L,
        "H": constants.QR_ECLEVEL_H,
    }
    assert escpos.raster([b"\x00"], 24).startswith(constants.S_RASTER_N)


def test_the_barcode_of_the_worst_library_trap() -> None:
    """17 digits: subset B at 2 dots is 444 dots wide and prints nothing; ours are 312 (facts: printing 4.2)."""
    made = printed(escpos.render(slip(Code128(data="12345678901234567")), P58).data)
    assert made.errors == []
    assert made.barcodes == [{"data": "12345678901234567", "height": 80, "module": 2}]


def test_a_brace_in_a_barcode_is_doubled() -> None:
    made = printed(escpos.render(slip(Code128(data="{A{1")), P58).data)
    assert made.barcodes[0]["data"] == "{A{1"
    assert made.errors == []


@given(slips, st.sampled_from([P58, P80, SAFE]))
def test_a_printer_understands_every_byte(made: Slip, profile: object) -> None:
    """No control byte of a text reaches the printer, no command is wrong, no line is too wide, whatever the texts hold."""
    assert isinstance(profile, type(P58))
    rendered = escpos.render(made, profile)
    paper = Interpreter(profile.width_dots)
    paper.feed(rendered.data)
    paper.end()
    assert [e for s in paper.slips for e in s.errors] == []


@given(slips)
def test_drawer_and_knife_move_only_for_elements(made: Slip) -> None:
    paper = Interpreter()
    paper.feed(escpos.render(made, P58).data)
    cuts = sum(isinstance(e, Cut) for e in made.elements)
    assert sum(bool(s.cut) for s in paper.slips) == cuts
    drawers = sum(isinstance(e, Drawer) for e in made.elements)
    assert sum(s.drawer for s in [*paper.slips, paper._slip]) == drawers


@given(anything)
def test_the_paper_shows_the_text(text: str) -> None:
    made = slip(Text(text=text), Cut())
    laid = [b.text.rstrip() for b in lay.lay_out(made, 384).blocks if isinstance(b, lay.Line)]
    paper = printed(escpos.render(made, P58).data)
    assert [line["text"].rstrip() for line in paper.lines[: len(laid)]] == laid


@given(slips, st.data())
def test_bytes_may_come_in_any_pieces(made: Slip, data: st.DataObject) -> None:
    raw = escpos.render(made, P58).data
    whole, parts = Interpreter(), Interpreter()
    whole.feed(raw)
    cut = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=5)))
    for a, b in zip([0, *cut], [*cut, len(raw)], strict=True):
        parts.feed(raw[a:b])
    for paper in (whole, parts):
        paper.end()
    assert [replace(s, size=0) for s in parts.slips] == [replace(s, size=0) for s in whole.slips]


def test_every_single_split_of_a_whole_slip() -> None:
    everything = slip(
        Text(text="老王便利店", align="center", width=2, height=2, bold=True), Rule(), Qr(data="HELLO"), Code128(data="A{1"), Feed(), Drawer(), Cut(),
    )  # fmt: skip
    raw = escpos.render(everything, P58).data
    wanted = _slips([raw])
    for n in range(1, len(raw)):
        assert _slips([raw[:n], raw[n:]]) == wanted, n


def _slips(parts: list[bytes]) -> list[Printed]:
    paper = Interpreter()
    for part in parts:
        paper.feed(part)
    paper.end()
    return [replace(s, size=0) for s in paper.slips]


def test_the_last_state_is_plain_and_the_first_bytes_reset() -> None:
    loud = Text(text="a", align="right", width=2, height=2, bold=True, underline=True)
    raw = escpos.render(slip(loud), P58).data
    paper = Interpreter()
    paper.feed(raw + b"next\n")
    paper.end()
    plain = {"align": "left", "width": 1, "height": 1, "bold": False, "underline": False}
    assert paper.slips[0].lines[-1] == {"text": "next", **plain}
    assert raw.startswith(HEAD), "ESC @ turns two-byte mode off: FS & follows it"


def test_copies_are_whole_slips() -> None:
    once = escpos.render(slip(Text(text="a"), Cut()), P58).data
    assert escpos.render(slip(Text(text="a"), Cut(), copies=3), P58).data == once * 3


def test_rasters_come_in_strips_of_at_most_256_rows() -> None:
    picture = Picture(100, (b"\xff" * 12 + b"\xf0",) * 700)
    made = printed(escpos.render(slip(Logo(name="store")), P58, {"store": picture}).data)
    assert [h for _, h, _ in made.rasters] == [240, 240, 220]
    assert {w for w, _, _ in made.rasters} == {48}
    row = made.rasters[0][2][:48]
    assert int.from_bytes(row, "big") == ((1 << 100) - 1) << (384 - 142 - 100), (
        "centred: 142 white dots on each side"
    )


def test_a_missing_logo_is_said_and_the_rest_is_printed() -> None:
    made = escpos.render(slip(Logo(name="store"), Text(text="好")), P58)
    assert made.report.lost == ("logo 'store': no picture of that name is stored; it is left out.",)
    assert printed(made.data).text == "好"


def test_a_printer_without_a_knife_feeds_to_the_tear_bar() -> None:
    blunt = msgspec.structs.replace(P58, cut=False, feed_before_cut=5)
    made = escpos.render(slip(Text(text="a"), Cut()), blunt)
    assert made.data.endswith(b"a\n\x1bd\x05")
    assert made.report.degraded == (escpos.NO_CUT,)


def test_the_pulse_of_the_drawer_is_a_setting() -> None:
    slow = msgspec.structs.replace(P58, drawer_on_ms=120, drawer_off_ms=240)
    made = Interpreter()
    made.feed(escpos.render(slip(Drawer(pin=5), Text(text="a")), slow).data)
    made.end()
    assert made.slips[0].pulses == [(1, 120, 240)]


def test_clones_that_size_chinese_by_fs() -> None:
    clone = msgspec.structs.replace(P58, hanzi_size="gs+fs")
    assert (
        escpos.render(slip(Text(text="大", width=2, height=2)), clone).data
        == HEAD + b"\x1d!\x11\x1c!\x0c\xb4\xf3\n\x1d!\x00\x1c!\x00"
    )


LITTER = """
import logging, os, sys, tempfile
before = set(os.listdir(tempfile.gettempdir()))
from kiosk.printing.render import render
loaded = [m for m in sys.modules if m.split(".")[0] in ("escpos", "PIL", "zxingcpp", "usb", "qrcode")]
assert loaded == [], f"loaded before a slip is rendered: {loaded}"
from kiosk.printing.profiles import PROFILES
from kiosk.printing.slip import parse_slip
made = render(parse_slip('{"elements": [{"type": "text", "text": "a"}, {"type": "cut"}]}'), "escpos", PROFILES["generic-58"])
assert made.data.endswith(bytes([0x1D, 0x56, 1]))
assert "escpos.printer" not in sys.modules and "escpos.capabilities" not in sys.modules
assert logging.getLogger().handlers == [], "the root logger was touched"
assert set(os.listdir(tempfile.gettempdir())) == before, "something was left in the temporary directory"
"""


def test_python_escpos_leaves_no_trace(tmp_path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LITTER], env={"TMPDIR": str(tmp_path), "PATH": ""}, capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
