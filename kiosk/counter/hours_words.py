"""What the counter page says of the opening hours and of days on which the shop stays closed. Pure."""

from __future__ import annotations

from datetime import datetime

from kiosk.counter.opening import Opening
from kiosk.counter.words import counter_texts
from ui.money import day

AHEAD_DAYS = 14
"""Holidays are said two weeks ahead, when people begin to plan around them."""


def hours(opening: Opening, at: datetime, locale: str) -> str:
    """Return today's hours; empty where the shop has told none, and on a day off."""
    window = opening.today(at)
    if window is None:
        return ""
    t = counter_texts(locale)
    if window[0] == window[1]:
        return t("Open 24 hours")
    return t("Open {opens}–{closes}", opens=f"{window[0]:%H:%M}", closes=f"{window[1]:%H:%M}")


def notice(opening: Opening, at: datetime, locale: str) -> str:
    """Return the next days off within two weeks; empty: none."""
    off = opening.next_days_off(at, AHEAD_DAYS)
    if off is None:
        return ""
    t, (first, last) = counter_texts(locale), off
    if first.date() == last.date():
        return t("Closed on {day}", day=day(first, locale, at))
    return t("Closed {first} to {last}", first=day(first, locale, at), last=day(last, locale, at))
