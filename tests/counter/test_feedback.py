"""Light and sound follow every outcome, each understandable without the other."""

from __future__ import annotations

import json
import struct
from itertools import combinations
from typing import get_args

import pytest

from kiosk.counter.feedback import COLUMNS, TABLE, Feedback, columns
from kiosk.counter.words import counter_texts
from kiosk.events import Bus, Outcome, OutcomeKind
from kiosk.hardware.ports import Announcement
from kiosk.hardware.speakers.local import is_recording
from kiosk.sounds import HERE
from kiosk.sounds.make import VOICES, spoken

OUTCOMES: tuple[OutcomeKind, ...] = ("confirmed", "accepted", "refused", "retry", "help", "printed")
"""What is an outcome; `info` and `busy` are not."""


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        self.calls.append((colour, pattern, seconds))

    def play(self, sound: str) -> None:
        self.calls.append((sound,))

    def say(self, announcement: Announcement) -> bool:
        self.calls.append((announcement.clip, announcement.text))
        return True


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


def test_a_counter_without_lights_and_buzzer_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    bus = Bus()
    feedback = Feedback(bus, None, None)
    bus.publish(Outcome(kind="refused", title="x"))
    feedback.stop()
    assert caplog.records == [], "a listener that fails is logged by the bus"


@pytest.mark.parametrize("kind", OUTCOMES)
def test_every_outcome_has_light_sound_speech_and_text_in_both_languages(kind: OutcomeKind) -> None:
    signal = TABLE[kind]
    assert all((signal.shape, signal.colour, signal.pattern, signal.sound, signal.speech, signal.text))
    for locale in VOICES:
        t = counter_texts(locale)
        assert is_recording(HERE / locale / f"{kind}.wav"), "the recording ships with the project"
        assert 0 < columns(t(signal.text)) <= COLUMNS
        if locale == "zh_CN":
            assert not t(signal.speech).isascii()
            assert not t(signal.text).isascii()


def test_recordings_say_what_the_table_says() -> None:
    """Changed a sentence? `python -m kiosk.sounds.make` speaks it anew."""
    assert json.loads((HERE / "spoken.json").read_text("utf-8")) == spoken()
    made = {f"{p.parent.name}/{p.stem}" for p in HERE.glob("*/*.wav")}
    assert made == {f"{locale}/{kind}" for locale in VOICES for kind in OUTCOMES}


def test_recordings_are_small_and_of_one_kind() -> None:
    for path in HERE.glob("*/*.wav"):
        raw = path.read_bytes()
        coding, channels, rate = struct.unpack_from("<HHI", raw, 20)
        assert (coding, channels, rate) == (7, 1, 8000), f"{path}: mu-law is 7 (RFC 2361)"
        assert len(raw) < 40_000, path


@pytest.mark.parametrize("kind", get_args(OutcomeKind))
def test_speech_follows_outcomes_and_in_quiet_hours_only_the_lights_do(kind: OutcomeKind) -> None:
    bus, lights, buzzer, speaker = Bus(), Recorder(), Recorder(), Recorder()
    hours = [False]
    feedback = Feedback(bus, lights, buzzer, [speaker], quiet=lambda: hours[0])
    bus.publish(Outcome(kind=kind, title="x"))
    assert speaker.calls == ([(kind, "x")] if TABLE[kind].speech else [])
    hours[0] = True
    before = len(buzzer.calls), len(speaker.calls)
    bus.publish(Outcome(kind=kind, title="x"))
    assert (len(buzzer.calls), len(speaker.calls)) == before
    assert len(lights.calls) == 2
    feedback.stop()
