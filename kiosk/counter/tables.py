"""Figures as tables: a month summed up by batch, and what the accountant gets as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from kiosk.counter.records import as_csv
from kiosk.coupons.batch import Batch
from kiosk.journal.rows import DayRow
from ui.money import yuan
from ui.texts import Texts


def sum_up(lines: Iterable[tuple[date, DayRow]]) -> list[DayRow]:
    """Return the figures of several days by batch."""
    sums: dict[str, DayRow] = {}
    for _, r in lines:
        s = sums.get(r.stock_id, DayRow(r.stock_id, 0, 0, 0, 0, 0))
        sums[r.stock_id] = DayRow(
            r.stock_id,
            s.claimed + r.claimed,
            s.redeemed + r.redeemed,
            s.value + r.value,
            s.void + r.void,
            s.conflicts + r.conflicts,
        )
    return list(sums.values())


def table(lines: Sequence[tuple[date, DayRow]], batches: Mapping[str, Batch], t: Texts) -> bytes:
    """Return a line for each day and batch as CSV; a tab keeps a spreadsheet from rounding a batch's number."""
    head = [
        t("Day"), t("Batch number"), t("Batch"), t("Handed out"), t("Redeemed"), t("Value in yuan"),
        t("Not honoured"), t("Conflicts"),
    ]  # fmt: skip
    rows = [
        (
            day.isoformat(), f"{r.stock_id}\t", batches[r.stock_id].name if r.stock_id in batches else "", r.claimed,
            r.redeemed, yuan(r.value), r.void, r.conflicts,
        )
        for day, r in lines
    ]  # fmt: skip
    return as_csv(head, rows)
