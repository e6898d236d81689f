"""Requests that change something are taken once, by whichever worker and after whatever restart (docs/decisions/0033).

The nonce is written in the transaction of the request's own work: it stands if the work does, and costs no commit of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from hub.errors import Refused
from hub.schema import nonces
from hub.store.prepared import Prepared
from kiosk.sync.protocol import MAX_SKEW_S

P = ParamSpec("P")
R = TypeVar("R")
KEPT_S = 2 * MAX_SKEW_S
"""A request is let in from `MAX_SKEW_S` before to `MAX_SKEW_S` after it says that it was signed; as much again for hubs' own clocks."""

LOT = 200
_VALUES: dict[str, Any] = {name: sa.bindparam(name) for name in ("tenant", "signed_at", "device", "nonce")}
WRITE = {
    "sqlite": Prepared(sqlite_insert(nonces).values(_VALUES).on_conflict_do_nothing()),
    "postgresql": Prepared(pg_insert(nonces).values(_VALUES).on_conflict_do_nothing()),
}


class Seal(msgspec.Struct, frozen=True):
    """What makes a signed request one of its own."""

    tenant: str
    device: str
    signed_at: int
    nonce: str


def replay() -> Refused:
    """Return the refusal of a request that was sent before."""
    return Refused("replay", "that request was sent before; sign a new one.", 401)


def once(
    c: sa.Connection,
    seal: Seal,
    work: Callable[Concatenate[sa.Connection, P], R],
    *args: P.args,
    **more: P.kwargs,
) -> R:
    """Do a request's work, once; Refused `replay` when it was done before."""
    given: dict[str, Any] = msgspec.structs.asdict(seal)
    if WRITE[c.dialect.name].run(c, **given).rowcount != 1:
        raise replay()
    return work(c, *args, **more)


def forget(c: sa.Connection, tenant: str, now: datetime) -> int:
    """Remove a lot of the nonces of requests that nobody would let in any more; return how many."""
    before = int(now.timestamp()) - KEPT_S
    key = (nonces.c.signed_at, nonces.c.device, nonces.c.nonce)
    old = sa.select(*key).where(nonces.c.tenant == tenant, nonces.c.signed_at < before).limit(LOT)
    rows = c.execute(old).all()
    if rows:
        these = sa.tuple_(*key).in_([tuple(row) for row in rows])
        c.execute(sa.delete(nonces).where(nonces.c.tenant == tenant, these))
    return len(rows)
