"""The database: SQLite or PostgreSQL, migrations, and transactions that run beside the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from hub.errors import HubError

P = ParamSpec("P")
R = TypeVar("R")
BUSY_S = 5
"""How long a writer waits for another process, such as a command beside the server."""


class Database:
    """One engine. SQLite has one thread that writes in turn; PostgreSQL has a few."""

    def __init__(self, url: str) -> None:
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.url = url
        self.sqlite = url.startswith("sqlite")
        threads = 1 if self.sqlite else 8
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="hub-db")
        self.engine = self._engine(threads)

    def _engine(self, threads: int) -> sa.Engine:
        if not self.sqlite:
            return sa.create_engine(
                self.url, pool_size=threads, pool_pre_ping=True, connect_args={"connect_timeout": 5}
            )
        engine = sa.create_engine(self.url, connect_args={"timeout": BUSY_S, "check_same_thread": False})
        sa.event.listen(engine, "connect", _on_connect)
        sa.event.listen(engine, "begin", _on_begin)
        return engine

    def open(self) -> str:
        """Connect and migrate; return what was done in a word: `made`, `migrated` or empty."""
        if self.sqlite:
            _check_file(Path(self.url.removeprefix("sqlite:///")))
        try:
            return _migrate(self.engine)
        except sa.exc.DBAPIError as err:
            raise HubError(_why(err, self.url), 4) from err

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()

    def call(self, work: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one transaction here and now."""
        try:
            with self.engine.begin() as c:
                return work(c, *args, **kwargs)
        except sa.exc.DBAPIError as err:
            raise HubError(_why(err, self.url), 4) from err

    async def run(
        self, work: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run one transaction on a thread of its own; a cancelled caller does not stop it half way."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: self.call(work, *args, **kwargs)
        )


def _on_connect(raw: Any, _: object) -> None:
    raw.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_S * 1000}",
    ):
        raw.execute(f"PRAGMA {pragma}")


def _on_begin(connection: sa.Connection) -> None:
    # IMMEDIATE: a transaction that reads, decides and writes must not find another writer in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _check_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise HubError(
            f"{path.parent} cannot be made ({err.strerror}); name another directory in `database`.", 4
        ) from err
    if path.exists() and not os.access(path, os.W_OK):
        raise HubError(f"{path} cannot be written; correct its permissions.", 4)


def _migrate(engine: sa.Engine) -> str:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    with engine.connect() as c:
        current = MigrationContext.configure(c).get_current_revision()
        known = {r.revision for r in script.walk_revisions()}
        if current == head:
            return ""
        if current is not None and current not in known:
            raise HubError(
                f"the database was written by a newer version (schema {current}, this one knows {head}); update kiosk-hub."
            )
    with engine.begin() as c:
        config.attributes["connection"] = c
        command.upgrade(config, "head")
    return "migrated" if current else "made"


def _why(err: sa.exc.DBAPIError, url: str) -> str:
    """Say in one sentence why the database does not work."""
    shown = sa.make_url(url).render_as_string(hide_password=True)
    told = str(err.orig).strip().splitlines()[0] if err.orig else str(err)
    remedies = {
        "unable to open": "check the path and its permissions",
        "readonly": "make the file writable",
        "disk is full": "free some space; nothing was half-written",
        "not a database": "the file is not a database; restore a backup or name another file",
        "malformed": "the file is damaged; restore a backup",
        "locked": "another program holds it; try again",
        "onnection": "check that the server runs and the address is right",
    }
    remedy = next((r for word, r in remedies.items() if word in told), "see the server's log")
    return f"the database {shown} does not work ({told}); {remedy}."
