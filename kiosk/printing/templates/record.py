"""What the shop keeps: the record of a redemption, the notice of a conflict, the day's figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from kiosk.coupons.batch import Batch, Store
from kiosk.printing.layout import readable
from kiosk.printing.slip import Cell, Cut, Element, Feed, Row, Rule, Slip, Text
from kiosk.printing.templates.parts import centre, cuts, moment, pair, short, title, under, words
from ui.marks import N_
from ui.money import yuan

VERDICTS = {
    "confirmed": N_("Confirmed by the cloud"),
    "offline": N_("Accepted here under the batch's rule"),
}


def receipt_slip(
    store: Store | None, batch: Batch | None, rid: str, verdict: str, at: datetime, locale: str
) -> Slip:
    """The record of a redemption for the customer or the till; it claims no more certainty than there is."""
    t = words(locale)
    gift = batch is not None and batch.kind == "exchange"
    elements: list[Element] = [
        title(t("Coupon redeemed")),
        *([centre(short(store.name))] if store else []),
        Rule(char="="),
        *(under(t("Coupon"), batch.name) if batch else []),
        *([pair(t("Value"), f"￥{yuan(batch.value)}", bold=True)] if batch and not gift else []),
        pair(t("Time"), moment(at, locale)),
        *under(t("State"), t(VERDICTS.get(verdict, verdict))),
        *under(t("Number"), rid),
        Cut(),
    ]
    return Slip(kind="receipt", elements=tuple(elements), notes=cuts(store.name) if store else ())


class ConflictUse(Struct, frozen=True):
    """One of the uses of a coupon that was used too often."""

    store: str
    kiosk: str
    at: datetime


def conflict_slip(
    batch: Batch | None, coupon: str, uses: Sequence[ConflictUse], value: int, locale: str
) -> Slip:
    """The notice that a coupon was honoured more than once while a kiosk was offline; `value` of the excess in fen."""
    t = words(locale)
    elements: list[Element] = [
        title(t("Conflict notice")),
        centre(t("This coupon was honoured more than once.")),
        Rule(char="="),
        *(under(t("Coupon"), batch.name) if batch else []),
        *under(t("Number"), readable(coupon)),
        pair(t("Excess"), f"￥{yuan(value)}", bold=True),
    ]
    for n, use in enumerate(uses, 1):
        elements += [
            Rule(),
            pair(t("Use {n}", n=n), moment(use.at, locale)),
            *under(t("Store"), short(use.store)),
            *under(t("Kiosk"), use.kiosk),
        ]
    elements += [
        Rule(),
        Text(text=t("Nothing is to be done at the till. Head office settles it by this record.")),
        Cut(),
    ]
    return Slip(kind="conflict", elements=tuple(elements), notes=cuts(*(use.store for use in uses)))


class DayLine(Struct, frozen=True):
    """One batch of a day report; value in fen."""

    name: str
    claimed: int
    redeemed: int
    value: int
    void: int
    conflicts: int


def day_slip(store: str, date: str, lines: list[DayLine], locale: str) -> Slip:
    """The day's figures, batch by batch and in all, with a line to sign."""
    t = words(locale)
    elements: list[Element] = [
        title(t("Day report")),
        *([centre(short(store))] if store else []),
        centre(date),
        Rule(char="="),
    ]
    if not lines:
        elements += [centre(t("Nothing yet today.")), Rule(char="=")]
    for line in lines:
        elements += [Text(text=line.name, bold=True), *_figures(line, locale), Rule()]
    if lines:
        total = DayLine(t("Total"), *(sum(column) for column in zip(*map(_numbers, lines), strict=True)))
        elements[-1] = Rule(char="=")
        elements += [
            pair(t("Total"), f"￥{yuan(total.value)}", bold=True),
            *_figures(total, locale, value=False),
            Rule(char="="),
        ]
    elements += [Feed(lines=2), Text(text=t("Signature") + " ____________________"), Cut()]
    return Slip(kind="day", elements=tuple(elements), notes=cuts(store))


def _numbers(line: DayLine) -> tuple[int, int, int, int, int]:
    return line.claimed, line.redeemed, line.value, line.void, line.conflicts


def _figures(line: DayLine, locale: str, *, value: bool = True) -> list[Element]:
    """Four counts under their names, and the value."""
    t = words(locale)
    names = (t("Claimed"), t("Redeemed"), t("Void"), t("Conflicts"))
    counts = (line.claimed, line.redeemed, line.void, line.conflicts)
    made: list[Element] = [_four(names), _four([str(n) for n in counts])]
    return [*made, pair(t("Value"), f"￥{yuan(line.value)}")] if value else made


def _four(texts: Sequence[str]) -> Row:
    return Row(
        cells=tuple(
            Cell(text=text, columns=w, align="right") for text, w in zip(texts, (7, 9, 6, 10), strict=True)
        ),
        stretch=True,
    )
