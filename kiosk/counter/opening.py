"""When the shop is open: daily hours, other hours on some weekdays, days on which it stays closed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

import msgspec

from ui.money import local

Window = tuple[time, time]
MIDNIGHT = time(0)


class HoursError(ValueError):
    """Hours or holidays that make no sense: one sentence."""


class Opening(msgspec.Struct, frozen=True):
    """Opening hours; without any the shop is always open. `closes` before `opens` crosses midnight."""

    daily: Window | None = None
    by_day: dict[int, Window] = {}
    """ISO weekday, Monday is 1."""
    holidays: tuple[tuple[date, date], ...] = ()
    """First and last day of each."""

    def is_open(self, at: datetime) -> bool:
        """Tell whether the shop is open; the night after a day belongs to that day."""
        here = local(at)
        return self._open_on(here.date(), here.time()) or self._still(
            here.date() - timedelta(days=1), here.time()
        )

    def _window(self, day: date) -> Window | None:
        return self.by_day.get(day.isoweekday(), self.daily)

    def _closed(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.holidays)

    def _open_on(self, day: date, at: time) -> bool:
        window = self._window(day)
        if self._closed(day):
            return False
        if window is None or window[0] == window[1]:
            return True
        opens, closes = window
        return opens <= at < closes if opens < closes else at >= opens

    def _still(self, day: date, at: time) -> bool:
        """Tell whether yesterday's hours go on past midnight until now."""
        window = self._window(day)
        return window is not None and window[1] < window[0] and at < window[1] and not self._closed(day)

    def today(self, at: datetime) -> Window | None:
        """Return the hours that hold now or next on this day; None: none were told, or it is a day off."""
        here = local(at)
        day = here.date()
        if self._still(day - timedelta(days=1), here.time()):
            return self._window(day - timedelta(days=1))
        return None if self._closed(day) else self._window(day)

    def next_days_off(self, at: datetime, within_days: int) -> tuple[datetime, datetime] | None:
        """Return the first and the last day (each at midnight) of the next holiday that begins after today, within so many days."""
        here = local(at)
        ahead = [
            (first, last)
            for first, last in self.holidays
            if here.date() < first <= here.date() + timedelta(days=within_days)
        ]
        if not ahead:
            return None
        first, last = min(ahead)
        return (
            datetime.combine(first, MIDNIGHT, here.tzinfo),
            datetime.combine(last, MIDNIGHT, here.tzinfo),
        )

    def next_change_s(self, at: datetime) -> float:
        """Return the seconds until the shop may open or close: the next edge of today or the next midnight."""
        here = local(at)
        edges = [
            MIDNIGHT,
            *(
                edge
                for day in (here.date(), here.date() - timedelta(days=1))
                for edge in self._window(day) or ()
            ),
        ]
        ahead = [
            (datetime.combine(here.date() + timedelta(days=n), edge, here.tzinfo) - here).total_seconds()
            for n in (0, 1)
            for edge in edges
        ]
        return min(s for s in ahead if s > 0)


def opening(hours: str, by_day: Mapping[str, str], holidays: Sequence[str]) -> Opening:
    """Read `08:00-22:30`, hours by ISO weekday (`7 = "10:00-18:00"`) and days (`2027-02-16`, `2027-02-16..2027-02-22`)."""
    days = {}
    for day, text in by_day.items():
        if day not in set("1234567"):
            raise HoursError(f"shop.by_day names day {day}; days are 1 (Monday) to 7 (Sunday).")
        days[int(day)] = _window(f"shop.by_day.{day}", text)
    return Opening(
        _window("shop.hours", hours) if hours else None, days, tuple(_span(text) for text in holidays)
    )


def _window(what: str, text: str) -> Window:
    first, dash, last = text.partition("-")
    try:
        if not dash:
            raise ValueError
        return time.fromisoformat(first.strip()), time.fromisoformat(last.strip())
    except ValueError:
        raise HoursError(f'{what} = "{text}" is not hours such as "08:00-22:30"; correct it.') from None


def _span(text: str) -> tuple[date, date]:
    first, _, last = text.partition("..")
    try:
        span = date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip())
        if span[1] < span[0]:
            raise ValueError
    except ValueError:
        raise HoursError(
            f'shop.holidays: "{text}" is no day such as "2027-02-16" and no span such as "2027-02-16..2027-02-22"; correct it.'
        ) from None
    return span
