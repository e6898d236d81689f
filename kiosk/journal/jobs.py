"""Print jobs in the journal: what was to be printed, and how it ended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kiosk.journal.core import Core
from kiosk.journal.items import parse, text
from kiosk.journal.rows import Conflict, JobRow

NO_NOTICE = """
SELECT * FROM item WHERE status = 'conflict' AND kind = 'redeem_record' AND acked_at >= ?
  AND NOT EXISTS (SELECT 1 FROM job WHERE job.rid = item.rid AND job.kind = 'conflict')
  AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.rid = item.rid AND a.state = 'rolled_back')
ORDER BY at
"""

ONCE = ("pairing",)
"""Slips that let their bearer in: they are forgotten once their print has ended, and never printed again."""
ENDED = ("printed", "failed", "unknown", "void")


class Jobs(Core):
    """Print jobs."""

    async def job_add(self, job: str, rid: str, kind: str, slip: bytes, detail: dict[str, Any]) -> None:
        """Make a print job durable; a reprint (`reprint_of`) settles the *unknown* job that it repeats in the same step."""

        def work(db: sqlite3.Connection) -> None:
            now = self._now()
            db.execute(
                "INSERT INTO job VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)",
                (job, rid, kind, slip.decode(), json.dumps(detail), now, now),
            )
            db.execute(
                "UPDATE job SET state = 'replaced', changed_at = ? WHERE id = ? AND state = 'unknown'",
                (now, detail.get("reprint_of", "")),
            )
            self._append(db, "print_job", rid, {"job": job, "slip": kind, **detail})

        await self._write(work)

    async def job_mark(self, job: str, state: str, detail: dict[str, Any], *, item: bool) -> None:
        """Change a job's state; with `item` the outcome is noted for the hub too."""

        def work(db: sqlite3.Connection) -> None:
            row = db.execute("SELECT rid, kind, detail FROM job WHERE id = ?", (job,)).fetchone()
            merged = {**json.loads(row["detail"]), **detail}
            db.execute(
                "UPDATE job SET state = ?, detail = ?, changed_at = ? WHERE id = ?",
                (state, json.dumps(merged), self._now(), job),
            )
            if row["kind"] in ONCE and state in ENDED:
                db.execute("UPDATE job SET slip = '' WHERE id = ?", (job,))
            if item:
                self._append(db, "print_result", row["rid"], {"job": job, "outcome": state, **detail})

        await (self._write(work) if item else self._db.run(work))

    async def was_printed(self, rid: str, kind: str) -> bool:
        """Tell whether a slip of a kind was ordered for `rid` that is out, may be out or is on its way."""
        query = "SELECT 1 FROM job WHERE rid = ? AND kind = ? AND state != 'failed'"
        return await self._db.read(lambda db: db.execute(query, (rid, kind)).fetchone() is not None)

    async def job_again(self, job: str) -> JobRow | None:
        """Return a job that a person may have printed once more.

        None: there is no such job, it is under way, its code is void, or it is one of `ONCE`.
        """

        def work(db: sqlite3.Connection) -> JobRow | None:
            row = db.execute(
                "SELECT * FROM job WHERE id = ? AND state IN ('printed', 'failed', 'unknown', 'replaced')"
                " AND NOT EXISTS (SELECT 1 FROM void_code v WHERE v.claim = job.rid)",
                (job,),
            ).fetchone()
            return None if row is None or row["kind"] in ONCE else _job(row)

        return await self._db.read(work)

    async def jobs(self, states: Sequence[str] = (), limit: int = 200) -> list[JobRow]:
        """Return jobs in some states (all when none is named), the newest first."""
        where = f"WHERE state IN ({','.join('?' * len(states))})" if states else ""
        query = f"SELECT * FROM job {where} ORDER BY at DESC LIMIT ?"  # noqa: S608  (our own words)
        return await self._db.read(lambda db: [_job(r) for r in db.execute(query, (*states, limit))])

    async def job(self, job: str) -> JobRow | None:
        """Return one job."""

        def work(db: sqlite3.Connection) -> JobRow | None:
            row = db.execute("SELECT * FROM job WHERE id = ?", (job,)).fetchone()
            return None if row is None else _job(row)

        return await self._db.read(work)

    async def conflicts_without_notice(self, since: datetime) -> list[Conflict]:
        """Return conflicts that the hub told of after a time and of which no notice was ordered, the oldest first."""
        return await self._db.read(lambda db: [_conflict(r) for r in db.execute(NO_NOTICE, (text(since),))])


def _conflict(row: sqlite3.Row) -> Conflict:
    body = json.loads(row["body"])
    return Conflict(
        row["rid"], body.get("coupon") or "", body.get("stock_id") or "", body.get("value") or 0,
        parse(row["at"]), row["detail"] or "",
    )  # fmt: skip


def _job(row: sqlite3.Row) -> JobRow:
    return JobRow(
        row["id"], row["rid"], row["kind"], row["slip"].encode(), row["state"], json.loads(row["detail"]),
        parse(row["at"]), parse(row["changed_at"]),
    )  # fmt: skip
