"""What is lost of a journal, by number: against sets of numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.store import gaps
from kiosk.journal.ended import runs
from kiosk.sync.protocol import Ended

NUMBERS = st.sets(st.integers(1, 40))


def numbers(found: gaps.Runs) -> list[int]:
    return [n for first, last in found for n in range(first, last + 1)]


@given(NUMBERS, st.integers(1, 40), st.integers(0, 40))
def test_missing_is_what_is_in_no_run(kept: set[int], first: int, last: int) -> None:
    found = numbers(gaps.missing(first, last, runs(kept)))
    assert found == [n for n in range(first, last + 1) if n not in kept]


@given(NUMBERS, NUMBERS)
def test_what_the_hub_has_otherwise_is_not_kept(kept: set[int], other: set[int]) -> None:
    left = gaps.without(runs(kept), other)
    assert sorted(left) == list(runs(kept - other))


@given(NUMBERS, st.integers(0, 40), st.integers(0, 40))
def test_lost_and_gone_together_are_all_that_is_not_kept(kept: set[int], seq: int, had: int) -> None:
    told = gaps.told(seq, Ended("e1", runs(kept), had), {})
    lost, gone = numbers(told.get("lost", [])), numbers(told.get("gone", []))
    first, last = min(kept, default=1), max(had, *kept, 0)
    assert lost == [n for n in range(first, seq + 1) if n not in kept]
    assert gone == [n for n in range(seq + 1, last + 1) if n not in kept]


def test_an_item_of_the_same_number_with_another_hash_is_lost() -> None:
    ended = Ended("e1", ((1, 9),), 0, ((7, "a"), (8, "b"), (9, "c")))
    assert gaps.told(10, ended, {7: "a", 8: "x", 9: "y"}) == {"lost": [[8, 10]]}
    assert gaps.told(9, ended, {7: "a", 8: "b", 9: "c"}) == {}


def test_what_was_forgotten_in_order_is_not_lost() -> None:
    assert gaps.told(12, Ended("e1", ((5, 10), (12, 12)), 15), {}) == {"lost": [[11, 11]], "gone": [[13, 15]]}
