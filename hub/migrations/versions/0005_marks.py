"""What marks a database and a run of the server, and kiosks whose card is in two places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.schema import Utc

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table and the columns."""
    op.create_table(
        "facts",
        sa.Column("tenant", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.add_column("devices", sa.Column("twin_at", Utc))
    op.add_column("epochs", sa.Column("address", sa.String(64)))
