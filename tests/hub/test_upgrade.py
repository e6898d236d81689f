"""T9: a full database of every earlier schema is brought up with every row; a migration that breaks off changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import hub.migrations
from hub.config import Settings
from hub.errors import HubError
from hub.parts import Parts, now
from hub.schema import meta
from hub.store import feed
from hub.store.envelope import read
from kiosk.coupons.ids import new_rid

from .test_decide import ask, uses
from .world import CAPPED, NEVER, SLIP, Journal, encoded, issue, on_both

pytestmark = on_both
CONFIG = Config()
CONFIG.set_main_option("script_location", str(Path(hub.migrations.__file__).parent))
STEPS = sorted(r.revision for r in ScriptDirectory.from_config(CONFIG).walk_revisions())
EARLIER, NEWEST = STEPS[:-1], STEPS[-1]
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def full(parts: Parts) -> tuple[Parts, str, str]:
    """A hub with something in every table of the first schema; a rid that was decided, and the code it was decided for."""
    rid, book = new_rid(), Journal()
    made = issue(parts, CAPPED, 20)
    call = parts.database.call
    token = call(parts.devices.token, "kjy-south", 2, now())
    call(parts.devices.enrol, "kA", b"k" * 32, "till", token, {"board": "1"}, now())
    assert ask(parts, made[0].code, rid).status == "ok"
    book.record(made[0].coupon, rid, verdict="confirmed")
    for one in made[:10]:
        book.record(one.coupon)  # the first one is a conflict
    call(parts.uploads.take, "kA", read(encoded(book.run())), now())
    assert ask(parts, made[12].code).status == ask(parts, issue(parts, NEVER)[0].code).status == "ok"
    call(parts.coupons.pool, "kA", SLIP, new_rid(), 5, now())
    return parts, rid, made[0].code


@contextmanager
def fresh(parts: Parts, home: Path) -> Iterator[str]:
    """Give the address of an empty database of the same kind."""
    if parts.database.sqlite:
        yield f"sqlite:///{home}/old.db"
        return
    url = sa.make_url(parts.database.url)
    name = f"old_{os.urandom(6).hex()}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as c:
        c.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    yield url.set(database=name).render_as_string(hide_password=False)


def columns_of(c: sa.Connection) -> dict[str, list[str]]:
    """Return the tables and columns that a database has, in the order in which they can be filled."""
    found = sa.inspect(c)
    have = set(found.get_table_names())
    return {
        t.name: [col["name"] for col in found.get_columns(t.name)]
        for t in meta.sorted_tables
        if t.name in have
    }


def rows(c: sa.Connection, columns: dict[str, list[str]]) -> Rows:
    found = {}
    for name, some in columns.items():
        query = sa.select(*(meta.tables[name].c[one] for one in some))
        found[name] = sorted((tuple(r) for r in c.execute(query)), key=repr)
    return found


def as_of(revision: str, source: Parts, url: str) -> tuple[Rows, dict[str, list[str]]]:
    """Make a database as an earlier release left it, with the rows of a full one."""
    engine = sa.create_engine(url)
    with engine.begin() as c, source.database.engine.connect() as new:
        CONFIG.attributes["connection"] = c
        command.upgrade(CONFIG, revision)
        columns = columns_of(c)
        kept = rows(new, columns)
        for name, some in columns.items():
            if kept[name]:
                c.execute(sa.insert(meta.tables[name]), [dict(zip(some, r, strict=True)) for r in kept[name]])
        if not source.database.sqlite:
            for table in ("changes", "audit"):
                c.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
        assert rows(c, columns) == kept
    engine.dispose()
    return kept, columns


def goes_on(parts: Parts, rid: str, code: str) -> None:
    """Check that a hub knows what was decided, takes what comes and tells it."""
    call = parts.database.call
    assert ask(parts, code, rid).status == "ok", "the same ask has the same answer"
    assert ask(parts, code).reason == "used"
    pos, more = "", True
    while more:
        pos, more, _ = call(feed.since, "main", "kA", pos)
    [made] = issue(parts, CAPPED)
    assert ask(parts, made.code).status == "ok"
    assert uses(parts, made.coupon) == 1
    call(parts.catalog.set_status, CAPPED, "paused", None)
    assert call(feed.since, "main", "kA", pos)[2][-1].id == CAPPED


@pytest.mark.parametrize("revision", EARLIER)
def test_a_full_database_keeps_every_row(
    revision: str, full: tuple[Parts, str, str], settings: Settings, tmp_path: Path
) -> None:
    source, rid, code = full
    with fresh(source, tmp_path) as url:
        kept, columns = as_of(revision, source, url)
        empty = {name for name, found in kept.items() if not found}
        assert empty <= {"people", "prints", "leases"}
        made = Parts(msgspec.structs.replace(settings, database=url))
        assert made.open() == "migrated"
        try:
            found = made.database.call(lambda c: rows(c, columns))
            assert set(kept.pop("openings", ())) < set(found.pop("openings", ((),))), (
                "it was opened once more"
            )
            assert found == kept
            goes_on(made, rid, code)
        finally:
            made.close()


@pytest.mark.parametrize("revision", EARLIER)
def test_a_migration_that_breaks_off_changes_nothing(
    revision: str, full: tuple[Parts, str, str], settings: Settings, tmp_path: Path
) -> None:
    source, rid, code = full
    with fresh(source, tmp_path) as url:
        kept, columns = as_of(revision, source, url)
        made = Parts(msgspec.structs.replace(settings, database=url))

        def cut(conn: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
            """Lose the database at the very last thing that the migration does."""
            if statement.startswith("UPDATE alembic_version") and NEWEST in statement:
                raise made.database.engine.dialect.loaded_dbapi.OperationalError("cut")

        sa.event.listen(made.database.engine, "before_cursor_execute", cut)
        with pytest.raises(HubError, match="cut"):
            made.open()
        sa.event.remove(made.database.engine, "before_cursor_execute", cut)
        with made.database.engine.connect() as c:
            assert MigrationContext.configure(c).get_current_revision() == revision
            assert columns_of(c) == columns
            assert rows(c, columns) == kept
        assert made.open() == "migrated"
        try:
            goes_on(made, rid, code)
        finally:
            made.close()
