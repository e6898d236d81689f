"""T7: weekdays and hours where a clock is put forward and back, and wherever the machine believes to be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kiosk.coupons import rules
from kiosk.coupons.batch import Batch, Hours
from kiosk.coupons.rules import check
from kiosk.coupons.verdict import Reason

BERLIN = ZoneInfo("Europe/Berlin")


def of(hours: tuple[str, str] | None = None, weekdays: tuple[int, ...] | None = None) -> Batch:
    return Batch(
        stock_id="B", product="merchant_coupon", name="B", value=100, threshold=0,
        begins=datetime(1980, 1, 1, tzinfo=UTC), ends=datetime(2050, 1, 1, tzinfo=UTC),
        hours=(Hours(*hours),) if hours else None, weekdays=weekdays,
    )  # fmt: skip


def at(batch: Batch, text: str) -> Reason:
    return check(batch, now=datetime.fromisoformat(text), store="S1").refusal


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop where clocks are put forward and back; Shanghai has not done so since 1991."""
    monkeypatch.setattr(rules, "SHANGHAI", BERLIN)


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2026-03-29T00:59:59+00:00", "wrong_time"),  # 01:59:59 in winter
        ("2026-03-29T01:00:00+00:00", ""),  # 03:00 in summer: there is no 02:00
        ("2026-03-29T01:29:59+00:00", ""),
        ("2026-03-29T01:30:00+00:00", "wrong_time"),
    ],
)
def test_a_clock_put_forward_skips_what_is_not_there(berlin: None, moment: str, reason: Reason) -> None:
    assert at(of(("02:30", "03:30")), moment) == reason


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2026-10-24T23:59:59+00:00", "wrong_time"),
        ("2026-10-25T00:15:00+00:00", ""),  # 02:15 in summer
        ("2026-10-25T00:45:00+00:00", "wrong_time"),
        ("2026-10-25T01:15:00+00:00", ""),  # 02:15 again, in winter
        ("2026-10-25T01:45:00+00:00", "wrong_time"),
    ],
)
def test_a_clock_put_back_shows_an_hour_twice(berlin: None, moment: str, reason: Reason) -> None:
    assert at(of(("02:00", "02:30")), moment) == reason


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2026-03-28T22:59:59+00:00", "wrong_day"),  # Saturday
        ("2026-03-28T23:00:00+00:00", ""),
        ("2026-03-29T21:59:59+00:00", ""),  # a Sunday of 23 hours
        ("2026-03-29T22:00:00+00:00", "wrong_day"),
        ("2026-10-24T21:59:59+00:00", "wrong_day"),
        ("2026-10-24T22:00:00+00:00", ""),
        ("2026-10-25T22:59:59+00:00", ""),  # and one of 25
        ("2026-10-25T23:00:00+00:00", "wrong_day"),
    ],
)
def test_a_day_of_the_clock_change_is_as_long_as_it_is(berlin: None, moment: str, reason: Reason) -> None:
    assert at(of(weekdays=(7,)), moment) == reason


def test_a_window_across_midnight_holds_on_the_night_of_the_clock_change(berlin: None) -> None:
    night = of(("22:00", "02:30"))
    assert at(night, "2026-10-25T01:15:00+00:00") == ""
    assert at(night, "2026-10-25T01:45:00+00:00") == "wrong_time"


def test_shanghai_had_summers_of_its_own() -> None:
    """1986 to 1991; a batch that old is a mistake, not a crash."""
    morning = of(("09:00", "10:00"))
    assert at(morning, "1988-07-01T00:30:00+00:00") == ""
    assert at(morning, "1988-12-01T00:30:00+00:00") == "wrong_time"
    assert at(morning, "2026-07-01T01:30:00+00:00") == ""


@pytest.fixture(params=["UTC", "America/New_York", "Pacific/Kiritimati"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that was set up for somewhere else."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("moment", "reason"), [("2026-11-25T09:30:00+08:00", ""), ("2026-11-25T08:59:59+08:00", "wrong_time")]
)
def test_the_machines_own_clock_zone_is_no_matter(zone: None, moment: str, reason: Reason) -> None:
    assert at(of(("09:00", "10:00"), (3,)), moment) == reason


@pytest.mark.parametrize(
    "second", ["2016-12-31T23:59:59.999999+00:00", "2017-01-01T00:00:00+00:00", "2038-01-19T03:14:08+00:00"]
)
def test_a_clock_at_an_odd_second_is_judged_like_any_other(second: str) -> None:
    assert at(of(), second) == ""
