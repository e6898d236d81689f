"""Bytes -> codes: however they are cut, and whatever comes between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.hardware.scan_line import KEPT, LONGEST, REPEAT_S, Code, Framer, parse

ALPHABET = st.characters(min_codepoint=0x21, max_codepoint=0xFFFF, exclude_categories=("Cs", "Z"))
CODES = st.lists(
    st.text(ALPHABET, min_size=1, max_size=40).filter(lambda t: not t.startswith("]")), unique=True
)


def texts(codes: list[Code]) -> list[str]:
    return [c.text for c in codes]


@given(CODES, st.sampled_from([b"\r", b"\n", b"\r\n"]), st.data())
def test_bytes_may_be_cut_anywhere(codes: list[str], end: bytes, data: st.DataObject) -> None:
    raw = b"".join(c.encode() + end for c in codes)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    framer, got = Framer(), []
    for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        got += framer.feed(raw[start:stop], 0.0)
    assert texts(got) == codes
    assert not framer.open


@given(st.binary(max_size=2000))
def test_noise_gives_text_or_nothing(noise: bytes) -> None:
    framer = Framer()
    for code in [*framer.feed(noise, 0.0), *framer.silence(0.1)]:
        assert code.text
        assert len(code.text) <= LONGEST
        assert not {"\r", "\n"} & set(code.text)


@pytest.mark.parametrize("more", [1, 500, 5000])
def test_a_code_that_is_too_long_is_dropped_whole(more: int) -> None:
    framer = Framer()
    assert framer.feed(b"x" * (LONGEST + more), 0.0) == []
    assert framer.feed(b"\r\nC1:next\r\n", 0.0) == [Code("C1:next")]
    assert framer.dropped == 1


def test_the_longest_code_is_whole() -> None:
    assert texts(Framer().feed(b"x" * LONGEST + b"\r", 0.0)) == ["x" * LONGEST]


def test_the_same_code_is_one_scan_while_it_lies_there() -> None:
    framer = Framer()
    assert texts(framer.feed(b"A\r", 0.0)) == ["A"]
    assert framer.feed(b"A\r", 1.9) == []
    assert framer.feed(b"A\r", 3.8) == []
    assert texts(framer.feed(b"A\r", 3.8 + REPEAT_S)) == ["A"]


def test_two_codes_in_view_are_two_scans() -> None:
    framer = Framer()
    raw = b"A\rB\r" * 20
    assert texts(framer.feed(raw, 0.0)) == ["A", "B"]


def test_only_as_many_codes_are_remembered_as_a_counter_has_in_view() -> None:
    framer = Framer()
    burst = [f"C{n}" for n in range(10_000)]
    assert texts(framer.feed("".join(f"{c}\r" for c in burst).encode(), 0.0)) == burst
    assert len(framer._recent) == KEPT


def test_silence_ends_a_code_without_a_line_end() -> None:
    framer = Framer()
    assert framer.feed(b"C1:AB", 0.0) == []
    assert framer.open
    assert framer.silence_s == 0.08
    assert texts(framer.silence(0.1)) == ["C1:AB"]
    assert not framer.open


def test_a_scanner_that_ends_lines_may_pause_within_a_code() -> None:
    framer = Framer()
    framer.feed(b"first\r\n", 0.0)
    framer.feed(b"C1:A", 5.0)
    assert framer.silence_s > 0.5
    assert texts(framer.feed(b"BC\r\n", 5.3)) == ["C1:ABC"]


def test_what_was_learnt_is_forgotten_once_it_is_wrong() -> None:
    framer = Framer()
    framer.feed(b"first\rsecond", 0.0)
    assert texts(framer.silence(1.0)) == ["second"]
    framer.feed(b"third", 2.0)
    assert framer.silence_s == 0.08


@pytest.mark.parametrize(("end", "first", "after"), [("line", 0.8, 0.8), ("silence", 0.08, 0.08)])
def test_what_is_configured_is_not_learnt(end: str, first: float, after: float) -> None:
    framer = Framer(end)  # type: ignore[arg-type]
    assert framer.silence_s == first
    framer.feed(b"a\r", 0.0)
    framer.feed(b"b", 0.0)
    framer.silence(1.0)
    assert framer.silence_s == after


def test_a_code_that_lost_bytes_is_forgotten() -> None:
    framer = Framer()
    framer.feed(b"x" * 600, 0.0)
    framer.forget()
    assert texts(framer.feed(b"C1:A\r", 0.0)) == ["C1:A"]
    assert framer.dropped == 0


@pytest.mark.parametrize(
    ("raw", "text", "symbology"),
    [
        ("]Q1https://q.example.cn/c/S0001", "https://q.example.cn/c/S0001", "Q1"),
        ("]C112345678901234567890", "12345678901234567890", "C1"),
        ("]C0C1:ABC", "C1:ABC", "C0"),
        ("]E06901234567892", "6901234567892", "E0"),
        ("]d2\x1d010690", "\x1d010690", "d2"),
        ("]zz", "]zz", ""),
        ("]Q", "]Q", ""),
        ("C1:]Q1", "C1:]Q1", ""),
        ("\x02C1:A\x03\t ", "C1:A", ""),
        ("]Q1", "", "Q1"),
    ],
)
def test_the_aim_identifier_is_parsed_never_guessed(raw: str, text: str, symbology: str) -> None:
    assert parse(raw) == Code(text, symbology)


def test_chinese_text_comes_whole() -> None:
    assert texts(Framer().feed("满20减3\r\n".encode(), 0.0)) == ["满20减3"]
