"""The slips that a shop needs, as functions of their merge fields."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.coupons.record import PoolCode
from kiosk.printing.slip import Cell, Code128, Cut, Element, Feed, Qr, Row, Rule, Slip, Text
from ui.money import day, moment, offer, yuan
from ui.texts import Texts, texts

BLANK = Feed(lines=1)


def words(locale: str) -> Texts:
    """Return the texts of the kiosk."""
    return texts("kiosk", "kiosk", locale)


def _head(merchant: str, store: str) -> list[Element]:
    """Shop name double size and centred; the store below it."""
    made: list[Element] = [Text(text=merchant, align="center", width=2, height=2, bold=True)]
    return [*made, Text(text=store, align="center")] if store else made


def coupon_slip(
    merchant: Merchant | None, store: Store | None, batch: Batch, code: PoolCode, locale: str
) -> Slip:
    """The slip coupon: what you get, the code three ways, then the small print and what to do next."""
    t = words(locale)
    name = (merchant.short_name or merchant.name) if merchant else ""
    elements: list[Element] = [
        *_head(name, store.name if store else ""),
        BLANK,
        Text(text=_prize(batch, locale), align="center", width=2, height=2, bold=True),
        Text(text=offer(batch.threshold, batch.value, locale, batch.kind), align="center"),
        Qr(data=code.code, level="L", module=5),
        Code128(data=code.short, height=72),
        BLANK,
        Rule(),
        Row(cells=_pair(t("Valid"), f"{day(batch.begins, locale)} - {day(batch.ends, locale)}")),
    ]
    if store and store.address:
        elements.append(Row(cells=_pair(t("Store"), store.address)))
    elements += [
        Rule(),
        Text(text=t("Show this slip at the till. One use, no change given, no copy accepted.")),
        BLANK,
        Text(text=t("See you next time"), align="center", bold=True),
        Cut(),
    ]
    return Slip(kind="coupon", elements=tuple(elements))


def _prize(batch: Batch, locale: str) -> str:
    t = words(locale)
    return t("Free gift") if batch.kind == "exchange" else t("¥{value} off", value=yuan(batch.value))


def _pair(name: str, value: str) -> tuple[Cell, Cell]:
    return (Cell(text=name, columns=8), Cell(text=value, columns=24, align="right"))


def claim_slip(merchant: Merchant | None, store: Store, locale: str) -> Slip:
    """The store's link on paper."""
    t = words(locale)
    return Slip(
        kind="claim",
        elements=(
            *_head(merchant.name if merchant else "", store.name),
            BLANK,
            Text(text=t("Scan for coupons"), align="center", width=2, height=2, bold=True),
            Qr(data=store.link, level="M", module=8),
            Text(text=t("Open WeChat, scan, claim; pay with the coupon."), align="center"),
            Cut(),
        ),
    )


def receipt_slip(
    store: Store | None, batch: Batch | None, rid: str, verdict: str, at: datetime, locale: str
) -> Slip:
    """The record of a redemption for the customer or the till."""
    t = words(locale)
    rows: list[Element] = [
        Row(cells=_pair(t("Coupon"), batch.name if batch else "-")),
        Row(cells=_pair(t("Value"), f"￥{yuan(batch.value)}" if batch else "-")),
        Row(cells=_pair(t("Time"), moment(at, locale))),
        Row(
            cells=_pair(
                t("State"),
                t("Confirmed by the cloud")
                if verdict == "confirmed"
                else t("Accepted here under the batch's rule"),
            )
        ),
        Row(cells=_pair(t("Number"), rid)),
    ]
    return Slip(
        kind="receipt",
        elements=(
            Text(text=t("Coupon redeemed"), align="center", width=2, height=2, bold=True),
            Text(text=store.name if store else "", align="center"),
            Rule(),
            *rows,
            Cut(),
        ),
    )


class DayLine(Struct, frozen=True):
    """One batch of a day report; value in fen."""

    name: str
    claimed: int
    redeemed: int
    value: int
    void: int
    conflicts: int


def day_slip(store: str, date: str, lines: list[DayLine], locale: str) -> Slip:
    """The day's figures with a line to sign."""
    t = words(locale)
    elements: list[Element] = [
        Text(text=t("Day report"), align="center", width=2, height=2, bold=True),
        Text(text=f"{store} {date}".strip(), align="center"),
    ]
    for line in lines:
        elements += [
            Rule(),
            Text(text=line.name, bold=True),
            Row(cells=_pair(t("Claimed"), str(line.claimed))),
            Row(cells=_pair(t("Redeemed"), f"{line.redeemed}  ￥{yuan(line.value)}")),
            Row(cells=_pair(t("Void"), str(line.void))),
            Row(cells=_pair(t("Conflicts"), str(line.conflicts))),
        ]
    total = sum(line.value for line in lines)
    elements += [
        Rule(char="="),
        Row(cells=_pair(t("Total"), f"{sum(line.redeemed for line in lines)}  ￥{yuan(total)}"), bold=True),
        Feed(lines=2),
        Text(text=t("Signature") + " ____________________"),
        Cut(),
    ]
    return Slip(kind="day", elements=tuple(elements))


def self_test_slip(printer: str, at: datetime, locale: str) -> Slip:
    """Everything a printer must be able to do; a photo of it answers support questions."""
    t = words(locale)
    return Slip(
        kind="self-test",
        elements=(
            Text(text=t("Self-test"), align="center", width=2, height=2, bold=True),
            Row(cells=_pair(t("Printer"), printer)),
            Row(cells=_pair(t("Time"), moment(at, locale))),
            Rule(),
            Text(text="中文：￥—①“引号”，。"),
            Text(text="ABCDEFGHIJ abcdefghij 0123456789"),
            Text(text="粗体 Bold", bold=True),
            Text(text="下划线 Underline", underline=True),
            Text(text="倍宽 Wide", width=2),
            Text(text="倍高 Tall", height=2),
            Qr(data="https://example.com/self-test", level="M", module=6),
            Code128(data="12345678901234567890"),
            Cut(),
        ),
    )


def status_slip(name: str, lines: list[tuple[str, str]], locale: str) -> Slip:
    """Addresses, network, versions: the printer as a diagnostic tool."""
    t = words(locale)
    return Slip(
        kind="status",
        elements=(
            Text(text=t("Kiosk status"), align="center", width=2, height=2, bold=True),
            Text(text=name, align="center"),
            Rule(),
            *(Row(cells=_pair(k, v)) for k, v in lines),
            Cut(),
        ),
    )


def enrolment_slip(code: str, hub: str, locale: str) -> Slip:
    """The code that an operator types to let this kiosk in."""
    t = words(locale)
    return Slip(
        kind="enrolment",
        elements=(
            Text(text=t("New kiosk"), align="center", width=2, height=2, bold=True),
            Text(text=t("Enter this code in the fleet console within 15 minutes."), align="center"),
            BLANK,
            Text(text=code, align="center", width=2, height=2, bold=True),
            Qr(data=f"{hub.rstrip('/')}/admin", level="M", module=6),
            Cut(),
        ),
    )
