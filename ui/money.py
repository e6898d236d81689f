"""Money, offers and periods as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ui.texts import texts

SHANGHAI = ZoneInfo("Asia/Shanghai")


def yuan(fen: int) -> str:
    """Return fen as yuan without needless zeros: 300 -> 3, 350 -> 3.5, 12345 -> 123.45."""
    whole, rest = divmod(abs(fen), 100)
    text = f"{whole}.{rest:02}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{text}" if fen < 0 else text


def offer(threshold: int, value: int, locale: str, kind: str = "discount") -> str:
    """Return what a coupon gives in one phrase."""
    t = texts("ui", "ui", locale)
    if kind == "exchange":
        return t("exchange coupon")
    if threshold == 0:
        return t("¥{value} off", value=yuan(value))
    return t("¥{value} off ¥{threshold}", value=yuan(value), threshold=yuan(threshold))


def local(at: datetime) -> datetime:
    """Return a time in the shop's zone."""
    return at.astimezone(SHANGHAI)


def day(at: datetime, locale: str, now: datetime | None = None) -> str:
    """Return a date; without its year when it is this year's."""
    here, today = local(at), local(now or datetime.now(UTC))
    if locale == "en":
        return f"{here.day} {here:%b}" + ("" if here.year == today.year else f" {here.year}")
    return (
        f"{here.month}月{here.day}日"
        if here.year == today.year
        else f"{here.year}年{here.month}月{here.day}日"
    )


def moment(at: datetime, locale: str, now: datetime | None = None) -> str:
    """Return a time of day, with its date when it is not today's."""
    here, today = local(at), local(now or datetime.now(UTC))
    clock = f"{here:%H:%M}"
    if here.date() == today.date():
        t = texts("ui", "ui", locale)
        return t("today {clock}", clock=clock)
    return f"{day(at, locale, now)} {clock}"


def period(begins: datetime, ends: datetime, locale: str, now: datetime | None = None) -> str:
    """Return until when, or from when, something holds."""
    t = texts("ui", "ui", locale)
    if (now or datetime.now(UTC)) < begins:
        return t("{begins} to {ends}", begins=day(begins, locale, now), ends=day(ends, locale, now))
    return t("until {ends}", ends=day(ends, locale, now))
