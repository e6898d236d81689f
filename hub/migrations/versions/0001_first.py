"""The first tables.

Spelled out by hand rather than from `hub.schema`, so that the first migration stays what it was.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.schema import Utc

revision = "0001"
down_revision = None

BIG = sa.BigInteger()
ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
S32, S64, S16 = sa.String(32), sa.String(64), sa.String(16)


def col(name: str, kind: Any, null: bool = False) -> sa.Column[Any]:
    """Return a column."""
    return sa.Column(name, kind, nullable=null)


def upgrade() -> None:
    """Make the tables."""
    _merchant()
    _devices()
    _coupons()
    _journal()


def _merchant() -> None:
    op.create_table(
        "tenants",
        col("tenant", S32),
        col("merchant", sa.JSON()),
        col("code_key", sa.LargeBinary()),
        col("next_batch", BIG),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_table(
        "stores",
        *(col("tenant", S32), col("id", S32), col("name", sa.Text()), col("address", sa.Text())),
        *(col("image", sa.Text(), True), col("home_device", S32, True)),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_table(
        "batches",
        *(
            col("tenant", S32),
            col("stock_id", S32),
            col("number", BIG),
            col("body", sa.JSON()),
            col("status", S16),
        ),
        *(col("paused_stores", sa.JSON()), col("issued", BIG), col("claimed", BIG), col("redeemed", BIG)),
        sa.PrimaryKeyConstraint("tenant", "stock_id"),
        sa.UniqueConstraint("tenant", "number"),
    )
    op.create_table(
        "keys",
        *(
            col("tenant", S32),
            col("slot", sa.Integer()),
            col("public", sa.LargeBinary()),
            col("private", sa.LargeBinary()),
        ),
        sa.PrimaryKeyConstraint("tenant", "slot"),
    )
    op.create_table(
        "people",
        *(
            col("tenant", S32),
            col("name", S64),
            col("role", S32),
            col("verifier", sa.Text()),
            col("created_at", Utc()),
        ),
        sa.PrimaryKeyConstraint("tenant", "name"),
    )
    op.create_table(
        "audit",
        *(col("tenant", S32), sa.Column("id", ID, primary_key=True, autoincrement=True), col("at", Utc())),
        *(col("actor", sa.Text()), col("what", S64), col("detail", sa.JSON())),
    )


def _devices() -> None:
    op.create_table(
        "devices",
        *(
            col("tenant", S32),
            col("id", S32),
            col("public_key", sa.LargeBinary()),
            col("name", sa.Text()),
            col("state", S16),
        ),
        *(
            col("store", S32, True),
            col("code", S16, True),
            col("code_until", Utc(), True),
            col("fingerprint", sa.JSON()),
        ),
        *(col("created_at", Utc()), col("seen_at", Utc(), True)),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_table(
        "tokens",
        *(
            col("tenant", S32),
            col("hash", S64),
            col("store", S32, True),
            col("uses_left", sa.Integer()),
            col("until", Utc()),
        ),
        sa.PrimaryKeyConstraint("tenant", "hash"),
    )
    op.create_table(
        "changes",
        *(
            col("tenant", S32),
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            col("xid", BIG),
            col("device", S32),
        ),
        *(col("type", S16), col("obj", S64), col("op", sa.String(3)), col("body", sa.JSON(), True)),
        sa.UniqueConstraint("tenant", "device", "type", "obj"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_read", "changes", ["tenant", "xid", "id"])


def _coupons() -> None:
    op.create_table(
        "coupons",
        *(
            col("tenant", S32),
            col("batch", BIG),
            col("serial", BIG),
            col("stock_id", S32),
            col("slot", sa.Integer()),
        ),
        *(
            col("short_hash", S16),
            col("short", sa.LargeBinary()),
            col("claimant", S64, True),
            col("form", S64, True),
        ),
        *(
            col("home_device", S32, True),
            col("pool_rid", S32, True),
            col("state", S16),
            col("uses", sa.Integer()),
        ),
        *(col("max_uses", sa.Integer()), col("issued_at", Utc())),
        sa.PrimaryKeyConstraint("tenant", "batch", "serial"),
        sa.UniqueConstraint("tenant", "short_hash"),
        sa.UniqueConstraint("tenant", "form"),
    )
    op.create_index("ix_coupons_claimant", "coupons", ["tenant", "claimant", "stock_id"])
    op.create_index("ix_coupons_pool", "coupons", ["tenant", "pool_rid"])
    op.create_table(
        "attempts",
        *(col("tenant", S32), col("rid", S32), col("digest", S64), col("device", S32), col("store", S32)),
        *(
            col("stock_id", S32, True),
            col("coupon", S64, True),
            col("state", S16),
            col("answer", sa.JSON(), True),
        ),
        *(
            col("reason", S32),
            col("verdict", S16),
            col("policy", S16),
            col("value", BIG),
            col("total", BIG, True),
        ),
        *(col("threshold", S16), col("source", S32), col("at", Utc()), col("error_s", sa.Float(), True)),
        *(col("recorded_at", Utc(), True), col("order", ID)),
        sa.PrimaryKeyConstraint("tenant", "rid"),
    )
    op.create_index("ix_attempts_coupon", "attempts", ["tenant", "coupon"])
    op.create_index("ix_attempts_at", "attempts", ["tenant", "at"])


def _journal() -> None:
    op.create_table(
        "epochs",
        *(
            col("tenant", S32),
            col("device", S32),
            col("epoch", S32),
            col("seq", BIG),
            col("hash", S64),
            col("opened_at", Utc()),
        ),
        sa.PrimaryKeyConstraint("tenant", "device", "epoch"),
    )
    op.create_table(
        "journal",
        *(
            col("tenant", S32),
            col("device", S32),
            col("epoch", S32),
            col("seq", BIG),
            col("kind", S32),
            col("rid", S32),
        ),
        *(
            col("body", sa.JSON()),
            col("t", sa.JSON()),
            col("hash", S64),
            col("status", S16),
            col("verdict", S32),
        ),
        *(col("detail", sa.Text()), col("received_at", Utc())),
        sa.PrimaryKeyConstraint("tenant", "device", "epoch", "seq"),
    )
