"""Uses of a coupon: taken and given back, each by one statement that checks and writes."""

from __future__ import annotations

from typing import Literal, cast

import sqlalchemy as sa

from hub.schema import attempts, coupons
from hub.store.prepared import Prepared

TAKE = Prepared(
    sa.update(coupons)
    .where(
        coupons.c.tenant == sa.bindparam("of_tenant"),
        coupons.c.batch == sa.bindparam("of_batch"),
        coupons.c.serial == sa.bindparam("of_serial"),
        coupons.c.uses < coupons.c.max_uses,
        coupons.c.state != "void",
        sa.func.coalesce(coupons.c.leased_to, sa.bindparam("of_device")) == sa.bindparam("of_device"),
    )
    .values(uses=coupons.c.uses + 1)
)


_HOLD = (
    sa.select(coupons.c.leased_to)
    .where(
        coupons.c.tenant == sa.bindparam("of_tenant"),
        coupons.c.batch == sa.bindparam("of_batch"),
        coupons.c.serial == sa.bindparam("of_serial"),
    )
    .with_for_update()
)
_LAST = sa.select(sa.func.max(attempts.c.order)).where(attempts.c.tenant == sa.bindparam("of_tenant"))


def _coupon(tenant: str, coupon: str) -> tuple[sa.ColumnElement[bool], ...]:
    batch, _, serial = coupon.partition("-")
    return coupons.c.tenant == tenant, coupons.c.batch == int(batch), coupons.c.serial == int(serial)


def take_use(c: sa.Connection, tenant: str, coupon: str, device: str) -> bool:
    """Take one use of a coupon for a device if one is left that no other device's lease holds; a void code has none."""
    batch, _, serial = coupon.partition("-")
    changed = TAKE.run(c, of_tenant=tenant, of_batch=int(batch), of_serial=int(serial), of_device=device)
    return cast(int, changed.rowcount) == 1


def spent(c: sa.Connection, tenant: str, coupon: str) -> Literal["", "used", "replaced"]:
    """Say why nobody at all can take a use of a coupon; empty: one is left, whoever may take it."""
    columns = (coupons.c.state, coupons.c.uses < coupons.c.max_uses)
    row = c.execute(sa.select(*columns).where(*_coupon(tenant, coupon))).one()
    if row[0] == "void":
        return "replaced"
    return "" if row[1] else "used"


def free_use(c: sa.Connection, tenant: str, coupon: str) -> None:
    """Give one use back."""
    where = _coupon(tenant, coupon)
    c.execute(sa.update(coupons).where(*where, coupons.c.uses > 0).values(uses=coupons.c.uses - 1))


def hold(c: sa.Connection, tenant: str, coupon: str) -> str | None:
    """Hold a coupon on PostgreSQL to the end of the transaction and return the device whose lease it is in.

    A use that is freed while a conflict is being written would find no conflict to go to.
    """
    batch, _, serial = coupon.partition("-")
    return c.execute(_HOLD, {"of_tenant": tenant, "of_batch": int(batch), "of_serial": int(serial)}).scalar()


def next_order(c: sa.Connection, tenant: str) -> int:
    """Return the next arrival number."""
    return int(c.execute(_LAST, {"of_tenant": tenant}).scalar() or 0) + 1
