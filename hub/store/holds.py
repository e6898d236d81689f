"""What an upload will write to, held on PostgreSQL in one order before the first item: leases, then coupons.

A journal names coupons in the order in which they were used. Two kiosks that used the same ones in another order would wait for
each other, and a lease that lapses frees its coupons, lease first. SQLite has one writer, and holds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.schema import attempts, coupons, leases
from hub.store.envelope import RawItem
from hub.store.said import COUPON

_RID = re.compile(r"[0-9A-Za-z]{1,32}", re.ASCII)


class _Item(msgspec.Struct, frozen=True):
    """An item as far as it says what it is about."""

    rid: str
    body: dict[str, Any]


def _read(items: Iterable[RawItem]) -> list[_Item]:
    found = []
    for raw in items:
        try:
            found.append(msgspec.json.decode(raw.text, type=_Item))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue  # poison: it is named when its turn comes, and writes to nothing
    return found


def _pair(name: object) -> tuple[int, int] | None:
    named = COUPON.fullmatch(name) if isinstance(name, str) else None
    return None if named is None else (int(named[1]), int(named[2]))


def hold_all(c: sa.Connection, tenant: str, items: Iterable[RawItem]) -> None:
    """Hold the leases and coupons that items name, or that the attempts they undo name, to the end of the transaction."""
    if c.dialect.name != "postgresql":
        return
    told = _read(items)
    rids = {str(rid) for item in told for rid in (item.rid, item.body.get("of")) if _RID.fullmatch(str(rid))}
    query = sa.select(attempts.c.coupon, attempts.c.lease).where(attempts.c.tenant == tenant)
    known = c.execute(query.where(attempts.c.rid.in_(rids))).all() if rids else []
    named = [item.body.get("lease") for item in told] + [row.lease for row in known]
    _hold_leases(c, tenant, {n for n in named if isinstance(n, str) and _RID.fullmatch(n)})
    pairs = {_pair(item.body.get("coupon")) for item in told} | {_pair(row.coupon) for row in known}
    _hold_coupons(c, tenant, {pair for pair in pairs if pair is not None})


def hold_used(c: sa.Connection, tenant: str, rid: str) -> None:
    """Hold what an attempt used before the attempt itself, as an upload that names it does."""
    query = sa.select(attempts.c.coupon, attempts.c.lease).where(attempts.c.tenant == tenant)
    known = c.execute(query.where(attempts.c.rid == rid)).first() if c.dialect.name == "postgresql" else None
    if known is not None:
        _hold_leases(c, tenant, {known.lease} if known.lease else set())
        _hold_coupons(c, tenant, {pair for pair in [_pair(known.coupon)] if pair is not None})


def _hold_leases(c: sa.Connection, tenant: str, names: set[str]) -> None:
    if names:
        query = sa.select(leases.c.id).where(leases.c.tenant == tenant, leases.c.id.in_(names))
        c.execute(query.order_by(leases.c.id).with_for_update())


def _hold_coupons(c: sa.Connection, tenant: str, pairs: set[tuple[int, int]]) -> None:
    if pairs:
        key = sa.tuple_(coupons.c.batch, coupons.c.serial)
        query = sa.select(coupons.c.serial).where(coupons.c.tenant == tenant, key.in_(pairs))
        c.execute(query.order_by(coupons.c.batch, coupons.c.serial).with_for_update())
