"""When a kiosk that was shut out has said that it knows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.schema import Utc

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the column."""
    op.add_column("devices", sa.Column("quiet_at", Utc))
