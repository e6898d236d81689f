"""Programs that may call this kiosk: each with a token of its own, of which only a digest is kept."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import msgspec

from kiosk.journal.core import Core
from kiosk.journal.items import parse, text


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A program with a token."""

    id: str
    name: str
    digest: str
    """SHA-256 of the token's secret part, which has 256 bits: nothing is gained by a slower one."""
    scopes: tuple[str, ...]
    made_at: datetime
    ends_at: datetime | None = None
    """None: until it is revoked."""
    revoked_at: datetime | None = None
    seen: str = ""
    """The last day on which it called, `YYYY-MM-DD`; empty: never."""


class ClientNameTaken(Exception):
    """Another token that holds has the name."""


class Clients(Core):
    """Programs and their tokens."""

    async def clients(self) -> list[Client]:
        """Return every program, those whose token was revoked too."""
        query = "SELECT * FROM client ORDER BY revoked_at IS NOT NULL, name, made_at"
        return await self._db.read(lambda db: [_client(r) for r in db.execute(query)])

    async def client(self, name: str) -> Client | None:
        """Return the program of an id."""

        def work(db: sqlite3.Connection) -> Client | None:
            row = db.execute("SELECT * FROM client WHERE id = ?", (name,)).fetchone()
            return None if row is None else _client(row)

        return await self._db.read(work)

    async def add_client(self, client: Client) -> None:
        """Let a program in; ClientNameTaken when one that is let in has the name."""

        def work(db: sqlite3.Connection) -> None:
            there = "SELECT 1 FROM client WHERE name = ? AND revoked_at IS NULL"
            if db.execute(there, (client.name,)).fetchone():
                raise ClientNameTaken
            db.execute(
                "INSERT INTO client (id, name, digest, scopes, made_at, ends_at) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    client.id,
                    client.name,
                    client.digest,
                    " ".join(client.scopes),
                    text(client.made_at),
                    text(client.ends_at) if client.ends_at else None,
                ),
            )

        await self._db.run(work)

    async def revoke_client(self, name: str) -> Client | None:
        """Let a program in no more, by its id or its name; None when there is none that is let in."""

        def work(db: sqlite3.Connection) -> Client | None:
            row = db.execute(
                "SELECT * FROM client WHERE ? IN (id, name) AND revoked_at IS NULL", (name,)
            ).fetchone()
            if row is None:
                return None
            db.execute("UPDATE client SET revoked_at = ? WHERE id = ?", (self._now(), row["id"]))
            return _client(row)

        return await self._db.run(work)

    async def see_client(self, client: Client, day: str) -> None:
        """Note the day on which a program has called; one write a day."""
        if client.seen != day:
            query = "UPDATE client SET seen = ? WHERE id = ?"
            await self._db.run(lambda db: db.execute(query, (day, client.id)).close())


def _client(row: sqlite3.Row) -> Client:
    ends, revoked = row["ends_at"], row["revoked_at"]
    return Client(
        id=row["id"],
        name=row["name"],
        digest=row["digest"],
        scopes=tuple(row["scopes"].split()),
        made_at=parse(row["made_at"]),
        ends_at=parse(ends) if ends else None,
        revoked_at=parse(revoked) if revoked else None,
        seen=row["seen"],
    )
