"""Prints on cloud printers, so that one is done once whoever asks again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.schema import Utc

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "prints",
        sa.Column("tenant", sa.String(32), primary_key=True),
        sa.Column("rid", sa.String(32), primary_key=True),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("printer", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("trouble", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("sent", sa.BigInteger, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("until", Utc, nullable=False),
    )
    op.create_index("ix_prints_at", "prints", ["tenant", "at"])
