"""Tables. The tenant leads every key from the first table on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

TENANT = "main"
"""The tenant of a hub that serves one merchant group."""


class Utc(sa.types.TypeDecorator[datetime]):
    """A time: timestamptz on PostgreSQL, fixed-width ISO text in UTC on SQLite, so that text order is time order."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Choose the column's type."""
        return dialect.type_descriptor(
            sa.String(32) if dialect.name == "sqlite" else sa.DateTime(timezone=True)
        )

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Store in UTC."""
        if value is None:
            return None
        at = value.astimezone(UTC)
        return at.isoformat(timespec="microseconds") if dialect.name == "sqlite" else at

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Return in UTC."""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


meta = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant", sa.String(32), primary_key=True)


tenants = sa.Table(
    "tenants",
    meta,
    _tenant(),
    sa.Column("merchant", sa.JSON, nullable=False),
    sa.Column("code_key", sa.LargeBinary, nullable=False),
    sa.Column("next_batch", sa.BigInteger, nullable=False, default=1),
)
facts = sa.Table(
    "facts",
    meta,
    _tenant(),
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""database: a random id of this database, part of every position in its change log; run: one of the server's last start;
restored: the opening up to which lost history was accounted for."""
openings = sa.Table(
    "openings",
    meta,
    _tenant(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("mark", sa.String(8), nullable=False),
    sa.Column("id", sa.BigInteger, nullable=False),
)
"""id: the last number that an entry of the change log had got when a program opened the database."""
stores = sa.Table(
    "stores",
    meta,
    _tenant(),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False, default=""),
    sa.Column("image", sa.Text),
    sa.Column("home_device", sa.String(32)),
)
batches = sa.Table(
    "batches",
    meta,
    _tenant(),
    sa.Column("stock_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("paused_stores", sa.JSON, nullable=False),
    sa.Column("issued", sa.BigInteger, nullable=False, default=0),
    sa.Column("skipped", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("claimed", sa.BigInteger, nullable=False, default=0),
    sa.Column("redeemed", sa.BigInteger, nullable=False, default=0),
    sa.UniqueConstraint("tenant", "number"),
)
"""skipped: serials that were left out after a restore; the next one is issued + skipped + 1."""
keys = sa.Table(
    "keys",
    meta,
    _tenant(),
    sa.Column("slot", sa.Integer, primary_key=True),
    sa.Column("public", sa.LargeBinary, nullable=False),
    sa.Column("private", sa.LargeBinary, nullable=False),
)
devices = sa.Table(
    "devices",
    meta,
    _tenant(),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("name", sa.Text, nullable=False, default=""),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("store", sa.String(32)),
    sa.Column("code", sa.String(16)),
    sa.Column("code_until", Utc),
    sa.Column("fingerprint", sa.JSON, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("seen_at", Utc),
    sa.Column("twin_at", Utc),
    sa.Column("quiet_at", Utc),
)
"""twin_at: since when its card is in doubt, an older image put back or a copy; no offline rights until an operator trusts it again. quiet_at: when
a kiosk that was shut out said that it decides nothing alone any more."""
tokens = sa.Table(
    "tokens",
    meta,
    _tenant(),
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("store", sa.String(32)),
    sa.Column("uses_left", sa.Integer, nullable=False),
    sa.Column("until", Utc, nullable=False),
)
nonces = sa.Table(
    "nonces",
    meta,
    _tenant(),
    sa.Column("signed_at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("device", sa.String(32), primary_key=True),
    sa.Column("nonce", sa.String(64), primary_key=True),
    sqlite_with_rowid=False,
)
"""Requests that changed something, by when they say that they were signed, in Unix seconds: none is taken twice."""
coupons = sa.Table(
    "coupons",
    meta,
    _tenant(),
    sa.Column("batch", sa.BigInteger, primary_key=True),
    sa.Column("serial", sa.BigInteger, primary_key=True),
    sa.Column("stock_id", sa.String(32), nullable=False),
    sa.Column("slot", sa.Integer, nullable=False),
    sa.Column("short_hash", sa.String(16), nullable=False),
    sa.Column("short", sa.LargeBinary, nullable=False),
    sa.Column("mark", sa.String(64)),
    sa.Column("store", sa.String(32)),
    sa.Column("claimant", sa.String(64)),
    sa.Column("form", sa.String(64)),
    sa.Column("home_device", sa.String(32)),
    sa.Column("pool_rid", sa.String(32)),
    sa.Column("lease", sa.String(32)),
    sa.Column("leased_to", sa.String(32)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("uses", sa.Integer, nullable=False, default=0),
    sa.Column("max_uses", sa.Integer, nullable=False, default=1),
    sa.Column("issued_at", Utc, nullable=False),
    sa.UniqueConstraint("tenant", "short_hash"),
    sa.UniqueConstraint("tenant", "form"),
    sa.Index("ix_coupons_claimant", "tenant", "claimant", "stock_id"),
    sa.Index("ix_coupons_pool", "tenant", "pool_rid"),
    sa.Index("ix_coupons_mark", "tenant", "mark"),
    sa.Index(
        "ix_coupons_lease",
        "tenant",
        "lease",
        "batch",
        "serial",
        sqlite_where=sa.text("lease IS NOT NULL"),
        postgresql_where=sa.text("lease IS NOT NULL"),
    ),
    sa.Index(
        "ix_coupons_free",
        "tenant",
        "batch",
        "store",
        "serial",
        sqlite_where=sa.text("leased_to IS NULL AND uses = 0 AND state = 'live'"),
        postgresql_where=sa.text("leased_to IS NULL AND uses = 0 AND state = 'live'"),
    ),
)
"""slot: the key that signs the code; 0: the code was uploaded and stands for itself. mark: what the code as it was issued is
known by, so that it need not be verified again. store: where it was claimed. leased_to: the device whose lease holds its uses."""
leases = sa.Table(
    "leases",
    meta,
    _tenant(),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("device", sa.String(32), nullable=False),
    sa.Column("stock_id", sa.String(32), nullable=False),
    sa.Column("epoch", sa.String(32), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("value", sa.BigInteger),
    sa.Column("begins", Utc, nullable=False),
    sa.Column("not_after", Utc, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False, default=0),
    sa.Column("used_value", sa.BigInteger, nullable=False, default=0),
    sa.Index("ix_leases_device", "tenant", "device", "state"),
    sa.Index("ix_leases_state", "tenant", "state", "not_after"),
    sa.Index(
        "ix_leases_held",
        "tenant",
        "stock_id",
        "begins",
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    ),
)
"""state: held; renewed (its coupons went to the next one); returned; ending (to lapse after its time); lapsed."""
attempts = sa.Table(
    "attempts",
    meta,
    _tenant(),
    sa.Column("rid", sa.String(32), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("device", sa.String(32), nullable=False),
    sa.Column("store", sa.String(32), nullable=False),
    sa.Column("stock_id", sa.String(32)),
    sa.Column("coupon", sa.String(64)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("answer", sa.JSON),
    sa.Column("reason", sa.String(32), nullable=False, default=""),
    sa.Column("verdict", sa.String(16), nullable=False, default=""),
    sa.Column("policy", sa.String(16), nullable=False, default=""),
    sa.Column("value", sa.BigInteger, nullable=False, default=0),
    sa.Column("total", sa.BigInteger),
    sa.Column("threshold", sa.String(16), nullable=False, default="unchecked"),
    sa.Column("source", sa.String(32), nullable=False, default=""),
    sa.Column("at", Utc, nullable=False),
    sa.Column("error_s", sa.Float),
    sa.Column("recorded_at", Utc),
    sa.Column("lease", sa.String(32)),
    sa.Column("order", _ID, nullable=False),
    sa.Index("ix_attempts_coupon", "tenant", "coupon", "at", "order"),
    sa.Index("ix_attempts_at", "tenant", "at"),
    sa.Index("ix_attempts_order", "tenant", "order"),
    sa.Index("ix_attempts_device", "tenant", "device", "rid"),
    sa.Index(
        "ix_attempts_ok",
        "tenant",
        "order",
        sqlite_where=sa.text("state = 'ok'"),
        postgresql_where=sa.text("state = 'ok'"),
    ),
    sa.Index(
        "ix_attempts_conflict",
        "tenant",
        "order",
        sqlite_where=sa.text("state = 'conflict'"),
        postgresql_where=sa.text("state = 'conflict'"),
    ),
)
"""state: ok (approved, no record yet), recorded, conflict, deny, void, rolled_back."""
epochs = sa.Table(
    "epochs",
    meta,
    _tenant(),
    sa.Column("device", sa.String(32), primary_key=True),
    sa.Column("epoch", sa.String(32), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("opened_at", Utc, nullable=False),
    sa.Column("address", sa.String(64)),
)
"""address: where its last upload came from."""
journal = sa.Table(
    "journal",
    meta,
    _tenant(),
    sa.Column("device", sa.String(32), primary_key=True),
    sa.Column("epoch", sa.String(32), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("rid", sa.String(32), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("t", sa.JSON, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("verdict", sa.String(32), nullable=False, default=""),
    sa.Column("detail", sa.Text, nullable=False, default=""),
    sa.Column("received_at", Utc, nullable=False),
    sa.Index(
        "ix_journal_quarantined",
        "tenant",
        sqlite_where=sa.text("status = 'quarantined'"),
        postgresql_where=sa.text("status = 'quarantined'"),
    ),
)
changes = sa.Table(
    "changes",
    meta,
    sa.Column("tenant", sa.String(32), nullable=False),
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("xid", sa.BigInteger, nullable=False, default=0),
    sa.Column("device", sa.String(32), nullable=False, default=""),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("obj", sa.String(64), nullable=False),
    sa.Column("op", sa.String(3), nullable=False),
    sa.Column("body", sa.JSON),
    sa.UniqueConstraint("tenant", "device", "type", "obj"),
    sa.Index("ix_changes_read", "tenant", "xid", "id"),
    sa.Index(
        "ix_changes_gone",
        "tenant",
        "xid",
        "id",
        sqlite_where=sa.text("op = 'del'"),
        postgresql_where=sa.text("op = 'del'"),
    ),
    sqlite_autoincrement=True,
)
"""One row an object, moved to the end when the object changes: the feed is its own snapshot."""
prints = sa.Table(
    "prints",
    meta,
    _tenant(),
    sa.Column("rid", sa.String(32), primary_key=True),
    sa.Column("device", sa.String(32), nullable=False),
    sa.Column("printer", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("trouble", sa.String(32), nullable=False, default=""),
    sa.Column("detail", sa.Text, nullable=False, default=""),
    sa.Column("sent", sa.BigInteger, nullable=False, default=0),
    sa.Column("at", Utc, nullable=False),
    sa.Column("until", Utc, nullable=False),
    sa.Index("ix_prints_at", "tenant", "at"),
)
"""state: sending, printed, failed, unknown; a print that still is `sending` at `until` is unknown."""
people = sa.Table(
    "people",
    meta,
    _tenant(),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("verifier", sa.Text, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
)
audit = sa.Table(
    "audit",
    meta,
    sa.Column("tenant", sa.String(32), nullable=False),
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("what", sa.String(64), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Index("ix_audit_actor", "tenant", "actor", "at"),
    sa.Index("ix_audit_what", "tenant", "what", "id"),
)
