"""Every time that a program opened the database: what a kiosk's position in the change log is compared with.

A position tells in which opening it was given out. A database that was restored from an older backup does not know that opening, or
it had not given out as many numbers when it was opened next. The end of the log alone proves nothing: it goes past the position again.
Compared is the number of an entry, which a backup takes along: transactions of PostgreSQL count on when one is put back into the same
server, and begin anew in another.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import sqlalchemy as sa

from hub.schema import openings
from hub.store.database import Database
from hub.store.prepared import Prepared

KEPT = 10_000
"""Openings that are remembered, 0.5 MB. A position of an older one is compared with the first that is: less strict, never wrong."""

EVER = 2**62
"""More entries than any log gets."""
_LAST = {
    "sqlite": "SELECT seq FROM sqlite_sequence WHERE name = 'changes'",
    "postgresql": "SELECT pg_sequence_last_value(pg_get_serial_sequence('changes', 'id')::regclass)",
}
_MINE = openings.c.tenant == sa.bindparam("of_tenant")
_NEWEST = Prepared(
    sa.select(openings.c.number, openings.c.mark)
    .where(_MINE)
    .order_by(openings.c.number.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_FROM = Prepared(
    sa.select(openings.c.number, openings.c.mark, openings.c.id)
    .where(_MINE, openings.c.number >= sa.bindparam("of_number", type_=sa.BigInteger))
    .order_by(openings.c.number)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_OLDEST = Prepared(sa.select(sa.func.min(openings.c.number)).where(_MINE))


class Opening(NamedTuple):
    """Which time the database was opened: a number that counts, and a mark that no other history has."""

    number: int
    mark: str


def opened(database: Database, tenant: str) -> None:
    """Note that a program has opened the database.

    In two steps: a reader that does not see the opening yet has read no further than what is there once it is written.
    """
    fresh = database.call(begin, tenant, end=EVER)
    database.call(_close, tenant, fresh)


def begin(c: sa.Connection, tenant: str, apart: int = 1, end: int | None = None) -> Opening:
    """Note that the database was opened, `apart` numbers after the last time, when so many entries had been numbered (None: as now)."""
    if c.dialect.name == "postgresql":
        # Workers that start together would all take the same number, and one of them a turn would get it.
        c.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("openings"))))
    last = newest(c, tenant)
    fresh = Opening((0 if last is None else last.number) + apart, secrets.token_hex(4))
    values = {"number": fresh.number, "mark": fresh.mark, "id": _end(c) if end is None else end}
    c.execute(sa.insert(openings).values(tenant=tenant, **values))
    beyond = (
        sa.select(openings.c.number)
        .where(openings.c.tenant == tenant)
        .order_by(openings.c.number.desc())
        .offset(KEPT)
    )
    old = c.execute(beyond.limit(1)).scalar()
    if old is not None:
        c.execute(sa.delete(openings).where(openings.c.tenant == tenant, openings.c.number <= old))
    return fresh


def _close(c: sa.Connection, tenant: str, opening: Opening) -> None:
    this = (openings.c.tenant == tenant, openings.c.number == opening.number, openings.c.mark == opening.mark)
    c.execute(sa.update(openings).where(*this).values(id=_end(c)))


def _end(c: sa.Connection) -> int:
    """Return the last number that was given to an entry of the log; its row may be gone since, or not written yet."""
    return int(c.exec_driver_sql(_LAST[c.dialect.name]).scalar() or 0)


def numbered(c: sa.Connection, number: int) -> bool:
    """Tell whether an entry ever got that number here."""
    return number <= _end(c)


def newest(c: sa.Connection, tenant: str) -> Opening | None:
    """Return the last opening; None for a database that was opened by earlier versions only."""
    row = _NEWEST.run(c, of_tenant=tenant, most=1).fetchone()
    return None if row is None else Opening(int(row[0]), str(row[1]))


def break_at(c: sa.Connection, tenant: str, given: Opening, number: int) -> int:
    """Return the opening at which the history ended that gave out a position at that number of the log; 0: it is this one."""
    rows = _FROM.run(c, of_tenant=tenant, of_number=given.number, most=2).fetchall()
    if not rows:
        last = newest(c, tenant)
        return 1 if last is None else last.number
    found, mark = int(rows[0][0]), str(rows[0][1])
    if found == given.number:
        if mark != given.mark:
            return found
        rows = rows[1:]
    elif given.number > _OLDEST.run(c, of_tenant=tenant).fetchone()[0]:
        return found
    fits = not rows or number <= int(rows[0][2])
    return 0 if fits else int(rows[0][0])
