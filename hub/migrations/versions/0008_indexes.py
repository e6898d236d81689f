"""Indexes for what is asked all the time, and the nonces of requests that changed something."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

WHOLE = {
    "ix_attempts_coupon": ("attempts", ("tenant", "coupon", "at", "order")),
    "ix_attempts_device": ("attempts", ("tenant", "device", "rid")),
    "ix_leases_state": ("leases", ("tenant", "state", "not_after")),
    "ix_audit_actor": ("audit", ("tenant", "actor", "at")),
    "ix_audit_what": ("audit", ("tenant", "what", "id")),
}
PART = {
    "ix_coupons_lease": ("coupons", ("tenant", "lease", "batch", "serial"), "lease IS NOT NULL"),
    "ix_attempts_ok": ("attempts", ("tenant", "order"), "state = 'ok'"),
    "ix_leases_held": ("leases", ("tenant", "stock_id", "begins"), "state = 'held'"),
    "ix_coupons_free": (
        "coupons",
        ("tenant", "batch", "store", "serial"),
        "leased_to IS NULL AND uses = 0 AND state = 'live'",
    ),
    "ix_changes_gone": ("changes", ("tenant", "xid", "id"), "op = 'del'"),
}


def upgrade() -> None:
    """Make the table and the indexes."""
    op.create_table(
        "nonces",
        sa.Column("tenant", sa.String(32), primary_key=True),
        sa.Column("signed_at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("nonce", sa.String(64), primary_key=True),
        sqlite_with_rowid=False,
    )
    # Without the order in them SQLite reads another index in that order, from its beginning.
    op.drop_index("ix_attempts_coupon", "attempts")
    op.drop_index("ix_coupons_lease", "coupons")
    for name, (table, columns) in WHOLE.items():
        op.create_index(name, table, columns)
    for name, (table, columns, where) in PART.items():
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
