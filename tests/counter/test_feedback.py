"""Light and sound follow every outcome, each understandable without the other."""

from __future__ import annotations

from itertools import combinations
from typing import get_args

import pytest

from kiosk.counter.feedback import TABLE, Feedback
from kiosk.events import Bus, Outcome, OutcomeKind


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        self.calls.append((colour, pattern, seconds))

    def play(self, sound: str) -> None:
        self.calls.append((sound,))


@pytest.mark.parametrize("kind", get_args(OutcomeKind))
def test_every_outcome_has_shape_light_and_sound(kind: OutcomeKind) -> None:
    bus, lights, buzzer = Bus(), Recorder(), Recorder()
    feedback = Feedback(bus, lights, buzzer)
    bus.publish(Outcome(kind=kind, title="x", until_s=7))
    signal = TABLE[kind]
    assert lights.calls == [(signal.colour, signal.pattern, 7)]
    assert buzzer.calls == ([(signal.sound,)] if signal.sound else [])
    feedback.stop()
    bus.publish(Outcome(kind=kind, title="x"))
    assert len(lights.calls) == 1


def test_who_sees_no_colours_can_tell_the_verdicts_apart_by_rhythm() -> None:
    """Red and green are told apart by shape and sound; what shares a colour has a rhythm of its own."""
    verdicts: list[OutcomeKind] = ["confirmed", "accepted", "refused", "retry", "help"]
    for one, other in combinations(verdicts, 2):
        a, b = TABLE[one], TABLE[other]
        assert a.shape != b.shape
        if a.colour == b.colour:
            assert a.pattern != b.pattern


def test_who_hears_only_can_tell_yes_from_no() -> None:
    yes = {TABLE["confirmed"].sound, TABLE["accepted"].sound}
    no = {TABLE["refused"].sound, TABLE["retry"].sound, TABLE["help"].sound}
    assert yes == {".."}
    assert not yes & no
    assert all("-" in sound for sound in no)


def test_a_counter_without_lights_and_buzzer_is_silent() -> None:
    bus = Bus()
    feedback = Feedback(bus, None, None)
    bus.publish(Outcome(kind="refused", title="x"))
    feedback.stop()
