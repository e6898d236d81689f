"""What callers were told under an idempotency key: the same key gets the same answer, also after a restart."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import msgspec

from kiosk.journal.core import Core
from kiosk.journal.items import text

KEPT = timedelta(days=7)
"""A till that was off over the longest holiday asks again within a week."""


class Told(msgspec.Struct, frozen=True):
    """What is known of a key."""

    digest: str
    """Of what was asked."""
    status: int | None
    """Of the answer; None: it has not ended, or the kiosk stopped before it had."""
    body: str
    """The answer; empty where it is not kept."""


class Answers(Core):
    """Keys and answers."""

    async def claim_key(self, client: str, key: str, digest: str) -> Told | None:
        """Take a key for a request; return what is known of it when it was taken before."""

        def work(db: sqlite3.Connection) -> Told | None:
            db.execute("DELETE FROM answer WHERE at < ?", (text(self.clock.trusted().at - KEPT),))
            row = db.execute(
                "SELECT digest, status, body FROM answer WHERE client = ? AND key = ?", (client, key)
            ).fetchone()
            if row is not None:
                return Told(row["digest"], row["status"], row["body"])
            db.execute(
                "INSERT INTO answer (client, key, digest, at) VALUES (?, ?, ?, ?)",
                (client, key, digest, self._now()),
            )
            return None

        return await self._db.run(work)

    async def keep_answer(self, client: str, key: str, status: int, body: str) -> None:
        """Keep what was answered under a key."""
        query = "UPDATE answer SET status = ?, body = ? WHERE client = ? AND key = ?"
        await self._db.run(lambda db: db.execute(query, (status, body, client, key)).close())

    async def free_key(self, client: str, key: str) -> None:
        """Forget a key under which nothing was done."""
        query = "DELETE FROM answer WHERE client = ? AND key = ?"
        await self._db.run(lambda db: db.execute(query, (client, key)).close())
