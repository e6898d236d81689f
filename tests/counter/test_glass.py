"""Is the right code on the glass? What a page reports, and what follows from its silence."""

from __future__ import annotations

from typing import Any

from kiosk.clock import ManualClock
from kiosk.counter.glass import GRACE_S, LOADS, STALE_S, Glass

from .world import NOW

RIGHT = {"modules": ["101", "010", "111"]}
BITS = "101010111"


class Rig:
    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.ordered: dict[str, Any] | None = RIGHT
        self.glass = Glass(self.clock, lambda: self.ordered)
        self.frame = 0

    def report(self, bits: str = BITS, visible: bool = True, moving: bool = True) -> str:
        self.frame += moving
        return self.glass.report(bits, self.frame, visible)


def test_without_a_page_nothing_is_known() -> None:
    assert Rig().glass.state() == "none"


def test_the_right_code_is_right() -> None:
    rig = Rig()
    assert rig.report() == "ok"
    rig.clock.advance(STALE_S)
    assert rig.glass.state() == "ok"


def test_a_wrong_code_is_noticed_after_the_time_that_a_change_takes() -> None:
    rig = Rig()
    assert rig.report("000010111") == "ok"
    rig.clock.advance(GRACE_S - 0.1)
    assert rig.report("000010111") == "ok"
    rig.clock.advance(0.1)
    assert rig.report("000010111") == "wrong"
    assert rig.report() == "ok"


def test_a_code_of_another_size_is_wrong_too() -> None:
    rig = Rig()
    for bits in ("", BITS + "0", BITS[:-1]):
        rig.report()
        rig.report(bits)
        rig.clock.advance(GRACE_S)
        assert rig.report(bits) == "wrong"


def test_a_silent_page_is_stale_within_half_a_minute() -> None:
    rig = Rig()
    rig.report()
    rig.clock.advance(STALE_S + 0.1)
    assert rig.glass.state() == "stale"
    assert STALE_S + 5 < 30
    assert rig.report() == "ok"


def test_a_page_whose_pictures_stand_still_is_stale() -> None:
    """A frozen compositor still runs scripts: reports come, frames do not."""
    rig = Rig()
    rig.report()
    for _ in range(5):
        rig.clock.advance(5)
        rig.report(moving=False)
    assert rig.glass.state() == "stale"


def test_what_was_told_before_proves_nothing_when_it_is_told_again() -> None:
    rig = Rig()
    told = [(BITS, n, True) for n in range(3)]
    for report in told:
        rig.glass.report(*report, load="a")
    rig.glass.report("", 1, True, load="b")
    for _ in range(5):
        rig.clock.advance(5)
        for report in told:
            rig.glass.report(*report, load="a")
    assert rig.glass.state() == "stale"
    assert rig.glass.report("", 2, True, load="b") == "wrong", "a right code that is told again mends nothing"


def test_a_page_that_is_loaded_anew_counts_its_frames_from_the_beginning() -> None:
    rig = Rig()
    for n in range(3 * LOADS):
        rig.clock.advance(STALE_S)
        assert rig.glass.report(BITS, 1, True, load=str(n)) == "ok"
    assert len(rig.glass._frames) == LOADS


def test_a_page_that_shows_an_old_view_is_stale() -> None:
    rig = Rig()
    rig.glass.report(BITS, 1, True, seq=3, newest=4)
    rig.clock.advance(GRACE_S - 0.1)
    assert rig.glass.report(BITS, 2, True, seq=3, newest=4) == "ok"
    rig.clock.advance(0.1)
    assert rig.glass.report(BITS, 3, True, seq=3, newest=5) == "stale"
    assert rig.glass.report(BITS, 4, True, seq=5, newest=5) == "ok"


def test_a_page_that_moves_on_through_hasty_views_is_not_stale() -> None:
    rig = Rig()
    for n in range(20):
        rig.clock.advance(5)
        assert rig.glass.report(BITS, n, True, seq=10 * n, newest=10 * n + 1) == "ok"


def test_what_is_not_to_be_seen_cannot_be_wrong() -> None:
    rig = Rig()
    rig.report("0", visible=False)
    rig.clock.advance(GRACE_S)
    assert rig.report("0", visible=False) == "ok"
    rig.ordered = None
    rig.report("0")
    rig.clock.advance(GRACE_S)
    assert rig.report("0") == "ok"
