"""Alembic's entry: runs the migrations on the connection that `hub.store.database` hands over."""

from __future__ import annotations

from alembic import context

from hub.schema import meta

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=meta, render_as_batch=True, compare_type=False)
with context.begin_transaction():
    context.run_migrations()
