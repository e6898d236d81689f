"""People in the journal: who may sign in, and who did what at the console."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from kiosk.journal.core import Core
from kiosk.journal.items import parse, text

Role = Literal["clerk", "manager"]
ACTS_DAYS = 400
"""A year and a month: what an owner asks at the yearly count."""


class PersonBody(msgspec.Struct, frozen=True):
    """What a hub that owns the people sends down for each of them (change type `person`)."""

    name: str
    role: Role
    verifier: str
    """Salted, as `kiosk.counter.people.verifier` makes it; never a PIN."""


class Person(msgspec.Struct, frozen=True):
    """One who may sign in."""

    id: str
    name: str
    role: Role
    verifier: str
    owner: Literal["kiosk", "hub"] = "kiosk"


class Act(msgspec.Struct, frozen=True):
    """What a person did."""

    at: datetime
    name: str
    what: str
    rid: str


class NameTaken(Exception):
    """Another person has that name."""


class People(Core):
    """People and their acts."""

    async def people(self) -> list[Person]:
        """Return who may sign in: the hub's people where it sends any, else this kiosk's own."""

        def work(db: sqlite3.Connection) -> list[Person]:
            sent = db.execute("SELECT id, body FROM object WHERE type = 'person' ORDER BY id").fetchall()
            if sent:
                return [_from_hub(r["id"], r["body"]) for r in sent]
            rows = db.execute("SELECT id, name, role, verifier FROM person ORDER BY role DESC, name")
            return [Person(r["id"], r["name"], r["role"], r["verifier"]) for r in rows]

        return await self._db.read(work)

    async def put_person(self, person: Person) -> None:
        """Add a person or change one; NameTaken when another one has the name."""

        def work(db: sqlite3.Connection) -> None:
            if db.execute(
                "SELECT 1 FROM person WHERE name = ? AND id != ?", (person.name, person.id)
            ).fetchone():
                raise NameTaken
            db.execute(
                "INSERT INTO person VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " name = excluded.name, role = excluded.role, verifier = excluded.verifier",
                (person.id, person.name, person.role, person.verifier, self._now()),
            )

        await self._db.run(work)

    async def drop_person(self, person: str) -> bool:
        """Let a person in no more; False when there is none. What they did stays on record."""
        query = "DELETE FROM person WHERE id = ?"
        return await self._db.run(lambda db: db.execute(query, (person,)).rowcount > 0)

    async def note_act(self, person: str, name: str, what: str, rid: str = "") -> None:
        """Note what a person did; `rid` names the attempt, claim or print that it made."""

        def work(db: sqlite3.Connection) -> None:
            old = text(self.clock.trusted().at - timedelta(days=ACTS_DAYS))
            db.execute("DELETE FROM act WHERE at < ?", (old,))
            db.execute(
                "INSERT INTO act (at, person, name, what, rid) VALUES (?, ?, ?, ?, ?)",
                (self._now(), person, name, what, rid),
            )

        await self._db.run(work)

    async def acts(self, what: str = "", limit: int = 50) -> list[Act]:
        """Return the newest acts, of one kind when it is named."""
        query = "SELECT * FROM act WHERE ? IN ('', what) ORDER BY n DESC LIMIT ?"
        return await self._db.read(
            lambda db: [
                Act(parse(r["at"]), r["name"], r["what"], r["rid"]) for r in db.execute(query, (what, limit))
            ]
        )


def _from_hub(name: str, body: str) -> Person:
    told = msgspec.json.decode(body, type=PersonBody)
    return Person(name, told.name, told.role, told.verifier, "hub")
