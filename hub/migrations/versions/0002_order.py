"""Indexes: without that of the arrival number every decision reads the whole table of attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("ix_attempts_order", "attempts", ["tenant", "order"])
    for name, table, columns, which in (
        ("ix_attempts_conflict", "attempts", ["tenant", "order"], "state = 'conflict'"),
        ("ix_journal_quarantined", "journal", ["tenant"], "status = 'quarantined'"),
    ):
        where = sa.text(which)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
