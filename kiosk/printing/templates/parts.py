"""What the slips have in common: a title, a name, pairs of name and value, dates that stay right for years."""

from __future__ import annotations

from datetime import datetime

from kiosk.printing.columns import columns
from kiosk.printing.slip import Cell, Element, Row, Text
from ui.money import local
from ui.texts import Texts, texts

LARGE = 16
"""Columns of a double-width line on the narrowest paper (384 dots)."""
LABEL = 8
NAME_MOST = 60
"""Characters of a shop's name: four lines of Chinese on the narrowest paper."""


def words(locale: str) -> Texts:
    """Return the texts of the kiosk."""
    return texts("kiosk", "kiosk", locale)


def title(text: str) -> Text:
    """Say what a slip is."""
    return Text(text=text, align="center", width=2, height=2, bold=True)


def short(text: str) -> str:
    """Return a name; one that is too long is cut, which shows."""
    return text if len(text) <= NAME_MOST else text[: NAME_MOST - 1] + "…"


def cuts(*names: str) -> tuple[str, ...]:
    """Say of each name that `short` had to cut what became of it."""
    return tuple(
        dict.fromkeys(
            f"a name has {len(n)} characters, {NAME_MOST} are printed: {n[:12]!r}…."
            for n in names
            if len(n) > NAME_MOST
        )
    )


def centre(text: str, *, bold: bool = False) -> Text:
    """A line in the middle."""
    return Text(text=text, align="center", bold=bold)


def name(text: str) -> Text:
    """Name a shop: large where that takes one line, else two lines or a few."""
    text = short(text)
    if columns(text) <= 2 * LARGE:
        return Text(text=text, align="center", width=2, height=2)
    return Text(text=text, align="center", height=2, bold=True)


def pair(label: str, value: str, *, bold: bool = False) -> Row:
    """A name on the left, its value on the right; the value takes the rest of the paper, a long one some of the name's."""
    first = max(columns(label) + 1, min(LABEL, 2 * LARGE - columns(value)))
    return Row(
        cells=(Cell(text=label, columns=first), Cell(text=value, columns=2 * LARGE - first, align="right")),
        bold=bold,
        stretch=True,
    )


def under(label: str, value: str) -> list[Element]:
    """A pair whose value may be long: it then breaks inside its own column, beside the name."""
    if columns(value) <= 2 * LARGE - columns(label) - 1:
        return [pair(label, value)]
    if columns(label) >= LABEL:
        return [Text(text=label), Text(text=value, align="right")]
    return [Row(cells=(Cell(text=label, columns=LABEL), Cell(text=value, columns=24)), stretch=True)]


def date(at: datetime, locale: str) -> str:
    """Return a day with its year: a slip is read long after it was printed."""
    here = local(at)
    return f"{here.day} {here:%b %Y}" if locale == "en" else f"{here.year}.{here.month}.{here.day}"


def moment(at: datetime, locale: str) -> str:
    """Return a day and a time of day."""
    return f"{date(at, locale)} {local(at):%H:%M}"


def period(begins: datetime, ends: datetime, locale: str) -> str:
    """Return a period; at most 24 columns in Chinese and 25 in English."""
    if local(begins).date() == local(ends).date():
        return date(begins, locale)
    return f"{date(begins, locale)} - {date(ends, locale)}"
