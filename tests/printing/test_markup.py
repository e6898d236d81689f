"""Layout -> the markup of the two clouds. Neither has escaping, and the same tag means different things."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from kiosk.printing import feie, yilianyun
from kiosk.printing.columns import columns
from kiosk.printing.slip import Cell, Code128, Cut, Drawer, Element, Feed, Logo, Qr, Row, Rule, Slip, Text
from tests.printing.made import P58, P80, anything, slip, slips

FEIE_TAGS = {
    "BR",
    "CUT",
    "LOGO",
    "PLUGIN",
    "C",
    "RIGHT",
    "BOLD",
    "L",
    "W",
    "B",
    "CB",
    "QR",
    "BC128_B",
    "BC128_C",
}
YLY_TAGS = {"MN", "FB", "FH2", "FW2", "FS2", "center", "right", "QR", "BR2", "BR3"}
TAG = re.compile(r"</?([A-Za-z0-9_]*)>")
BIG = Text(text="立减3元", align="center", width=2, height=2, bold=True)

# Facts: cloud-printers 2.6 (Feie) and 3.7 (Yilianyun), the tags with a source each; printing 7.2 for the mapping.
GOLDEN: list[tuple[Element, str, str]] = [
    (Text(text="好"), "好<BR>", "好\n"),
    (Text(text="好", align="center"), "<C>好</C><BR>", "<center>好</center>\n"),
    (Text(text="ok", align="right"), " " * 30 + "ok<BR>", "<right>ok</right>\n"),
    (Text(text="好", bold=True), "<BOLD>好</BOLD><BR>", "<FB>好</FB>\n"),
    (Text(text="好", height=2), "<L>好</L><BR>", "<FH2>好</FH2>\n"),
    (Text(text="好", width=2), "<W>好</W><BR>", "<FW2>好</FW2>\n"),
    (Text(text="好", width=2, height=2), "<B>好</B><BR>", "<FS2>好</FS2>\n"),
    (BIG, "<CB><BOLD>立减3元</BOLD></CB><BR>", "<center><FS2><FB>立减3元</FB></FS2></center>\n"),
    (Rule(), "-" * 32 + "<BR>", "-" * 32 + "\n"),
    (Row(cells=(Cell(text="满", columns=4), Cell(text="￥3", columns=6, align="right"))), "满     ￥3<BR>", "满     ￥3\n"),
    (Feed(lines=2), "<BR><BR>", "\n\n"),
    (Cut(), "<CUT>", ""),
    (Drawer(), "<PLUGIN>", ""),
    (Qr(data="https://q.example.cn/c/1"), "<QR>https://q.example.cn/c/1</QR>", "<QR>https://q.example.cn/c/1</QR>\n"),
    (Code128(data="1234567890"), "<BC128_C>1234567890</BC128_C><C>1234 5678 90</C><BR>", "<BR3>1234567890</BR3>\n<center>1234 5678 90</center>\n"),
    (Code128(data="A1B2C3"), "<BC128_B>A1B2C3</BC128_B><C>A1B2 C3</C><BR>", "<BR2>A1B2C3</BR2>\n<center>A1B2 C3</center>\n"),
]  # fmt: skip


@pytest.mark.parametrize(("element", "for_feie", "for_yilianyun"), GOLDEN, ids=lambda v: type(v).__name__)
def test_golden_markup(element: Element, for_feie: str, for_yilianyun: str) -> None:
    assert feie.render(slip(element), P58).data.decode() == for_feie
    assert yilianyun.render(slip(element), P58).data.decode() == for_yilianyun


def _tags(markup: str) -> list[str]:
    return [m.group(1) for m in TAG.finditer(markup)]


@given(slips)
def test_no_text_becomes_a_command_at_feie(made: Slip) -> None:
    markup = feie.render(made, P58).data.decode()
    assert set(_tags(markup)) <= FEIE_TAGS
    assert not re.search("[<>]", TAG.sub("", markup)), "no bracket but those of our tags"
    assert "@@" not in markup
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", markup), (
        "raw ESC/POS in an order reaches the print head"
    )
    kinds = [type(e) for e in made.elements]
    assert markup.count("<CUT>") == kinds.count(Cut)
    assert markup.count("<PLUGIN>") == kinds.count(Drawer)
    assert markup.count("<QR>") <= 1


@given(slips)
def test_no_text_becomes_a_command_at_yilianyun(made: Slip) -> None:
    markup = yilianyun.render(made, P58).data.decode()
    assert set(_tags(markup)) <= YLY_TAGS, (
        "no <BR>: it is a barcode there; no <LR>: its comma would split data"
    )
    assert not re.search("[<>]", TAG.sub("", markup))
    assert "@@" not in markup
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", markup)
    assert markup.count("<MN>") == (1 if made.copies > 1 else 0)
    assert sum(t in ("center", "right") for t in _tags(markup)) <= 2 * yilianyun.TAGS


@given(anything)
def test_text_is_kept_for_the_eye(text: str) -> None:
    """What is no command any more is still there to read: full-width brackets and signs."""
    made = slip(Text(text=text))
    for markup in (feie.render(made, P58).data.decode(), yilianyun.render(made, P58).data.decode()):
        shown = TAG.sub("", markup).replace("\n", "")
        assert shown.count("＜") == text.count("<") + text.count("＜")
        assert shown.count("＞") == text.count(">") + text.count("＞")
        assert shown.count("＠") == text.count("@") + text.count("＠")


@given(slips)
def test_lines_of_both_clouds_fit_the_paper(made: Slip) -> None:
    """Feie: each character of <B>, <W>, <CB> is two wide; Yilianyun: of <FS2>, <FW2>."""
    for line in re.sub("<QR>.*?</QR>|<BC128_.>.*?</BC128_.>", "", feie.render(made, P80).data.decode()).split(
        "<BR>"
    ):
        wide = 2 if re.search("<(B|W|CB)>", line) else 1
        assert columns(TAG.sub("", line)) * wide <= 48
    for line in re.sub("<QR>.*?</QR>|<BR.>.*?</BR.>", "", yilianyun.render(made, P80).data.decode()).split(
        "\n"
    ):
        wide = 2 if re.search("<(FS2|FW2)>", line) else 1
        assert columns(TAG.sub("", line)) * wide <= 48


def test_only_one_qr_code_an_order_at_feie() -> None:
    made = feie.render(slip(Qr(data="a"), Qr(data="b")), P58)
    assert made.data == b"<QR>a</QR>"
    assert made.report.lost == ("Feie prints one QR code an order; the others are left out.",)


@pytest.mark.parametrize("data", ["a<CUT>", "a>b", "x@@2", "a\x1b@", "a\nb"])
def test_a_code_that_markup_cannot_carry_is_left_out_by_name(data: str) -> None:
    for made in (feie.render(slip(Qr(data=data)), P58), yilianyun.render(slip(Qr(data=data)), P58)):
        assert made.data == b""
        assert len(made.report.lost) == 1
        assert "QR code" in made.report.lost[0]


@pytest.mark.parametrize(
    ("data", "for_feie", "for_yilianyun"),
    [
        ("1" * 22, "BC128_C", "BR3"), ("1" * 24, None, "BR3"), ("1" * 25, None, "BR3"), ("1" * 27, None, None), ("1" * 28, None, "BR3"), ("1" * 30, None, None),
        ("A" * 13, "BC128_B", "BR2"), ("A" * 15, None, None), ("A<B", None, None), ("A@@2", None, None),
    ],
)  # fmt: skip
def test_barcodes_within_the_limits_of_each_cloud(
    data: str, for_feie: str | None, for_yilianyun: str | None
) -> None:
    for renderer, tag in ((feie, for_feie), (yilianyun, for_yilianyun)):
        made = renderer.render(slip(Code128(data=data)), P80)
        text = made.data.decode()
        if tag:
            assert text.startswith(f"<{tag}>{data}</{tag}>")
            assert made.report.lost == ()
        else:
            assert not re.search("<BC|<BR[0-9]", text)
            assert "its text is printed alone" in made.report.lost[0]
        shown = re.sub(r"\s|<[^>]*>", "", re.sub("<B[^>]*>.*?</B[^>]*>", "", text))
        assert shown == feie.safe(data), "people can still read and type it"


def test_qr_codes_within_yilianyuns_limit() -> None:
    for data, kept in [("a" * 192, True), ("a" * 193, False), ("中" * 96, True), ("中" * 97, False)]:
        made = yilianyun.render(slip(Qr(data=data, level="L")), P80)
        assert (made.data != b"") is kept
        assert (made.report.lost == ()) is kept


def test_beyond_25_alignments_yilianyun_gets_spaces() -> None:
    made = yilianyun.render(
        slip(*[Text(text="中", align="center")] * 27, Text(text="12", align="right", width=2)), P58
    )
    lines = made.data.decode().split("\n")
    assert lines[24] == "<center>中</center>"
    assert lines[25] == " " * 15 + "中"
    assert lines[27] == " " * 28 + "<FW2>12</FW2>", (
        "spaces before the tag have half the width of its characters"
    )


def test_an_order_over_5000_bytes_is_named() -> None:
    made = feie.render(slip(*[Text(text="长" * 400)] * 5), P58)
    assert len(made.data) > feie.CAN.most
    assert made.report.lost == (f"the slip has {len(made.data)} bytes, Feie takes 5000; shorten it.",)


def test_copies() -> None:
    """Feie: a parameter of the call; Yilianyun: a tag at the very start."""
    made = slip(Text(text="a"), copies=3)
    assert feie.render(made, P58).data == b"a<BR>"
    assert any("copies are a parameter" in note for note in feie.render(made, P58).report.degraded)
    assert yilianyun.render(made, P58).data == b"<MN>3</MN>a\n"


def test_what_a_cloud_lacks_is_said() -> None:
    made = slip(Text(text="a", underline=True), Logo(name="store"), Drawer(), Cut(), Qr(data="x"))
    told = feie.render(made, P58).report
    assert told.lost == ()
    assert sorted(told.degraded) == [
        "Feie chooses the size and level of QR codes.", "Feie has no underline.", "Feie prints the logo that is stored in the device.",
    ]  # fmt: skip
    told = yilianyun.render(made, P58).report
    assert told.lost == ("Yilianyun cannot open a drawer from a print.",)
    assert sorted(told.degraded) == [
        "Yilianyun chooses the size and level of QR codes.", "Yilianyun cuts by itself at the end.", "Yilianyun has no underline.",
        "Yilianyun prints the logo that is stored in the device, at the start only.",
    ]  # fmt: skip
