"""Columns: widths against GBK, breaking, and what is lost of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.printing import columns as col
from tests.printing.made import anything


def _gbk() -> list[str]:
    found = []
    for code in range(0x20, 0x10000):
        char = chr(code)
        if 0xD800 <= code < 0xE000 or 0x7F <= code < 0xA0:
            continue
        try:
            char.encode("gbk")
        except UnicodeEncodeError:
            continue
        found.append(char)
    return found


def test_the_width_of_each_gbk_character_is_its_bytes() -> None:
    chars = _gbk()
    assert len(chars) > 21_000
    assert [c for c in chars if col.width(c) != len(c.encode("gbk"))] == []


def test_two_byte_characters_never_hold_a_command() -> None:
    """A second byte below 0x40 would be a control byte or a digit to a printer that lost its place."""
    for char in _gbk():
        raw = char.encode("gbk")
        if len(raw) == 2:
            assert 0x81 <= raw[0] <= 0xFE
            assert 0x40 <= raw[1] <= 0xFE


@pytest.mark.parametrize(
    ("text", "clean", "lost", "unseen"),
    [
        ("满20减3", "满20减3", (), 0),
        ("¥10", "￥10", (), 0),
        ("a\u00a0b\tc", "a b c", (), 0),
        ("a\r\nb\u2028c\x85d\re", "a\nb\nc\nd\ne", (), 0),
        ("店\x1b@\x1dV\x00", "店@V", (), 3),
        ("\x7f", "", (), 1),
        ("谢谢😀", "谢谢〓", ("😀",), 0),
        ("☕\ufe0f", "〓", ("☕",), 1),
        ("𠮷野家", "〓野家", ("𠮷",), 0),
        ("€5", "〓5", ("€",), 0),
        ("cafe\u0301", "café", (), 0),
        ("x\u0301", "x", ("\u0301",), 0),
        ("\ue000", "〓", ("\ue000",), 0),
        ("——“引号”…①℃", "——“引号”…①℃", (), 0),
    ],
)
def test_clean(text: str, clean: str, lost: tuple[str, ...], unseen: int) -> None:
    assert col.clean(text) == col.Cleaned(clean, lost, unseen)


@given(anything)
def test_a_clean_text_is_gbk_without_controls(text: str) -> None:
    made = col.clean(text)
    raw = made.text.replace("\n", "").encode("gbk")
    assert len(raw) == col.columns(made.text.replace("\n", ""))
    assert not any(b < 0x20 or b == 0x7F for b in raw)
    assert col.clean(made.text) == col.Cleaned(made.text), "a clean text stays as it is"


@given(anything, st.integers(2, 48))
def test_no_line_is_too_wide_and_no_character_is_lost(text: str, limit: int) -> None:
    clean = col.clean(text).text
    lines = col.wrap(clean, limit)
    assert lines
    assert all(col.columns(line) <= limit for line in lines)
    assert "".join(lines).replace(" ", "") == clean.replace(" ", "").replace("\n", "")


@given(st.lists(st.sampled_from("中文字符串，。！（「")).map("".join), st.integers(8, 32))
def test_kinsoku(text: str, limit: int) -> None:
    """Closing punctuation begins no line and opening ends none, unless three places in a row are as bad."""

    def bad(at: int) -> bool:
        return 0 < at < len(text) and (text[at] in col.NO_START or text[at - 1] in col.NO_END)

    at = 0
    for line in col.wrap(text, limit)[:-1]:
        at += len(line)
        if bad(at):
            assert any(all(bad(n + k) for k in range(3)) for n in range(at - 3, at + 2)), (line, text[at:])


@pytest.mark.parametrize(
    ("text", "limit", "lines"),
    [
        ("结账时出示本券。限用", 16, ["结账时出示本券。", "限用"]),
        ("结账时出示本券啊。限用", 16, ["结账时出示本券", "啊。限用"]),
        ("他说过的话（真的）", 12, ["他说过的话", "（真的）"]),
        ("共计金额￥12", 10, ["共计金额", "￥12"]),
        ("show this slip at the till", 10, ["show this", "slip at", "the till"]),
        ("https://q.example.cn/c/S0001", 10, ["https://q.", "example.cn", "/c/S0001"]),
        ("  indented", 20, ["  indented"]),
        ("", 10, [""]),
        ("a\n\nb", 10, ["a", "", "b"]),
    ],
)
def test_wrap(text: str, limit: int, lines: list[str]) -> None:
    assert col.wrap(text, limit) == lines


def test_pad_counts_columns() -> None:
    assert col.pad("￥3", 8, "right") == "     ￥3"
    assert col.pad("中", 6, "center") == "  中  "
    assert col.pad("长过了", 4, "right") == "长过了"
