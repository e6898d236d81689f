"""The bytes of each family of displays, as their sources have them, and what each makes of texts and codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.hardware.displays.language import Base, Reply, Step
from kiosk.hardware.factory import languages
from kiosk.hardware.ports import HardwareError
from kiosk.printing.qr import side
from simulators.panels_dialects import DIALECTS

LINK = "https://q.example.cn/c/S0001"
LINES = ("老王便利店", "扫码领券")


def speak(family: str, **options: str) -> Base:
    made: Base = languages()[family]("display x", options)
    return made


def sent(steps: list[Step]) -> bytes:
    return b"".join(s.data for s in steps)


def test_every_family_has_a_simulator_and_names_its_source() -> None:
    assert set(languages()) == set(DIALECTS)
    for family in languages():
        assert len(speak(family).source) > 10
    experimental = {f for f in languages() if speak(f).experimental}
    assert experimental == {"mertech", "tjc", "dwin"}


def test_qrview_sends_what_the_makers_sheet_shows() -> None:
    # "JUMP(1);QBAR(0,oxu.vn);" and "BL(20);" are the examples of the sheet; SET_TXT(0..2) follow in all four drivers.
    box = speak("qrview")
    told = sent(box.show("oxu.vn", ("AGRIBANK", "STK: 0123")))
    assert told == b"JUMP(1);QBAR(0,oxu.vn);SET_TXT(0,AGRIBANK);SET_TXT(1,STK: 0123);SET_TXT(2,);\r\n"
    assert sent(box.hello(8)) == b"BL(20);\r\n"
    assert sent(box.hello(100)) == b"BL(255);\r\n"
    assert sent(box.bye()) == b"JUMP(0);\r\n"


def test_qrview_leaves_out_what_its_character_set_may_not_have() -> None:
    assert b"SET_TXT(0,CU);" in sent(speak("qrview").show("x", ("老王CU",)))
    assert "SET_TXT(0,老王CU);".encode("gb18030") in sent(
        speak("qrview", text="gb18030").show("x", ("老王CU",))
    )


def test_qrview_lets_no_text_end_a_command() -> None:
    assert b"SET_TXT(0,a  JUMP 2  b);" in sent(speak("qrview").show("x", ("a);JUMP(2);b",)))


@pytest.mark.parametrize("code", ["a;b", "a(b", "a)b", "a,b"])
def test_qrview_refuses_a_code_that_would_end_a_command(code: str) -> None:
    assert "takes for commands" in speak("qrview").refuses(code)


def test_mertech_frames_are_those_of_the_driver() -> None:
    # sergw3x/mertech_qr, main.go: _Head 02 F2 02, 00, length, text, _Tail 02 F2 03; _Clear 02 F0 03 43 4C 53 03.
    panel = speak("mertech")
    assert sent(panel.show("abc", LINES)) == bytes.fromhex("02f202 0003 616263 02f203")
    assert sent(panel.bye()) == bytes.fromhex("02f003434c5303")
    assert sent(panel.show("", LINES)) == sent(panel.bye())
    assert panel.refuses("x" * 255) == ""
    assert "256 bytes" in panel.refuses("x" * 256)


def test_tjc_statements_are_those_of_the_instruction_set() -> None:
    panel = speak("tjc")
    told = sent(panel.show('a"b\\c', ("满20减3", "b")))
    assert told.split(b"\xff\xff\xff") == [
        b'qr0.txt="a\\"b\\\\c"',
        't0.txt="满20减3"'.encode("gb2312"),
        b't1.txt="b"',
        b't2.txt=""',
        b"",
    ]
    hello = sent(speak("tjc", page="main").hello(60))
    assert hello == b"\xff\xff\xffbkcmd=3\xff\xff\xffdim=60\xff\xff\xffpage main\xff\xff\xff"


def test_tjc_names_come_from_the_project() -> None:
    told = sent(speak("tjc", code="page1.code", line="page1.line", max="60").show("x", ("y",)))
    assert told.startswith(b'page1.code.txt="x"\xff\xff\xffpage1.line0.txt="y"')
    assert "60 at most" in speak("tjc", max="60").refuses("x" * 61)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x9FFF), max_size=30))
def test_no_text_breaks_out_of_a_tjc_statement(text: str) -> None:
    told = sent(speak("tjc").show("x", (text,)))
    assert told.count(b"\xff\xff\xff") == 4
    panel = DIALECTS["tjc"]()
    panel.feed(told)
    assert panel.complaints == []


@pytest.mark.parametrize(
    ("heard", "reply"),
    [
        (b"", Reply("nothing yet")),
        (b"\x01\xff\xff", Reply("nothing yet")),
        (b"\x01\xff\xff\xff", Reply("yes")),
        (b"\x65\x00\x01\x01\xff\xff\xff\x01\xff\xff\xff", Reply("yes")),
        (b"\x00\x00\x00\xff\xff\xff\x88\xff\xff\xff", Reply("nothing yet")),
        (b"\x1a\xff\xff\xff", Reply("no", "its project has no variable of this name")),
        (b"\x24\xff\xff\xff", Reply("no", "its buffer is full; a part was lost")),
    ],
)
def test_tjc_answers_are_read(heard: bytes, reply: Reply) -> None:
    assert speak("tjc").read(heard) == reply


def test_dwin_frames_are_those_of_the_guide() -> None:
    # 5A A5 07 82 00 84 5A 01 00 <page> switches the page (ten public drivers); text ends with FF FF.
    panel = speak("dwin", page="2")
    assert sent(panel.hello(80)) == bytes.fromhex("5aa507820084 5a010002")
    first = panel.show("abc", ("满", ""))[0].data
    assert first == bytes.fromhex("5aa5 09 82 1000 616263 ffff ff")
    assert panel.show("abcd", ())[0].data == bytes.fromhex("5aa5 09 82 1000 61626364 ffff")
    assert speak("dwin").hello(80) == []
    assert panel.read(bytes.fromhex("5aa503824f4b")) == Reply("yes")
    assert panel.read(bytes.fromhex("5aa503824f")) == Reply("nothing yet")


def test_a_long_code_for_dwin_goes_in_frames_of_an_even_length() -> None:
    steps = speak("dwin").show("x" * 458, ())
    assert [s.data[2] for s in steps] == [243, 223, 5, 5, 5]
    assert int.from_bytes(steps[1].data[4:6], "big") == 0x1000 + 120
    panel = DIALECTS["dwin"]()
    panel.feed(sent(steps))
    assert (panel.code, panel.complaints) == ("x" * 458, [])


def test_cd5220_sends_what_the_manual_has() -> None:
    # ESC @ initialises, ESC * n dims, ESC _ 0 hides the cursor, CLR leaves the string mode, ESC Q A/B <20> CR writes rows.
    pole = speak("cd5220")
    assert sent(pole.hello(100)) == b"\x1b@\x1b*\x04\x1b_\x00"
    assert sent(pole.hello(1)) == b"\x1b@\x1b*\x01\x1b_\x00"
    assert sent(pole.show("ignored", ("Total", "20.00"))) == (
        b"\x0c" + b"\x1bQATotal               \r" + b"\x1bQB20.00               \r"
    )
    assert pole.hello(80)[0].pause_s == 0.2
    assert sent(pole.bye()) == b"\x0c"


def test_an_epson_pole_gets_what_the_manual_has() -> None:
    pole = speak("escpos-pole")
    assert sent(pole.hello(50)) == b"\x1b@\x1fX\x02\x1fC\x00\x1f\x01"
    assert sent(pole.show("", ("Total",))) == b"\x1f$\x01\x01Total" + b" " * 15 + b"\x1f$\x01\x02" + b" " * 20


def test_a_pole_may_have_to_be_told_its_language() -> None:
    assert sent(speak("escpos-pole", select="oxhoo").hello(80)).startswith(bytes.fromhex("0205433103"))


@pytest.mark.parametrize("family", ["cd5220", "escpos-pole"])
def test_a_pole_shows_no_code_and_says_so(family: str) -> None:
    assert (speak(family).qr.max_bytes, speak(family).refuses("x" * 5000)) == (0, "")


@given(st.text(max_size=40), st.integers(0, 40), st.sampled_from(Base.texts))
def test_a_line_never_has_more_bytes_than_columns(text: str, width: int, charset: str) -> None:
    raw = speak("cd5220", text=charset).encode(text, width)
    assert len(raw) <= width
    raw.decode(charset)


def test_chinese_characters_are_never_cut_in_half() -> None:
    pole = speak("cd5220")
    assert pole.encode("满20减3元", 6).decode("gb18030") == "满20减"
    assert pole.encode("满20减3元", 5).decode("gb18030") == "满20"
    raw = sent(pole.show("", ("一二三四五六七八九十壹贰",)))
    assert "一二三四五六七八九十\r".encode("gb18030") in raw


def test_what_a_character_set_has_not_is_a_question_mark() -> None:
    assert speak("cd5220").encode("¡é🎫a\tb") == "?é?ab".encode("gb18030")
    assert speak("cd5220", text="cp858").encode("3 € 满") == b"3 \xd5 ?"


@given(st.sampled_from(sorted(languages())), st.lists(st.text(max_size=60), max_size=4), st.integers(1, 100))
def test_every_panel_understands_whatever_is_shown(family: str, lines: list[str], brightness: int) -> None:
    language, panel = speak(family), DIALECTS[family]()
    raw = sent([*language.hello(brightness), *language.show(LINK, tuple(lines)), *language.bye()])
    for byte in raw:
        panel.feed(bytes([byte]))
    assert panel.complaints == []
    assert panel.code == ""


@pytest.mark.parametrize("family", sorted(languages()))
def test_what_is_shown_is_what_a_customer_sees(family: str) -> None:
    language, panel = speak(family), DIALECTS[family]()
    panel.feed(sent([*language.hello(80), *language.show(LINK, LINES)]))
    assert panel.complaints == []
    assert panel.code == ("" if family in ("cd5220", "escpos-pole") else LINK)
    if family not in ("mertech", "qrview"):
        assert panel.lines[:2] == list(LINES)


@pytest.mark.parametrize("family", ["qrview", "mertech", "tjc", "dwin"])
def test_a_code_is_refused_rather_than_cut(family: str) -> None:
    language = speak(family)
    assert language.refuses("x" * language.qr.max_bytes) == ""
    assert f"{language.qr.max_bytes} at most" in language.refuses("x" * (language.qr.max_bytes + 1))
    assert "cannot draw" in language.refuses("https://例子/")
    assert "cannot draw" in language.refuses("a\nb")


@pytest.mark.parametrize(
    ("family", "options", "told"),
    [
        (
            "cd5220",
            {"text": "latin9"},
            "text=latin9 means nothing; there are gb18030, gb2312, cp437, cp858, ascii.",
        ),
        ("cd5220", {"select": "x"}, "select=x means nothing; there is oxhoo."),
        ("tjc", {"max": "many"}, "max=many is no whole number from 1 to 1000."),
        ("tjc", {"code": 'a"b'}, 'code=a"b is no name of a component or page, such as qr0.'),
        ("dwin", {"code": "0x10000"}, "code=0x10000 is no whole number from 0 to 65279."),
    ],
)
def test_a_bad_option_is_named(family: str, options: dict[str, str], told: str) -> None:
    with pytest.raises(HardwareError) as err:
        languages()[family]("display x", options)
    assert str(err.value) == f"display x: {told}"


@pytest.mark.parametrize(("family", "modules"), [("dwin", 73), ("tjc", 49)])
def test_the_makers_longest_code_is_what_its_level_holds(family: str, modules: int) -> None:
    panel = speak(family)
    most, level = panel.qr.max_bytes, panel.qr.level
    assert level is not None
    assert side("x" * most, level) == modules
    assert side("x" * (most + 1), level) == modules + 4
    assert side("x" * most, "M") > modules, "another level would not hold it"


def test_where_nobody_knows_the_level_none_is_claimed() -> None:
    assert {f for f in languages() if speak(f).qr.level} == {"dwin", "tjc"}
    assert {f for f in languages() if speak(f).level(LINK)} == {"dwin", "tjc"}
