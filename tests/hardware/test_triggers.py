"""Answers of scanner modules, taken out of the codes wherever the bytes are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kiosk.hardware.triggers import GM65, HONEYWELL, Answers


def test_the_bytes_are_those_of_the_manuals() -> None:
    # GM65 manual as ten public drivers quote it; SYN T CR and SYN U CR of three Honeywell-style manuals (edge 3(e)).
    assert GM65.on == b"\x7e\x00\x08\x01\x00\x02\x01\xab\xcd"
    assert GM65.off == b"\x7e\x00\x08\x01\x00\x02\x00\xab\xcd"
    assert GM65.answer == b"\x02\x00\x00\x01\x00\x33\x31"
    assert (HONEYWELL.on, HONEYWELL.off) == (bytes([0x16, 0x54, 0x0D]), bytes([0x16, 0x55, 0x0D]))


@given(st.lists(st.sampled_from([GM65.answer, b"C1:ABC\r\n", b"31\r\n"]), max_size=8), st.data())
def test_codes_come_through_without_the_answers(parts: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    answers, got = Answers(GM65.answer), b""
    for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        got += answers.feed(raw[start:stop])
    assert got == b"".join(p for p in parts if p != GM65.answer)
    assert answers.count == parts.count(GM65.answer)


def test_where_nothing_is_answered_nothing_is_held_back() -> None:
    assert Answers(b"").feed(b"\x02\x00\x00") == b"\x02\x00\x00"
