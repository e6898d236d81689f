"""Key events of the kernel -> characters."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.hardware.keys import EV_SYN, EVENT, KEYS, SHIFTS, SYN_DROPPED, Keys
from tests.hardware.typing import ENTER, SHIFT, event, tap, typed


def test_an_event_has_the_kernels_24_bytes() -> None:
    assert EVENT.size == struct.calcsize("llHHi") == 24


@pytest.mark.parametrize(
    "text", ["C1:AB-12", "abcXYZ019", "$%*+-./:", "https://q.example.cn/c/S0001?x=1&y=_#~", "]Q1A"]
)
def test_every_character_of_a_code_comes_through(text: str) -> None:
    assert Keys().feed(typed(text)) == text.encode() + b"\n"


@given(st.text(st.sampled_from([c for pair in KEYS.values() for c in pair if c != "\n"])), st.data())
def test_events_may_be_cut_anywhere(text: str, data: st.DataObject) -> None:
    raw = typed(text)
    cut = data.draw(st.integers(0, len(raw)))
    keys = Keys()
    assert keys.feed(raw[:cut]) + keys.feed(raw[cut:]) == text.encode() + b"\n"


@pytest.mark.parametrize("shift", SHIFTS)
def test_either_shift_holds_until_it_is_released(shift: int) -> None:
    keys = Keys()
    assert keys.feed(event(shift, 1) + event(30, 1) + event(30, 0)) == b"A"
    assert keys.feed(event(30, 1) + event(shift, 0) + event(30, 1)) == b"Aa"


def test_repeats_and_releases_type_nothing() -> None:
    assert Keys().feed(event(30, 1) + event(30, 2) * 20 + event(30, 0)) == b"a"


def test_the_keypad_types_too() -> None:
    pad = {82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9"}
    assert Keys().feed(b"".join(event(c, 1) for c in pad)) == "".join(pad.values()).encode()


def test_tab_ends_a_code_as_enter_does() -> None:
    assert Keys().feed(event(15, 1) + event(ENTER, 1) + event(96, 1)) == b"\n\n\n"


def test_lost_events_are_told_and_shift_is_let_go() -> None:
    keys = Keys()
    keys.feed(event(SHIFT, 1) + event(30, 1))
    assert not keys.lost
    assert keys.feed(event(30, 1) + event(3, 0, kind=0) + event(ENTER, 1) + event(48, 1)) == b"b"
    assert keys.lost


@given(st.binary(max_size=400))
def test_noise_breaks_nothing(noise: bytes) -> None:
    assert Keys().feed(noise).isascii()


def stamped(text: str, at: float) -> bytes:
    """Return the events of a text, each with its time."""
    events = EVENT.iter_unpack(typed(text)[: -len(tap(ENTER))])
    return b"".join(EVENT.pack(int(at), int(at % 1 * 1e6), *rest) for _, _, *rest in events)


DROPPED = EVENT.pack(1, 0, EV_SYN, SYN_DROPPED, 0)


def test_a_reader_whose_first_event_says_that_keys_were_lost_waits_for_the_end() -> None:
    assert Keys().feed(DROPPED + stamped("k-0\nOK\n", 1.1)) == b"OK\n"


def test_the_rest_of_a_torn_code_is_no_code() -> None:
    keys = Keys()
    assert keys.feed(stamped("AB\nOK", 1) + DROPPED) == b"AB\n", "what was whole before stays"
    assert not keys.lost, "nothing of it is with whoever reads"
    assert keys.feed(stamped("-7\nC8\n", 1.1)) == b"C8\n"
    assert keys.feed(DROPPED + stamped("x\n", 1.2)) == b""
    assert keys.lost


def test_a_pause_ends_a_torn_code_whose_end_was_lost() -> None:
    keys = Keys()
    assert keys.feed(stamped("AB", 1) + DROPPED + stamped("cd", 1.1)) == b""
    assert keys.feed(stamped("C9\n", 2.5)) == b"C9\n"
