"""Facts in, findings out: each finding names what is wrong and what to press.

A finding never blocks anything by itself; what is at risk is blocked where the risk is (facts: edge 2.3, 3(b) 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from ui.texts import texts

Severity = Literal["ok", "info", "warning", "error"]
State = Literal["ok", "no", "unknown"]
Glass = Literal["ok", "wrong", "stale", "none", "unseen", "unplugged", "dark"]
"""What the page proves of itself (`none`: there never was a page), then what is seen from outside of it."""


class PrinterFact(msgspec.Struct, frozen=True):
    """A printer as it was last seen."""

    name: str
    url: str
    state: str
    detail: str = ""
    mirror: bool = False


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks look at; gathered by the daemon."""

    now: datetime
    hub_url: str
    enrolled: Literal["accepted", "pending", "revoked", "none"]
    reachable: State
    last_sync: datetime | None
    backlog: int
    oldest: datetime | None
    conflicts: int
    clock_error_s: float | None
    free_bytes: int
    free_share: float
    unclean_boots: int
    recovered: str
    """What the journal had to mend at start; empty: nothing."""
    set_aside: tuple[str, ...]
    """Damaged journals in the data directory, each with its path."""
    printers: tuple[PrinterFact, ...]
    devices_down: tuple[str, ...]
    unknown_prints: int
    pool_left: int | None
    config_warnings: tuple[str, ...]
    fallback_config: bool
    account_keys_here: bool
    page_proof: Glass
    not_open: str = ""
    """An address at which the pages cannot be reached although kiosk.toml opens it; empty: none."""
    shut_out: bool = False
    """The hub did not let this kiosk in when it last answered, maybe before a restart: nothing is redeemed here."""


class Told(msgspec.Struct, frozen=True):
    """A sentence and what stands in its places: said in any language, in English on the wire."""

    text: str
    args: Mapping[str, str | Told] = {}
    more: tuple[Told, ...] = ()
    """Sentences that follow it."""

    def say(self, locale: str = "en") -> str:
        """Return the sentence in a language."""
        told = texts("kiosk", "kiosk", locale)(self.text)
        args = {k: v.say(locale) if isinstance(v, Told) else v for k, v in self.args.items()}
        said = told.format(**args) if args else told
        return ("" if locale == "zh_CN" else " ").join([said, *(each.say(locale) for each in self.more)])


def told(sentence: str, **args: object) -> Told:
    """Build a sentence; the arguments become text."""
    return Told(sentence, {k: str(v) for k, v in args.items()})


def as_is(text: str) -> Told:
    """Return what was already said by somebody else, such as an error of the configuration."""
    return Told("{text}", {"text": text})


class Spoken(Told, frozen=True):
    """A sentence that somebody else has said, in every language."""

    by: Mapping[str, str] = {}

    def say(self, locale: str = "en") -> str:
        """Return the sentence in a language."""
        return self.by[locale]


NOTHING = Told("")


class Finding(msgspec.Struct, frozen=True):
    """One thing to know."""

    name: str
    severity: Severity
    what: Told
    todo: Told = NOTHING

    @property
    def sentence(self) -> str:
        """Return what is wrong, in English."""
        return self.what.say()

    @property
    def suggestion(self) -> str:
        """Return what to do, in English."""
        return self.todo.say()

    def as_json(self, locale: str = "en") -> dict[str, str]:
        """Return what commands and pages show."""
        return {
            "name": self.name,
            "severity": self.severity,
            "sentence": self.what.say(locale),
            "suggestion": self.todo.say(locale),
        }


class Light(msgspec.Struct, frozen=True):
    """One of the four lights."""

    state: State
    detail: Told

    def as_json(self, locale: str = "en") -> dict[str, str]:
        """Return what commands and pages show."""
        return {"state": self.state, "detail": self.detail.say(locale)}
