"""Slip -> blocks: what fits, what is narrowed, what is lost and said so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.printing import columns as col
from kiosk.printing import layout as lay
from kiosk.printing import qr
from kiosk.printing.slip import Align, Cell, Code128, Qr, Row, Rule, Slip, Text
from tests.printing.made import printable, rows, slip, slips, texts
from ui import codes

SIGNED = "C1:" + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ$%*+-./:"[:29] * 4
"""As long as a signed code: 119 characters of the alphanumeric mode."""


@given(slips, st.sampled_from([384, 576]))
def test_no_line_is_wider_than_the_paper(made: Slip, dots: int) -> None:
    for block in lay.lay_out(made, dots).blocks:
        if isinstance(block, lay.Line):
            assert col.columns(block.text) * block.width <= dots // 12
            assert not any(ord(char) < 32 for char in block.text), "a line end is a command"
        elif isinstance(block, lay.QrBlock):
            assert (qr.side(block.data, block.level) + 8) * block.module <= dots, (
                "the quiet zone of 4 modules is kept"
            )
            assert block.module >= 4
        elif isinstance(block, lay.BarBlock):
            assert block.dots + 20 * block.module <= dots, "the quiet zone of 10 modules is kept"


@given(texts | rows)
def test_no_text_is_lost_unless_reported(element: Text | Row) -> None:
    laid = lay.lay_out(slip(element), 384)
    parts = [element.text] if isinstance(element, Text) else [c.text for c in element.cells]
    shown = [c for block in laid.blocks if isinstance(block, lay.Line) for c in block.text]
    wanted = [c for part in parts for c in col.clean(part).text]
    assert sorted(c for c in shown if c not in " \n") == sorted(c for c in wanted if c not in " \n")
    lost = {c for part in parts for c in col.clean(part).lost}
    for char in lost:
        assert any(f"U+{ord(char):04X}" in note for note in laid.lost)
    if any(col.clean(part).unseen for part in parts):
        assert any("without a shape" in note for note in laid.degraded)


def test_what_gbk_lacks_is_named_with_its_place() -> None:
    laid = lay.lay_out(slip(Text(text="好"), Text(text="谢谢😀𠮷")), 384)
    assert laid.lost == ("elements[1]: printers have no 😀 (U+1F600) 𠮷 (U+20BB7); 〓 stands for it.",)


def test_double_width_halves_the_columns() -> None:
    laid = lay.lay_out(slip(Text(text="一二三四五六七八九十", width=2)), 384)
    assert [b.text for b in laid.blocks if isinstance(b, lay.Line)] == ["一二三四五六七八", "九十"]


def test_a_row_wraps_inside_its_cells() -> None:
    cells = (Cell(text="科技园南区八栋", columns=8), Cell(text="￥3.00", columns=10, align="right"))
    laid = lay.lay_out(slip(Row(cells=cells)), 384)
    assert [b.text for b in laid.blocks if isinstance(b, lay.Line)] == ["科技园南    ￥3.00", "区八栋"]


def test_a_row_that_is_too_wide_is_narrowed_and_said_so() -> None:
    cells = (Cell(text="甲", columns=30), Cell(text="乙", columns=30, align="right"))
    laid = lay.lay_out(slip(Row(cells=cells)), 384)
    assert [col.columns(b.text) for b in laid.blocks if isinstance(b, lay.Line)] == [32]
    assert laid.degraded == ("elements[0]: 60 columns were asked for, the paper has 32; cells are narrower.",)


def test_a_cell_of_one_column_takes_two_for_chinese() -> None:
    laid = lay.lay_out(slip(Row(cells=(Cell(text="中", columns=1), Cell(text="b", columns=1)))), 384)
    assert [b.text for b in laid.blocks if isinstance(b, lay.Line)] == ["中b"]
    assert len(laid.degraded) == 1


def test_rule_spans_the_paper() -> None:
    for dots in (384, 576):
        (line,) = lay.lay_out(slip(Rule(char="=")), dots).blocks
        assert isinstance(line, lay.Line)
        assert line.text == "=" * (dots // 12)


def _qr(code: Qr, dots: int = 384) -> tuple[lay.QrBlock | None, lay.Layout]:
    laid = lay.lay_out(slip(code), dots)
    (block,) = laid.blocks or (None,)
    assert block is None or isinstance(block, lay.QrBlock)
    return block, laid


def test_a_signed_code_gets_the_smallest_version_and_large_modules() -> None:
    assert len(SIGNED) == 119
    block, laid = _qr(Qr(data=SIGNED, level="M"))
    assert block is not None
    assert (qr.side(SIGNED, "M"), block.module) == (
        37,
        8,
    )  # version 5, alphanumeric mode (ISO/IEC 18004, table 7)
    assert laid.degraded == ()


def test_the_table_of_largest_modules() -> None:
    """Facts: printing 4.1, 384 dots, quiet zone of 4 modules."""
    for size, level, module in [
        (36, "M", 8),
        (100, "M", 7),
        (100, "H", 5),
        (150, "M", 6),
        (192, "M", 5),
        (192, "H", 4),
    ]:
        block, _ = _qr(Qr(data=("https://q.example.cn/c/" + "a" * 200)[:size], level=level))  # type: ignore[arg-type]
        assert block is not None
        assert block.module == module, (size, level)


def test_a_module_that_does_not_fit_or_cannot_be_read_is_changed_and_said_so() -> None:
    block, laid = _qr(Qr(data="a" * 100, module=12))
    assert block is not None
    assert block.module == 7
    assert laid.degraded == ("elements[0]: modules of 12 dots do not fit, 7 are used.",)
    block, laid = _qr(Qr(data="short", module=3))
    assert block is not None
    assert block.module == 4
    assert laid.degraded[0] == "elements[0]: modules of 3 dots cannot be read by phones, 4 are used."


def test_a_qr_too_dense_for_the_paper_is_left_out_by_name() -> None:
    block, laid = _qr(Qr(data="a" * 500, level="H"))
    assert block is None
    assert laid.lost == (
        "elements[0]: 500 characters need a QR code whose modules have 3 dots; phones read 4 and more.",
    )
    block, laid = _qr(Qr(data="中" * 500, level="H"))
    assert block is None
    assert "more than a QR code of level H holds" in laid.lost[0]


def test_barcodes_at_58_mm() -> None:
    """Facts: printing 4.2: digits up to 24 at 2 dots, mixed text up to 13; 80 mm takes 24 digits at 3 dots."""
    for data, dots, module in [
        ("1" * 12, 384, 3), ("1" * 14, 384, 2), ("1" * 24, 384, 2), ("1" * 28, 384, 0), ("A1B2C3D4E5F6", 384, 2), ("A" * 13, 384, 0),
        ("1" * 24, 576, 3), ("A" * 24, 576, 0),
    ]:  # fmt: skip
        laid = lay.lay_out(slip(Code128(data=data)), dots)
        bars = [b for b in laid.blocks if isinstance(b, lay.BarBlock)]
        assert [b.module for b in bars] == ([module] if module else []), data
        assert bool(laid.lost) is (module == 0)
        text = "".join(b.text for b in laid.blocks if isinstance(b, lay.Line))
        assert text.replace(" ", "") == data, "the code stays readable for people"


def test_the_code_is_read_in_groups_of_four() -> None:
    assert lay.readable("A1B2C3D4E5F6") == "A1B2 C3D4 E5F6"
    assert lay.readable("12345") == "1234 5"
    assert lay.readable("two words") == "two words"


def test_markup_is_made_safe_before_it_is_measured() -> None:
    wide = str.maketrans({"<": "＜"})
    laid = lay.lay_out(slip(Text(text="<" * 20), Rule(char="<")), 384, lambda t: t.translate(wide))
    lines = [b.text for b in laid.blocks if isinstance(b, lay.Line)]
    assert lines == ["＜" * 16, "＜" * 4, "＜" * 16]


@given(printable | st.text("0123456789", min_size=1, max_size=48))
def test_the_width_of_a_barcode_is_the_one_drawn(data: str) -> None:
    start, wide = codes.bars(data)[-1]
    assert lay.bar_modules(data) == start + wide


@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_the_shops_own_line_ends_stay_where_they_are(align: Align) -> None:
    laid = lay.lay_out(slip(Text(text="名字，地址\n电话", align=align)), 384)
    assert [line.text for line in laid.blocks if isinstance(line, lay.Line)] == ["名字，地址", "电话"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("打开微信扫一扫，领券后付款即可使用。", ["打开微信扫一扫，", "领券后付款即可使用。"]),
        ("结账时出示本券。限用一次，不找零，复印无效。", ["结账时出示本券。限用一次，", "不找零，复印无效。"]),
        ("Open WeChat, scan, claim; pay with the coupon.", ["Open WeChat, scan, claim;", "pay with the coupon."]),
        ("Show this slip at the till. One use, no change given, no copy accepted.", ["Show this slip at the till.", "One use, no change given,", "no copy accepted."]),
        ("好，这一句话没有合适的断句所以两行一样长才好看", ["好，这一句话没有合适的断", "句所以两行一样长才好看"]),
    ],
)  # fmt: skip
def test_a_centred_text_breaks_where_its_sense_does(text: str, lines: list[str]) -> None:
    laid = lay.lay_out(slip(Text(text=text, align="center")), 384)
    assert [b.text for b in laid.blocks if isinstance(b, lay.Line)] == lines
