"""When the shop is open, by the shop's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.counter import hours_words
from kiosk.counter.opening import HoursError, Opening, opening

SHOP = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHOP).astimezone(UTC)


DAY = opening("08:00-22:30", {"7": "10:00-18:00"}, ["2027-02-16..2027-02-22", "2027-05-01"])
NIGHT = opening("18:00-02:00", {}, ["2027-03-03"])


@pytest.mark.parametrize(
    ("hours", "when", "is_open"),
    [
        (DAY, "2027-01-04T07:59:59", False),
        (DAY, "2027-01-04T08:00:00", True),
        (DAY, "2027-01-04T22:29:59", True),
        (DAY, "2027-01-04T22:30:00", False),
        (DAY, "2027-01-03T09:00:00", False),
        (DAY, "2027-01-03T17:00:00", True),
        (DAY, "2027-02-16T12:00:00", False),
        (DAY, "2027-02-22T12:00:00", False),
        (DAY, "2027-02-23T12:00:00", True),
        (DAY, "2027-05-01T12:00:00", False),
        (NIGHT, "2027-03-01T17:59:00", False),
        (NIGHT, "2027-03-01T23:00:00", True),
        (NIGHT, "2027-03-02T01:59:00", True),
        (NIGHT, "2027-03-02T02:00:00", False),
        (NIGHT, "2027-03-03T01:00:00", True),
        (NIGHT, "2027-03-03T19:00:00", False),
        (NIGHT, "2027-03-04T01:00:00", False),
        (Opening(), "2027-01-01T03:00:00", True),
    ],
)
def test_open_or_closed(hours: Opening, when: str, is_open: bool) -> None:
    assert hours.is_open(at(when)) is is_open


@given(st.datetimes(datetime(2027, 1, 1), datetime(2027, 12, 30)), st.sampled_from([DAY, NIGHT, Opening()]))
def test_nothing_changes_before_the_next_change(when: datetime, hours: Opening) -> None:
    now = when.replace(tzinfo=UTC, microsecond=0)
    wait = hours.next_change_s(now)
    assert 0 < wait <= 86_400
    before = {hours.is_open(now + timedelta(seconds=wait) * n / 20) for n in range(20)}
    assert before == {hours.is_open(now)}


@pytest.mark.parametrize(
    ("hours", "by_day", "holidays", "word"),
    [
        ("8-22", {}, [], "shop.hours"),
        ("08:00", {}, [], "08:00-22:30"),
        ("", {"8": "08:00-09:00"}, [], "shop.by_day"),
        ("", {"1": "25:00-26:00"}, [], "shop.by_day.1"),
        ("", {}, ["tomorrow"], "2027-02-16"),
        ("", {}, ["2027-02-22..2027-02-16"], "shop.holidays"),
    ],
)
def test_hours_that_make_no_sense_are_named(
    hours: str, by_day: dict[str, str], holidays: list[str], word: str
) -> None:
    with pytest.raises(HoursError, match=word):
        opening(hours, by_day, holidays)


@pytest.mark.parametrize(
    ("hours", "when", "said"),
    [
        (DAY, "2027-01-04T09:00:00", ("营业 08:00–22:30", "Open 08:00–22:30")),
        (DAY, "2027-01-04T07:00:00", ("营业 08:00–22:30", "Open 08:00–22:30")),
        (DAY, "2027-01-03T12:00:00", ("营业 10:00–18:00", "Open 10:00–18:00")),
        (DAY, "2027-02-16T12:00:00", ("", "")),
        (NIGHT, "2027-03-02T01:00:00", ("营业 18:00–02:00", "Open 18:00–02:00")),
        (opening("00:00-00:00", {}, []), "2027-01-04T09:00:00", ("24 小时营业", "Open 24 hours")),
        (Opening(), "2027-01-04T09:00:00", ("", "")),
    ],
)
def test_todays_hours_are_said(hours: Opening, when: str, said: tuple[str, str]) -> None:
    assert tuple(hours_words.hours(hours, at(when), locale) for locale in ("zh_CN", "en")) == said


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("2027-02-01T12:00:00", ""),
        ("2027-02-02T12:00:00", "2月16日至2月22日休息"),
        ("2027-02-15T22:00:00", "2月16日至2月22日休息"),
        ("2027-02-16T12:00:00", ""),
        ("2027-04-20T12:00:00", "5月1日休息"),
    ],
)
def test_days_off_are_said_two_weeks_ahead(when: str, said: str) -> None:
    assert hours_words.notice(DAY, at(when), "zh_CN") == said
