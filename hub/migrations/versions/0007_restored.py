"""How far the change log went whenever the database was opened, and the serials that a restored hub leaves out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "openings",
        sa.Column("tenant", sa.String(32), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("mark", sa.String(8), nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
    )
    op.add_column("batches", sa.Column("skipped", sa.BigInteger, nullable=False, server_default="0"))
