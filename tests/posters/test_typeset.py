from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posters import typeset
from posters.typeset import CLOSE, NO_END, NO_START, SOFT, break_lines, fit, narrowest, set_line


def measure(char: str) -> float:
    return 1.0 if typeset.is_wide(char) else 0.5


def plain(lines: list[typeset.Line] | None) -> list[str]:
    return ["".join(run for _, run in line.runs) for line in lines or []]


def test_figures_words_and_units_stay_whole() -> None:
    assert typeset.atoms("满100减10元 Müller咖啡") == ["满", "100", "减", "10元", " ", "Müller", "咖", "啡"]


def test_no_line_begins_with_closing_punctuation() -> None:
    assert plain(break_lines("打开微信，扫一扫。", 4, measure)) == ["打开微信，", "扫一扫。"] or plain(
        break_lines("打开微信，扫一扫。", 4, measure)
    ) == ["打开微", "信，扫一", "扫。"]


@given(st.text(st.sampled_from("老王店，。“”（）、A1 ！-"), min_size=1, max_size=24), st.integers(6, 12))
def test_kinsoku_holds_for_any_text(text: str, width: int) -> None:
    lines = plain(break_lines(text, width, measure))
    joined = "".join(lines).replace(" ", "")
    if lines:
        assert joined == text.replace(" ", "")
    for before, after in itertools.pairwise(lines):
        inside = f"{before[-1]}{after[0]}"
        if inside in text:  # a blank between the two allows the break
            assert after[0] not in NO_START
            assert before[-1] not in NO_END


def test_a_thin_space_stands_between_chinese_and_latin() -> None:
    assert set_line("店8栋", measure).width == pytest.approx(2.5 + 2 * 0.125)
    assert [run for _, run in set_line("店8栋", measure).runs] == ["店", "8", "栋"]


def test_punctuation_hangs_at_the_edges_and_closes_up() -> None:
    line = set_line("“扫一扫”，对准", measure)
    assert line.runs[0][0] == -0.5
    assert line.width == pytest.approx(8 - 0.5 - 0.5)
    assert set_line("好，", measure).width == pytest.approx(1.5)


def test_tracking_counts_between_characters_only() -> None:
    assert set_line("微信扫", measure, tracking=0.1).width == pytest.approx(3.2)


def test_type_shrinks_first_then_takes_a_second_line_then_gives_up() -> None:
    rules = {"size": 10.0, "least": 6.0, "lines": 2, "mode": "shrink", "leading": 1.2}
    assert fit("四个字符", 40, 30, measure, **rules).size == 10  # type: ignore[union-attr, arg-type]
    shrunk = fit("四个字符四个", 40, 30, measure, **rules)  # type: ignore[arg-type]
    assert shrunk is not None
    assert len(shrunk.lines) == 1
    assert shrunk.size == pytest.approx(6.6)
    folded = fit("四个字符四个字符", 40, 30, measure, **rules)  # type: ignore[arg-type]
    assert folded is not None
    assert len(folded.lines) == 2
    assert folded.size == 10
    assert fit("四个字符" * 4, 40, 30, measure, **rules) is None  # type: ignore[arg-type]


def test_fill_takes_the_lines_that_give_the_largest_type() -> None:
    rules = {"size": 99.0, "least": 5.0, "lines": 2, "mode": "fill", "leading": 1.1}
    tall = fit("扫码领券", 40, 80, measure, **rules)  # type: ignore[arg-type]
    flat = fit("扫码领券", 80, 21, measure, **rules)  # type: ignore[arg-type]
    assert tall is not None
    assert plain(list(tall.lines)) == ["扫码", "领券"]
    assert flat is not None
    assert plain(list(flat.lines)) == ["扫码领券"]


def test_two_lines_are_balanced() -> None:
    assert [len(line) for line in plain(narrowest("一二三四五六七", 2, measure))] == [4, 3]


def test_a_template_says_where_its_own_words_break() -> None:
    assert plain(narrowest(f"有效期{SOFT}以页面为准", 2, measure)) == ["有效期", "以页面为准"]
    assert plain(narrowest(f"有效期{SOFT}以页面", 1, measure)) == ["有效期以页面"]


@given(st.text(st.sampled_from("字A，1 "), min_size=1, max_size=30).filter(str.strip), st.floats(20, 200))
def test_what_fits_really_fits(text: str, width: float) -> None:
    found = fit(text, width, 40, measure, size=12, least=6, lines=2, mode="wrap", leading=1.3)
    if found is not None:
        assert all(line.width * found.size <= width + 1e-6 for line in found.lines)
        assert found.size * (1 + (len(found.lines) - 1) * 1.3) <= 40 + 1e-6
        assert 6 <= found.size <= 12


def test_every_closing_mark_is_known_to_kinsoku() -> None:
    assert set(CLOSE) <= set(NO_START)


def test_an_ampersand_opens_a_line_and_a_hard_space_ends_none() -> None:
    assert typeset.atoms("Scan & save") == ["Scan", " ", "& save"]
    assert plain(narrowest("Scan & save", 3, measure)) == ["Scan", "& save"]
    assert plain(narrowest("茶 & 酒", 2, measure)) == ["茶", "& 酒"]
    assert typeset.atoms("R&B 10\u00a0km") == ["R&B", " ", "10\u00a0km"]
