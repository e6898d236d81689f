"""Leases, the marks of issued codes, and the stores where coupons were claimed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.schema import Utc

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table and the columns."""
    op.create_table(
        "leases",
        sa.Column("tenant", sa.String(32), primary_key=True),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("stock_id", sa.String(32), nullable=False),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("value", sa.BigInteger),
        sa.Column("begins", Utc, nullable=False),
        sa.Column("not_after", Utc, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("used_value", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_leases_device", "leases", ["tenant", "device", "state"])
    for table, name, length in (
        ("coupons", "mark", 64),
        ("coupons", "store", 32),
        ("coupons", "lease", 32),
        ("coupons", "leased_to", 32),
        ("attempts", "lease", 32),
    ):
        op.add_column(table, sa.Column(name, sa.String(length)))
    op.create_index("ix_coupons_mark", "coupons", ["tenant", "mark"])
    where = sa.text("lease IS NOT NULL")
    op.create_index(
        "ix_coupons_lease", "coupons", ["tenant", "lease"], sqlite_where=where, postgresql_where=where
    )
