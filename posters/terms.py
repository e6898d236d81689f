"""Amount and date: what goes stale on paper. A permanent material carries neither, a versioned one says both. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from urllib.parse import parse_qsl, urlsplit

from posters.errors import RefusedError
from posters.merge import places
from posters.result import Finding
from posters.schema import Template

TERMS = ("amount", "until")
_STALE_KEYS = frozenset(
    "amount money price fee value discount off date day until expire expires expiry end valid".split()
)
_DAY = re.compile(r"(?<!\d)20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)")


def demand(template: Template, template_id: str, merged: Mapping[str, str]) -> list[Finding]:
    """Return what to tell of amount and date; refuse a versioned piece without them and a permanent code with them."""
    if merged["until"]:
        _check_day(merged["until"])
    unused: list[str]
    if template.kind == "versioned":
        for name in (*TERMS, "revision"):
            if not merged[name]:
                sentence = "the field {field} is empty; {template} says amount and last day, and its revision tells it apart"
                raise RefusedError("missing", name, sentence, field=name, template=template_id)
        spoken = _spoken(template)
        unused = [name for name in ("headline", "subline") if merged[name] and name in spoken]
    else:
        _check_link(merged["url"])
        unused = [name for name in TERMS if merged[name]]
    sentence = "this template has no place for {field}: it was left out"
    return [Finding.of("note", "unused", name, sentence, field=name) for name in unused]


def _spoken(template: Template) -> set[str]:
    """Return the words that say amount or date, which no field may silence."""
    return {name for words in template.words.values() for name, text in words.items() if says_terms(text)}


def says_terms(text: str) -> bool:
    """Say whether a word of a template holds amount or date."""
    return bool(places(text) & set(TERMS))


def of(template: Template, merged: Mapping[str, str]) -> str:
    """Return what a piece promises, for the ledger; empty for a permanent one."""
    return f"{merged['amount']} / {merged['until']}" if template.kind == "versioned" else ""


def _check_day(value: str) -> None:
    try:
        good = date.fromisoformat(value).isoformat() == value
    except ValueError:
        good = False
    if not good:
        raise RefusedError("date", "until", "until is a day such as 2026-12-31, not {value}", value=value)


def _check_link(url: str) -> None:
    """Refuse a link that names an amount or a day: the paper outlives both."""
    parts = urlsplit(url)
    stale = [f"{key}={value}" for key, value in parse_qsl(parts.query) if key.lower() in _STALE_KEYS]
    stale += _DAY.findall(url)
    if stale:
        sentence = "url carries {part}: a permanent code names no amount and no day; shorten the link or take a versioned template"
        raise RefusedError("stale-link", "url", sentence, part=stale[0])
