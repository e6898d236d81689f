"""What a hub forgets, a little at a time: only what can change no verdict any more (facts: sync-fleet A6; issue 3: `rid` kept).

| row                          | goes                                                                          |
| nonce of a request           | when its signature is too old for any hub                                     |
| `del` entry of the change log | after 90 days (`hub.store.tides`)                                            |
| lease that gave its rest back | `KEPT` after its end                                                         |
| attempt of a batch           | the batch's offline age and `KEPT` after its period; never an open approval   |
| attempt of no batch          | `KEPT` after it was made                                                      |

No attempt goes before `KEPT` after its record came in: a kiosk may have slept for two years.

Conflicts go with their batch: no use of it will come free. An approval without a record stays, since its record may come yet.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from hub.schema import attempts, coupons, facts, leases
from hub.store import nonces, tides
from hub.store.catalog import Catalog
from hub.store.database import Database

KEPT = timedelta(days=400)
LOT = 200
"""Rows looked at in one transaction: 10 ms of SQLite's one thread."""
ENDED = ("renewed", "returned", "lapsed", "released")
DAY_NAME = "pruned"


class Place(NamedTuple):
    """How far a pass through the old attempts has come: the time and the number of the last one."""

    at: datetime
    order: int


BEGINNING = Place(datetime(1970, 1, 1, tzinfo=UTC), 0)


class Prune:
    """Forgets for one tenant; the clock comes from outside."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database, self._catalog, self._tenant = database, catalog, catalog.tenant

    async def look(self, now: datetime) -> int:
        """Forget nonces, and once a day what else is old; return how many rows are gone."""
        run = self._database.run
        gone = 0
        while lot := await run(nonces.forget, self._tenant, now):
            gone += lot
        if not await run(self.due, now):
            return gone
        await run(tides.note, self._tenant, now)
        while lot := await run(tides.some, self._tenant):
            gone += lot
        while lot := await run(self.some_leases, now):
            gone += lot
        place: Place | None = BEGINNING
        while place is not None:
            place, lot = await run(self.some_attempts, now, place)
            gone += lot
        return gone

    def due(self, c: sa.Connection, now: datetime) -> bool:
        """Tell whether nobody has begun today's pass, and begin it: of several workers one does."""
        mine, today = (facts.c.tenant == self._tenant, facts.c.name == DAY_NAME), now.date().isoformat()
        last = c.execute(sa.select(facts.c.value).where(*mine).with_for_update()).scalar()
        if last == today:
            return False
        if last is None:
            c.execute(sa.insert(facts).values(tenant=self._tenant, name=DAY_NAME, value=today))
        else:
            c.execute(sa.update(facts).where(*mine).values(value=today))
        return True

    def some_leases(self, c: sa.Connection, now: datetime) -> int:
        """Forget a lot of leases that ended long ago and hold nothing."""
        held = sa.exists().where(coupons.c.tenant == leases.c.tenant, coupons.c.lease == leases.c.id)
        old = (
            sa.select(leases.c.id)
            .where(leases.c.tenant == self._tenant, leases.c.state.in_(ENDED))
            .where(leases.c.not_after < now - KEPT, ~held)
            .limit(LOT)
        )
        names = c.execute(old).scalars().all()
        if names:
            c.execute(sa.delete(leases).where(leases.c.tenant == self._tenant, leases.c.id.in_(names)))
        return len(names)

    def some_attempts(self, c: sa.Connection, now: datetime, after: Place) -> tuple[Place | None, int]:
        """Go through a lot of old attempts; return how far that was, None at the end, and how many are gone."""
        ends = {
            b.stock_id: b.ends + timedelta(seconds=b.offline.max_age_s or 0) for b in self._catalog.batches(c)
        }
        columns = (
            attempts.c.rid,
            attempts.c.stock_id,
            attempts.c.state,
            attempts.c.at,
            attempts.c.order,
            attempts.c.recorded_at,
        )
        query = (
            sa.select(*columns)
            .where(attempts.c.tenant == self._tenant, attempts.c.at < now - KEPT, attempts.c.at >= after.at)
            .where(sa.or_(attempts.c.at > after.at, attempts.c.order > after.order))
            .order_by(attempts.c.at, attempts.c.order)
            .limit(LOT)
        )
        rows = c.execute(query).all()
        over = [r.rid for r in rows if r.state != "ok" and _last(r, ends) < now - KEPT]
        if over:
            c.execute(sa.delete(attempts).where(attempts.c.tenant == self._tenant, attempts.c.rid.in_(over)))
        return (Place(rows[-1].at, rows[-1].order) if len(rows) == LOT else None), len(over)


def _last(row: Any, ends: dict[str, datetime]) -> datetime:
    """Return since when nothing can change about an attempt."""
    last: datetime = max(ends.get(row.stock_id, row.at), row.recorded_at or row.at)
    return last
