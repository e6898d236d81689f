"""The only room that touches SQLite: records, migrations, recovery."""
