"""Who may do what, where an older copy of the journal takes its place: nothing that was taken away comes back with it.

Both files are at rest: this is done before the journal is opened. A copy that lacks a table is of a time before such rights.
"""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from kiosk.journal.items import text

TABLES = ("person", "client", "act")
"""People, programs with their tokens, and who did what."""
LINE = "rights"
"""The fact that stands for the sessions' key: a journal that was begun anew has another one, or none yet."""
FACTS = (LINE, "sessions_ended", "phones", "phones_waiting", "pin_failures", "pin_salt")


def one_line(present: Path, copy: Path) -> bool:
    """Tell whether a journal knows what was taken away since a copy was made: it goes on from there. sqlite3.Error: no."""
    return _line(present) == _line(copy)


def _line(path: Path) -> str | None:
    with contextlib.closing(_open(path)) as db:
        row = db.execute("SELECT value FROM fact WHERE name = ?", (LINE,)).fetchone()
        return None if row is None else str(row[0])


def keep(present: Path, copy: Path) -> None:
    """Give the copy the rights of the journal whose place it takes; sqlite3.Error when one of the two cannot be read."""
    with contextlib.closing(_open(copy)) as db:
        db.execute("ATTACH ? AS present", (f"file:{present}?mode=rw",))
        with db:
            for table in TABLES:
                columns = [c for c in _columns(db, "main", table) if c in _columns(db, "present", table)]
                _take(db, table, ", ".join(columns), "true")
            _take(db, "fact", "name, value", f"name IN {FACTS}")
            _take(db, "object", "type, id, rev, body", "type = 'person'")


def _take(db: sqlite3.Connection, table: str, columns: str, which: str) -> None:
    """Replace rows of a table of the copy by those of the present."""
    if not _columns(db, "main", table):
        return
    db.execute(f"DELETE FROM main.{table} WHERE {which}")  # noqa: S608  (our own words)
    if columns and _columns(db, "present", table):
        taken = f"SELECT {columns} FROM present.{table} WHERE {which}"  # noqa: S608  (our own words)
        db.execute(f"INSERT INTO main.{table} ({columns}) {taken}")


def end(copy: Path) -> None:
    """End every token and phone of a copy of which nobody knows what was taken away since; people stay, for a manager to look at."""
    with contextlib.closing(_open(copy)) as db, db:
        if _columns(db, "main", "client"):
            db.execute(
                "UPDATE client SET revoked_at = ? WHERE revoked_at IS NULL", (text(datetime.now(UTC)),)
            )
        if _columns(db, "main", "fact"):
            db.execute("DELETE FROM fact WHERE name IN ('phones', 'phones_waiting')")


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"file:{path}?mode=rw", uri=True)
    try:
        db.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _columns(db: sqlite3.Connection, schema: str, table: str) -> list[str]:
    """Return the columns of a table; none where there is no such table."""
    return [str(row[1]) for row in db.execute(f"PRAGMA {schema}.table_info({table})")]
