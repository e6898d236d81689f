"""Every time that a program opened the database: what a kiosk's position in the change log is compared with.

A position tells in which opening it was given out. A database that was restored from an older backup does not know that opening, or
its log did not go as far when it was opened next. The numbers of the log alone prove nothing: they count past the position again
(SQLite), or never went back (PostgreSQL, whose transactions count on when a backup is put back into the same server).
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import sqlalchemy as sa

from hub.schema import changes, openings
from hub.store.prepared import Prepared

KEPT = 10_000
"""Openings that are remembered, 0.5 MB. A position of an older one is compared with the first that is: less strict, never wrong."""

_MINE = openings.c.tenant == sa.bindparam("of_tenant")
_NEWEST = Prepared(
    sa.select(openings.c.number, openings.c.mark)
    .where(_MINE)
    .order_by(openings.c.number.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_FROM = Prepared(
    sa.select(openings.c.number, openings.c.mark, openings.c.xid, openings.c.id)
    .where(_MINE, openings.c.number >= sa.bindparam("of_number", type_=sa.BigInteger))
    .order_by(openings.c.number)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_OLDEST = Prepared(sa.select(sa.func.min(openings.c.number)).where(_MINE))


class Opening(NamedTuple):
    """Which time the database was opened: a number that counts, and a mark that no other history has."""

    number: int
    mark: str


def begin(c: sa.Connection, tenant: str, apart: int = 1) -> Opening:
    """Note that the database was opened, `apart` numbers after the last time."""
    last = newest(c, tenant)
    fresh = Opening((0 if last is None else last.number) + apart, secrets.token_hex(4))
    xid, number = _end(c, tenant)
    values = {"number": fresh.number, "mark": fresh.mark, "xid": xid, "id": number}
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


def _end(c: sa.Connection, tenant: str) -> tuple[int, int]:
    """Return how far the log goes: on SQLite the last id given, since its row may be gone; on PostgreSQL the last entry.

    Those too that no reader may see yet: while this is written, a reader may come to see them.
    """
    if c.dialect.name == "sqlite":
        last = c.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").scalar()
        return 0, int(last or 0)
    entries = sa.select(changes.c.xid, changes.c.id).where(changes.c.tenant == tenant)
    row = c.execute(entries.order_by(changes.c.xid.desc(), changes.c.id.desc()).limit(1)).first()
    return (0, 0) if row is None else (int(row.xid), int(row.id))


def newest(c: sa.Connection, tenant: str) -> Opening | None:
    """Return the last opening; None for a database that was opened by earlier versions only."""
    row = _NEWEST.run(c, of_tenant=tenant, most=1).fetchone()
    return None if row is None else Opening(int(row[0]), str(row[1]))


def break_at(c: sa.Connection, tenant: str, given: Opening, at: tuple[int, int]) -> int:
    """Return the opening at which the history ended that gave a position out; 0: it is this one."""
    rows = _FROM.run(c, of_tenant=tenant, of_number=given.number, most=2).fetchall()
    if not rows:
        last = newest(c, tenant)
        return 1 if last is None else last.number
    number, mark = int(rows[0][0]), str(rows[0][1])
    if number == given.number:
        if mark != given.mark:
            return number
        rows = rows[1:]
    elif given.number > _OLDEST.run(c, of_tenant=tenant).fetchone()[0]:
        return number
    fits = not rows or at <= (int(rows[0][2]), int(rows[0][3]))
    return 0 if fits else int(rows[0][0])
