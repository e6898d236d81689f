"""How far the change log went on past days, and the `del` entries that are forgotten after 90 of them (facts: sync-fleet A6).

An entry has no time: each day's end of the log is noted instead. A kiosk whose position is older than what was forgotten has not
heard of all that is gone; it loads the snapshot, which has what there is and nothing else.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from hub.errors import Refused
from hub.schema import changes, facts
from hub.store import feed
from kiosk.sync.protocol import Change

KEPT = timedelta(days=90)
LOT = 200
MARKS, FLOOR = "tides", "floor"
Position = tuple[int, int]


def _write(c: sa.Connection, tenant: str, name: str, value: str) -> None:
    mine = (facts.c.tenant == tenant, facts.c.name == name)
    if not c.execute(sa.update(facts).where(*mine).values(value=value)).rowcount:
        c.execute(sa.insert(facts).values(tenant=tenant, name=name, value=value))


def note(c: sa.Connection, tenant: str, now: datetime) -> None:
    """Note where the log ends today, and how far back its `del` entries are complete from now on."""
    top, today = feed.tip(c, tenant), now.date()
    told = json.loads(feed.fact(c, tenant, MARKS) or "[]")
    # What lies beyond the end is of another server, whose backup was put back here.
    marks = [(date.fromisoformat(day), (xid, number)) for day, xid, number in told if (xid, number) <= top]
    marks.append((today, top))
    old = [mark for mark in marks if mark[0] <= today - KEPT]
    if old:
        _write(c, tenant, FLOOR, json.dumps(old[-1][1]))
    left = [*old[-1:], *marks[len(old) :]]
    _write(c, tenant, MARKS, json.dumps([[day.isoformat(), *position] for day, position in left]))


def floor(c: sa.Connection, tenant: str) -> Position:
    """Return the position up to which `del` entries may be gone."""
    xid, number = json.loads(feed.fact(c, tenant, FLOOR) or "[0, 0]")
    return (xid, number) if (xid, number) <= feed.tip(c, tenant) else (0, 0)


def _at(position: Position) -> sa.Tuple:
    return sa.tuple_(*(sa.literal(n, sa.BigInteger) for n in position))


def some(c: sa.Connection, tenant: str) -> int:
    """Forget a lot of old `del` entries; return how many. The newest entry stays, whatever it says: it is where the log ends."""
    here = sa.tuple_(changes.c.xid, changes.c.id)
    old = (
        sa.select(changes.c.id)
        .where(changes.c.tenant == tenant, changes.c.op == sa.literal_column("'del'"))
        .where(here <= _at(floor(c, tenant)), here < _at(feed.tip(c, tenant)))
        .order_by(changes.c.xid, changes.c.id)
        .limit(LOT)
    )
    numbers = c.execute(old).scalars().all()
    if numbers:
        c.execute(sa.delete(changes).where(changes.c.tenant == tenant, changes.c.id.in_(numbers)))
    return len(numbers)


def since(
    c: sa.Connection, tenant: str, device: str, pos: str, limit: int
) -> tuple[str, bool, tuple[Change, ...]]:
    """Return the next page of the log; Refused `resync_required` when what went before may have been forgotten."""
    told = feed.since(c, tenant, device, pos, limit)
    if pos and feed.parse(pos, feed.fact(c, tenant, "database"))[0] < floor(c, tenant):
        raise Refused("resync_required", "that position is older than 90 days; load the snapshot.", 410)
    return told
