"""Rows of the journal: appended, never changed but for their acknowledgement. Pure SQL on a connection."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import UTC, datetime
from typing import Any

import msgspec

from kiosk.clock import Clock
from kiosk.coupons.record import GENESIS, Item, ItemKind, Stamp, item_hash

CHAIN = "SELECT epoch, seq, kind, rid, body, t, prev, hash FROM item ORDER BY epoch, seq"
_plain, _bytes = msgspec.json.Decoder().decode, msgspec.json.Encoder(order="sorted").encode


def stamp(clock: Clock) -> Stamp:
    """Return the time by every clock."""
    trusted = clock.trusted()
    return Stamp(clock.wall(), round(clock.mono(), 3), clock.boot, trusted.at, trusted.error_s)


def tip(db: sqlite3.Connection, epoch: str) -> tuple[int, str]:
    """Return the last sequence number of an epoch and its hash."""
    row = db.execute(
        "SELECT seq, hash FROM item WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (epoch,)
    ).fetchone()
    if row is None:
        kept = db.execute("SELECT value FROM fact WHERE name = 'anchor'").fetchone()
        if kept is not None:
            anchor = json.loads(kept[0])
            if anchor["epoch"] == epoch:
                return anchor["seq"], anchor["hash"]
        return 0, GENESIS
    return row["seq"], row["hash"]


def append(
    db: sqlite3.Connection, epoch: str, t: Stamp, kind: ItemKind, rid: str, body: dict[str, Any]
) -> int:
    """Append an item that happened at `t` and return its sequence number."""
    seq, prev = tip(db, epoch)
    seq += 1
    plain = json.loads(msgspec.json.encode(body))
    mark = item_hash(prev, seq, kind, rid, plain, t)
    db.execute(
        "INSERT INTO item (epoch, seq, kind, rid, body, t, prev, hash, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            epoch,
            seq,
            kind,
            rid,
            json.dumps(plain, ensure_ascii=False),
            msgspec.json.encode(t).decode(),
            prev,
            mark,
            text(t.trusted),
        ),
    )
    return seq


def move(db: sqlite3.Connection, row: sqlite3.Row, fresh: str, now: str) -> None:
    """Append a row of another epoch to `fresh` with its own time; the old one is kept for the retention and goes up no more.

    What people have decided of it goes with it.
    """
    old = build(row)
    seq = append(db, fresh, old.t, old.kind, old.rid, old.body)
    db.execute("UPDATE attempt SET seq = ? WHERE rid = ? AND seq = ?", (seq, old.rid, old.seq))
    db.execute(
        "INSERT OR IGNORE INTO decided SELECT ?, ?, name, at FROM decided WHERE epoch = ? AND seq = ?",
        (fresh, seq, row["epoch"], row["seq"]),
    )
    db.execute(
        "UPDATE item SET acked_at = ?, status = 'moved', detail = ? WHERE epoch = ? AND seq = ?",
        (now, fresh, row["epoch"], row["seq"]),
    )


def text(at: datetime) -> str:
    """Return a time as fixed-width text, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(value: str) -> datetime:
    """Return a time from its text."""
    return datetime.fromisoformat(value)


def build(row: sqlite3.Row | dict[str, Any]) -> Item:
    """Return a row as the wire's item."""
    stamp = msgspec.json.decode(row["t"], type=Stamp)
    return Item(row["seq"], row["kind"], row["rid"], json.loads(row["body"]), stamp, row["hash"])


def waiting(db: sqlite3.Connection, epoch: str, limit: int, max_bytes: int) -> list[sqlite3.Row]:
    """Return the oldest items that were not acknowledged, of one epoch, contiguous, within the limits; the running one last."""
    first = db.execute(
        "SELECT epoch FROM item WHERE acked_at IS NULL ORDER BY epoch = ?, epoch LIMIT 1", (epoch,)
    ).fetchone()
    if first is None:
        return []
    rows = db.execute(
        "SELECT * FROM item WHERE epoch = ? AND acked_at IS NULL ORDER BY seq LIMIT ?",
        (first["epoch"], limit),
    ).fetchall()
    kept: list[sqlite3.Row] = []
    size = 0
    for row in rows:
        size += len(row["body"]) + len(row["t"]) + 200
        if kept and (size > max_bytes or row["seq"] != kept[-1]["seq"] + 1):
            break
        kept.append(row)
    return kept


def _fits(seq: int, kind: str, rid: str, body: str, t: str, prev: str, mark: str) -> bool:
    """Tell whether a row's content fits its hash: that of `item_hash`, from the texts as they are stored.

    Half the time of building the item first, which every start pays for each row that is kept.
    """
    raw = _bytes([seq, kind, rid, _plain(body), _plain(t)])
    return hashlib.sha256(prev.encode() + b"\n" + raw).hexdigest() == mark


def verify(db: sqlite3.Connection) -> tuple[int, int | None]:
    """Walk the chain of every epoch; return rows seen and the first sequence number that does not fit (150 ms for 50,000)."""
    count, epoch, last, end = 0, "", 0, GENESIS
    kept = db.execute("SELECT value FROM fact WHERE name = 'anchor'").fetchone()
    anchor: dict[str, Any] = json.loads(kept[0]) if kept else {"epoch": ""}
    for of, seq, kind, rid, body, t, prev, mark in db.execute(CHAIN):
        count += 1
        if of != epoch:
            epoch = of
            last, end = (anchor["seq"], anchor["hash"]) if of == anchor["epoch"] else (0, GENESIS)
        if seq != last + 1 or prev != end or not _fits(seq, kind, rid, body, t, prev, mark):
            return count, seq
        last, end = seq, mark
    return count, None


def damage(db: sqlite3.Connection) -> str:
    """Return what is wrong with the items, such as one that a card has lost between others; empty: nothing."""
    try:
        _, bad = verify(db)
    except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as err:
        return f"an item cannot be read: {err}"
    return "" if bad is None else f"item {bad} does not follow from the one before"
