"""What an epoch had when another one took its place; kept until a hub has heard of it (facts: sync-fleet A2 P6, A7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from kiosk.coupons.record import Ended

RUNS = MARKS = 100
"""A damaged journal may have holes, and many items that wait; the last ones count."""


def runs(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return the first and last number of each unbroken run."""
    found: list[tuple[int, int]] = []
    for n in sorted(set(numbers)):
        if found and found[-1][1] == n - 1:
            found[-1] = (found[-1][0], n)
        else:
            found.append((n, n))
    return tuple(found[-RUNS:])


def of(db: sqlite3.Connection, epoch: str, had: int) -> Ended:
    """Return what there is of an epoch."""
    rows = db.execute(
        "SELECT seq, hash, acked_at FROM item WHERE epoch = ? ORDER BY seq", (epoch,)
    ).fetchall()
    marks = [(int(r["seq"]), str(r["hash"])) for r in rows if r["acked_at"] is None]
    return Ended(epoch, runs(int(r["seq"]) for r in rows), had, tuple(marks[-MARKS:]))


def note(db: sqlite3.Connection, ended: Ended) -> None:
    """Note how an epoch ended; one that no hub has heard of yet stands, since that is the one that the hub knows."""
    if ended.epoch:
        text = msgspec.json.encode(ended).decode()
        db.execute("INSERT INTO fact VALUES ('ended', ?) ON CONFLICT DO NOTHING", (text,))


def noted(db: sqlite3.Connection) -> Ended | None:
    """Return what no hub has heard of yet."""
    row = db.execute("SELECT value FROM fact WHERE name = 'ended'").fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Ended)
