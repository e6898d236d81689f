"""One table of outcomes: shape, light, beeps, speech, text. Each works for those who cannot see colours and those who cannot hear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from kiosk.counter.words import counter_texts
from kiosk.events import Bus, Outcome, OutcomeKind
from kiosk.hardware.ports import Announcement
from ui.marks import N_

COLUMNS = 20
"""The narrowest text display: a pole of two lines."""


class Signal(msgspec.Struct, frozen=True):
    """How one kind of outcome is shown and said."""

    shape: str
    colour: str
    pattern: str
    """steady, double (two flashes), fast, slow: rhythm tells what colour alone must not."""
    sound: str
    """Beeps: `.` short, `-` long; two short are accepted, one long is refused."""
    speech: str
    """What the recording `kiosk/sounds/LOCALE/KIND.wav` says; empty: nothing is said."""
    text: str
    """At most 20 columns, for displays on which the outcome's own sentence has no room; empty: it is cut."""


TABLE: dict[OutcomeKind, Signal] = {
    "confirmed": Signal(
        "confirmed", "green", "steady", "..", N_("Coupon confirmed."), N_("Coupon confirmed")
    ),
    "accepted": Signal("accepted", "green", "double", "..", N_("Coupon accepted here."), N_("Accepted here")),
    "refused": Signal(
        "refused",
        "red",
        "steady",
        "-",
        N_("This coupon cannot be used. Please look at the screen."),
        N_("Not accepted"),
    ),
    "retry": Signal("retry", "red", "slow", "-.", N_("Please try again."), N_("Please try again")),
    "help": Signal("help", "red", "fast", "---", N_("Please ask the staff."), N_("Please ask the staff")),
    "printed": Signal("printed", "blue", "steady", ".", N_("Please take your slip."), N_("Take your slip")),
    "info": Signal("info", "blue", "slow", "", "", ""),
    "busy": Signal("retry", "blue", "fast", "", "", N_("One moment, please")),
}
"""`info` and `busy` are no outcomes: they are shown, and nothing is said that a customer would have to act upon."""


class Lights(Protocol):
    """The part of the lights that feedback needs."""

    def show(self, colour: str, pattern: str, seconds: float) -> None:
        """Show a colour in a rhythm; the latest call wins."""


class Buzzer(Protocol):
    """The part of the buzzer that feedback needs."""

    def play(self, sound: str) -> None:
        """Play beeps; the latest call wins."""


class Speaker(Protocol):
    """The part of a speaker that feedback needs."""

    def say(self, announcement: Announcement) -> bool:
        """Say something; the latest call wins."""


class Feedback:
    """Lets lights, beeps and speech follow every outcome; in quiet hours only the lights."""

    def __init__(
        self,
        bus: Bus,
        lights: Lights | None,
        buzzer: Buzzer | None,
        speakers: Sequence[Speaker] = (),
        *,
        quiet: Callable[[], bool] = lambda: False,
    ) -> None:
        self._lights, self._buzzer, self._speakers, self._quiet = lights, buzzer, tuple(speakers), quiet
        self._off = bus.on(Outcome, self._show)

    def stop(self) -> None:
        """Follow no more."""
        self._off()

    def _show(self, outcome: Outcome) -> None:
        signal = TABLE[outcome.kind]
        if self._lights is not None:
            self._lights.show(signal.colour, signal.pattern, outcome.until_s)
        if self._quiet():
            return
        if self._buzzer is not None and signal.sound:
            self._buzzer.play(signal.sound)
        if signal.speech:
            for speaker in self._speakers:
                speaker.say(Announcement(text=outcome.title, clip=outcome.kind))


def columns(text: str) -> int:
    """Return how many columns a text display needs: two for a Chinese character, as in GBK."""
    return len(text.encode("gbk", "replace"))


def for_text_display(kind: OutcomeKind, locale: str, lines: Sequence[str]) -> tuple[str, ...]:
    """Return an outcome's lines; where the first has no room on a pole, the table's short text goes before it. Pure."""
    told = tuple(line for line in lines if line)
    short = TABLE[kind].text
    if not told or not short or columns(told[0]) <= COLUMNS:
        return told
    return (counter_texts(locale)(short), *told)
