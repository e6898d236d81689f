"""One commit of the journal beside bare SQLite: the same statements with the same flushes, in turns on the same disk.

Both sides append a note of a refusal: epoch and tip are looked up, one row goes in; ours has its chain hash and stamp made besides.
Measured twice: on the thread that owns the file, beside the bare commit on a thread of its own (bar: at most 1.3 times), and as
the counter waits for it, from the call on the event loop to the answer there; that way to a thread and back is 0.1 ms whatever
the disk takes. Beside it: the redemption's own two commits, INTENT and RECORD, which write more.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import shown
from kiosk.clock import SystemClock
from kiosk.coupons.ids import new_rid
from kiosk.events import Bus
from kiosk.journal.rows import Intent
from kiosk.journal.store import Journal

ROUNDS, WARM = 400, 20
BAR = 1.3


class Bare:
    """The same statements by the driver alone, in a file with the same tables."""

    def __init__(self, path: Path, tables: list[str]) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self.db.execute(f"PRAGMA {pragma}")
        for sql in tables:
            self.db.execute(sql)
        self.db.execute("INSERT INTO fact VALUES ('epoch', 'e')")

    def append(self, stamp: str) -> float:
        """Append a note of a refusal; milliseconds."""
        rid, at = new_rid(), datetime.now(UTC).isoformat()
        body = json.dumps({"coupon": None, "stock_id": "S1", "reason": "used", "by": "kiosk"})
        begun = time.perf_counter()
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        epoch = db.execute("SELECT value FROM fact WHERE name = 'epoch'").fetchone()[0]
        tip = db.execute(
            "SELECT seq, hash FROM item WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (epoch,)
        ).fetchone() or (0, "0" * 64)
        row = (epoch, tip[0] + 1, "attempt_denied", rid, body, stamp, tip[1], "f" * 64, at)
        db.execute(
            "INSERT INTO item (epoch, seq, kind, rid, body, t, prev, hash, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        db.execute("UPDATE attempt SET state = 'denied' WHERE rid = ? AND state = 'open'", (rid,))
        db.execute("COMMIT")
        return (time.perf_counter() - begun) * 1000


class Timed:
    """Notes how long each transaction takes on the journal's own thread."""

    def __init__(self, journal: Journal) -> None:
        self.last = 0.0
        self._work = journal._db._transaction
        journal._db._transaction = self._run  # type: ignore[method-assign, assignment]

    def _run(self, work: Any) -> Any:
        begun = time.perf_counter()
        try:
            return self._work(work)
        finally:
            self.last = (time.perf_counter() - begun) * 1000


async def _ms(work: Awaitable[object]) -> float:
    begun = time.perf_counter()
    await work
    return (time.perf_counter() - begun) * 1000


async def _redemption(journal: Journal, n: int) -> tuple[float, float]:
    """Return the milliseconds of INTENT and RECORD."""
    rid, coupon = new_rid(), f"1-{n}"
    intent = Intent(rid=rid, code_key=coupon, coupon=coupon, stock_id="S1", max_uses=1)
    body = {
        "coupon": coupon, "stock_id": "S1", "store": "S1", "verdict": "offline", "policy": "capped", "value": 300,
        "total": None, "threshold": "met", "source": "scan", "lease": None,
    }  # fmt: skip
    first = await _ms(journal.intend(intent))
    record = journal.record(
        rid, body=body, code_key=coupon, store_name="一店", value=300, result={"rid": rid}
    )
    return first, await _ms(record)


async def _run(base: Path) -> None:
    journal = Journal(base / "journal", SystemClock(), Bus())
    await journal.start()
    query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    tables = await journal._db.read(lambda db: [r[0] for r in db.execute(query)])
    bare = Bare(base / "bare.db", tables)
    timed, within, ours, theirs, intents, records = Timed(journal), [], [], [], [], []
    stamp = json.dumps(
        {"wall": "2026-11-25T00:00:00Z", "mono": 1.0, "boot": "b" * 36, "trusted": "2026-11-25T00:00:00Z"}
    )
    for n in range(ROUNDS + WARM):
        deny = journal.deny(new_rid(), reason="used", by="kiosk", coupon=None, stock_id="S1")
        mine = await _ms(deny)
        inner, peer = timed.last, bare.append(stamp)
        first, second = await _redemption(journal, n)
        if n >= WARM:
            within.append(inner)
            ours.append(mine)
            theirs.append(peer)
            intents.append(first)
            records.append(second)
    bare.db.close()
    await journal.stop()
    ratio = statistics.median(within) / statistics.median(theirs)
    print(
        shown("append and commit", within, "ms", theirs, f"{BAR} x: {'held' if ratio <= BAR else 'MISSED'}")
    )
    print(shown("the same, as the counter waits for it", ours, "ms", theirs))
    print(shown("bare SQLite, FULL", theirs, "ms"))
    print(shown("INTENT", intents, "ms", theirs))
    print(shown("RECORD", records, "ms", theirs))


def main() -> None:
    """Print each commit beside the bare one."""
    with tempfile.TemporaryDirectory(prefix="kiosk-journal-") as base:
        asyncio.run(_run(Path(base)))


if __name__ == "__main__":
    main()
