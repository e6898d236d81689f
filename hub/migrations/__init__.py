"""Migrations of the hub's database, run by alembic."""
