"""Saves what can be read from a damaged journal: redemptions that the hub has not seen, uses, slip codes, print jobs, people,
programs with a token, answers kept for who asks again.

A damaged page takes some rows with it, seldom all: each table is read from both ends up to the damage, without its other
indexes. An item is only believed when its own hash fits (facts: sync-fleet A7, A11).
"""

from __future__ import annotations

import logging
import re
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from kiosk.coupons.record import Item, item_hash
from kiosk.journal import items
from kiosk.journal.pool import close_handed_out

log = logging.getLogger(__name__)
Row = dict[str, Any]
NOTHING, HALF = "\0", re.compile("[\ud800-\udfff]")
ENDS = {
    "item": "NOT INDEXED ORDER BY epoch {d}, seq {d}",
    "attempt": "NOT INDEXED ORDER BY rowid {d}",
    "used": "NOT INDEXED ORDER BY rowid {d}",
    "pool": "NOT INDEXED ORDER BY rowid {d}",
    "elsewhere": "ORDER BY rid {d}",
    "void_code": "ORDER BY coupon {d}",
    "job": "NOT INDEXED ORDER BY rowid {d}",
    "act": "NOT INDEXED ORDER BY n {d}",
    "person": "ORDER BY id {d}",
    "decided": "ORDER BY epoch {d}, seq {d}",
    "day_total": "ORDER BY day {d}, stock_id {d}",
    "client": "ORDER BY id {d}",
    "answer": "ORDER BY client {d}, key {d}",
    "fact": "ORDER BY name {d}",
}
PEOPLE_FACTS = ("pin_failures", "pin_salt", "hidden_batches")
KEPT_FACTS = ("enrolled", "database", "time", "unclean_boots", *PEOPLE_FACTS)
"""What is true of this kiosk whatever became of its journal."""


class Saved(msgspec.Struct, frozen=True):
    """Rows of the damaged file, by table, and the items that the hub has not acknowledged."""

    tables: dict[str, list[Row]]
    waiting: list[Item]
    kept: dict[str, dict[int, str]]
    """Numbers and hashes of the items that are whole, by epoch."""
    epoch: str
    """The one that was running; empty where that cannot be read."""


def read(aside: Path) -> Saved:
    """Read a set-aside journal and its log without changing them; what cannot be read is left out."""
    with tempfile.TemporaryDirectory(dir=aside.parent, prefix="salvage-") as work:
        copy = Path(work) / "journal.db"
        for suffix in ("", "-wal"):
            part = Path(f"{aside}{suffix}")
            if part.is_file():
                shutil.copyfile(part, f"{copy}{suffix}")
        db = sqlite3.connect(copy, isolation_level=None)
        try:
            db.row_factory = sqlite3.Row
            db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            tables = {table: _rows(db, table) for table in ENDS}
        finally:
            db.close()
    whole = [(str(r["epoch"]), item, r["acked_at"]) for r in tables["item"] if (item := _item(r))]
    whole.sort(key=lambda one: (one[0], one[1].seq))
    kept: dict[str, dict[int, str]] = {}
    for epoch, item, _ in whole:
        kept.setdefault(epoch, {})[item.seq] = item.hash
    running = [str(r["value"]) for r in tables["fact"] if r["name"] == "epoch"]
    waiting = [item for _, item, acked_at in whole if acked_at is None]
    return Saved(tables, waiting, kept, running[0] if running else "")


def _rows(db: sqlite3.Connection, table: str) -> list[Row]:
    """Read a table from its beginning and from its end, each up to the damage."""
    found: dict[tuple[Any, ...], Row] = {}
    for direction in ("ASC", "DESC"):
        try:
            for row in db.execute(f"SELECT * FROM {table} {ENDS[table].format(d=direction)}"):  # noqa: S608  (our own words)
                if table == "item" or _whole(row):
                    found[tuple(row)] = dict(row)
        except sqlite3.DatabaseError:
            continue  # the damage: the other end may have more
    return list(found.values())


def _whole(row: sqlite3.Row) -> bool:
    """Tell whether a row may be what was written: half a sector reads as zeros, or as bytes that are no text (kept as surrogates)."""
    texts = [value for value in row if isinstance(value, str)]
    return not any(NOTHING in one or HALF.search(one) for one in texts)


def _item(row: Row) -> Item | None:
    """Return an item whose hash proves that it is whole."""
    try:
        item = items.build(row)
        fits = item_hash(row["prev"], item.seq, item.kind, item.rid, item.body, item.t) == item.hash
    except (ValueError, TypeError, msgspec.MsgspecError):
        return None
    return item if fits else None


def restore(db: sqlite3.Connection, saved: Saved) -> None:
    """Put saved rows into a fresh journal; rows that do not fit its rules are left out."""
    for table in (t for t in ENDS if t not in ("item", "fact")):
        known = {r["name"] for r in db.execute(f"PRAGMA table_info({table})")}
        for row in saved.tables[table]:
            if table == "pool" and row["rid"] is None:
                continue  # a code that was not handed out yet is no loss; one with a wrong bit would be on paper
            _put(db, table, {c: row[c] for c in row if c in known})
    for row in saved.tables["fact"]:
        if row["name"] in KEPT_FACTS:
            _put(db, "fact", row)
    # Its print jobs may be among what was lost: what is on paper must not be printed for the next customer.
    close_handed_out(db)
    _uses_of(db, saved.waiting)
    _voids_of(db, saved)


def _put(db: sqlite3.Connection, table: str, row: Row) -> None:
    """Put a row back."""
    marks = ", ".join("?" * len(row))
    try:
        db.execute(
            f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({marks})",  # noqa: S608  (our own words)
            list(row.values()),
        )
    except (
        sqlite3.IntegrityError
    ) as err:  # of another kind than the column takes, which IGNORE does not cover
        log.warning("a row of %s in the damaged journal is left out: %s", table, err)


def _uses_of(db: sqlite3.Connection, waiting: list[Item]) -> None:
    """Let saved redemptions count as uses also where the table of uses was hit."""
    undone = {str(i.body.get("of")) for i in waiting if i.kind == "rollback"}
    for item in waiting:
        if item.kind == "redeem_record" and item.rid not in undone and item.body.get("coupon"):
            db.execute(
                "INSERT OR IGNORE INTO used VALUES (?, ?, ?, ?)",
                (item.rid, item.body["coupon"], item.body.get("store", ""), items.text(item.t.trusted)),
            )


def _voids_of(db: sqlite3.Connection, saved: Saved) -> None:
    """Let saved replacements count also where the table of void codes was hit."""
    claims = {r["coupon"]: r["rid"] for r in saved.tables["pool"]}
    for item in saved.waiting:
        if item.kind == "code_void" and (coupon := item.body.get("coupon")):
            values = (coupon, claims.get(coupon) or "", items.text(item.t.trusted))
            db.execute("INSERT OR IGNORE INTO void_code VALUES (?, ?, ?)", values)
