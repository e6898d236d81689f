"""The journal for people and other programs: rows as plain values, page by page, oldest first."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from kiosk.journal.errors import JournalError, explain
from kiosk.journal.items import text, verify

COLUMNS = (
    "epoch", "seq", "at", "kind", "rid", "stock_id", "coupon", "verdict", "value_fen", "threshold", "reason", "uploaded_at",
    "hub_status", "hub_verdict", "hash",
)  # fmt: skip


def page(
    db: sqlite3.Connection, since: datetime | None, until: datetime | None, after: str, limit: int
) -> tuple[list[dict[str, Any]], str]:
    """Return up to `limit` rows after a position (`at|epoch:seq`, empty: the beginning) and the next position, empty at the end."""
    at, _, place = after.partition("|")
    epoch, _, seq = place.rpartition(":")
    rows = db.execute(
        "SELECT * FROM item WHERE at >= ? AND at < ? AND coalesce(status, '') != 'moved' AND (at, epoch, seq) > (?, ?, ?)"
        " ORDER BY at, epoch, seq LIMIT ?",
        (
            text(since) if since else "",
            text(until) if until else "9999",
            at,
            epoch,
            int(seq) if seq.isdigit() else 0,
            limit + 1,
        ),
    ).fetchall()
    kept = rows[:limit]
    last = kept[-1] if len(rows) > limit else None
    return [_plain(r) for r in kept], f"{last['at']}|{last['epoch']}:{last['seq']}" if last else ""


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    body = json.loads(row["body"])
    value = body.get("value")
    return {
        "epoch": row["epoch"],
        "seq": row["seq"],
        "at": row["at"],
        "kind": row["kind"],
        "rid": row["rid"],
        "stock_id": body.get("stock_id") or "",
        "coupon": body.get("coupon") or "",
        "verdict": body.get("verdict") or body.get("outcome") or "",
        "value_fen": "" if value is None else value,
        "threshold": body.get("threshold") or "",
        "reason": body.get("reason") or body.get("why") or "",
        "uploaded_at": row["acked_at"] or "",
        "hub_status": row["status"] or "",
        "hub_verdict": row["verdict"] or "",
        "hash": row["hash"],
    }


class Shelf:
    """A journal whose kiosk does not run, opened for reading only."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "journal.db"

    def __enter__(self) -> Shelf:
        if not self._path.is_file():
            raise JournalError(
                "io", f"{self._path}: there is no journal; name the kiosk's configuration with -c."
            )
        try:
            self._db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
            self._db.row_factory = sqlite3.Row
            self._db.execute("SELECT 1 FROM item LIMIT 1")
        except sqlite3.Error as err:
            raise explain(err, self._path) from err
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def page(
        self, since: datetime | None, until: datetime | None, after: str, limit: int
    ) -> tuple[list[dict[str, Any]], str]:
        """Return a page of rows and the next position."""
        return page(self._db, since, until, after, limit)

    def verify(self) -> tuple[int, int | None]:
        """Walk the hash chain: rows seen, and the first sequence number that does not fit."""
        return verify(self._db)
