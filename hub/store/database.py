"""The database: SQLite or PostgreSQL, migrations, and transactions that run beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import sqlalchemy as sa

from hub.errors import HubError, Refused
from kiosk.private import make_private, tighten

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
BUSY_S = 5
"""How long a writer waits for another process, such as a command beside the server."""
TRIES = 4
"""Times a transaction is begun that lost a race on PostgreSQL; its second reading finds what the winner wrote."""
RACES = frozenset({"23505", "40001", "40P01"})
"""SQLSTATE of a unique violation, a serialisation failure and a deadlock (PostgreSQL, appendix A)."""
GONE = frozenset({"08", "57"})
"""Classes of SQLSTATE of a lost connection and of a server that was stopped."""


class _Attempt(Generic[R]):
    """One run of a transaction's work; `done` when only the commit is left, whose loss leaves the outcome unknown."""

    def __init__(self, work: Callable[..., R], args: Any, kwargs: Any) -> None:
        self._work, self._args, self._kwargs = work, args, kwargs
        self.done = False

    def run(self, c: sa.Connection) -> R:
        told = self._work(c, *self._args, **self._kwargs)
        self.done = True
        return told


class Database:
    """One engine. SQLite has one thread that writes in turn; PostgreSQL has a few. Each keeps its connection.

    To take one from the pool and give it back costs 45 µs, a fifth of a decision (benchmarks/hub_decision.py).
    """

    def __init__(self, url: str) -> None:
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.url = url
        self.sqlite = url.startswith("sqlite")
        self.threads = threads = 1 if self.sqlite else 8
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(
            threads, thread_name_prefix="hub-db", initializer=lambda: setattr(self._own, "lasting", True)
        )
        self._kept: set[sa.Connection] = set()
        self.engine = self._engine(threads)
        # Statements of the hot path and those of a new connection fail with the driver's own errors.
        self._errors: tuple[type[Exception], ...] = (
            sa.exc.DBAPIError,
            self.engine.dialect.loaded_dbapi.Error,
        )

    def _engine(self, threads: int) -> sa.Engine:
        if not self.sqlite:
            try:
                # No ping before each transaction: it costs a tenth of a decision, and `call` mends a connection that died.
                return sa.create_engine(self.url, pool_size=threads, connect_args={"connect_timeout": 5})
            except (sa.exc.ArgumentError, ValueError) as err:
                raise HubError(
                    "database is not an address of PostgreSQL; write it as postgresql://USER:PASSWORD@HOST:PORT/NAME."
                ) from err
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
        except self._errors as err:
            raise HubError(_why(err, self.url), 4) from err

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown(wait=True)
        for kept in self._kept:
            kept.close()
        self._kept.clear()
        self.engine.dispose()

    def call(self, work: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one transaction here and now; HubError when the database does not work.

        A Refused with `keep` commits what was written before it is raised. On PostgreSQL a transaction that lost a race is
        run again, so `work` writes to nothing but the database.
        """
        for left in reversed(range(TRIES)):
            attempt = _Attempt(work, args, kwargs)
            try:
                return self._once(attempt)
            except self._errors as err:
                state = getattr(_cause(err), "sqlstate", None)
                gone = not self.sqlite and not attempt.done and (state is None or state[:2] in GONE)
                if gone:
                    self.engine.dispose()  # the server was restarted: no connection of the pool is any good
                if left and (state in RACES or (gone and left == TRIES - 1)):
                    continue
                raise HubError(_why(err, self.url), 4) from err
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _begun(self) -> Iterator[sa.Connection]:
        """Give a connection in a transaction: one of the hub's own threads keeps its own until that fails."""
        if not getattr(self._own, "lasting", False):
            with self.engine.begin() as c:
                yield c
            return
        c = getattr(self._own, "connection", None) or self._connect()
        try:
            with c.begin():
                yield c
        except self._errors:
            self._leave(c)
            raise

    def _connect(self) -> sa.Connection:
        c: sa.Connection = self.engine.connect()
        self._own.connection = c
        self._kept.add(c)
        return c

    def _leave(self, c: sa.Connection) -> None:
        """Let go of a connection that failed, whatever it says of itself: the next transaction takes a fresh one."""
        self._own.connection = None
        self._kept.discard(c)
        c.invalidate()
        c.close()

    def _once(self, attempt: _Attempt[R]) -> R:
        with self._begun() as c:
            try:
                return attempt.run(c)
            except Refused as err:
                if not err.keep:
                    raise
                refused = err
        raise refused

    def each(self, work: Callable[[sa.Connection, T], R], lots: Iterable[T]) -> Iterator[R]:
        """Run one transaction a lot, so that a hub that serves meanwhile waits for one and not for all.

        SQLite lets a writer in when it happens to ask, so between two lots others have as long as the last one took.
        """
        for lot in lots:
            begun = time.monotonic()
            told = self.call(work, lot)
            took = time.monotonic() - begun
            yield told
            if self.sqlite:
                time.sleep(took)

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
    # By the driver's own cursor: Core takes 60 µs for it, a seventh of a decision.
    connection.connection.cursor().execute("BEGIN IMMEDIATE")


def _check_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise HubError(
            f"{path.parent} cannot be made ({err.strerror}); name another directory in `database`.", 4
        ) from err
    if path.exists() and not os.access(path, os.W_OK):
        raise HubError(f"{path} cannot be written; correct its permissions.", 4)
    try:
        make_private(path)
        tighten(Path(f"{path}-wal"))
        tighten(Path(f"{path}-shm"))
    except OSError as err:
        raise HubError(f"{path} cannot be made ({err.strerror}); check its directory.", 4) from err


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


def _cause(err: BaseException) -> BaseException:
    return (err.orig or err) if isinstance(err, sa.exc.DBAPIError) else err


def _why(err: BaseException, url: str) -> str:
    """Say in one sentence why the database does not work."""
    shown = sa.make_url(url).render_as_string(hide_password=True)
    cause = _cause(err)
    told = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    remedies = {
        "unable to open": "check the path and its permissions",
        "readonly": "make the file and its directory writable",
        "disk is full": "free some space; nothing was half-written",
        "disk I/O error": "check the disk and its free space; nothing was half-written",
        "not a database": "restore a backup or name another file",
        "malformed": "the file is damaged; restore a backup",
        "locked": "another program holds it; try again",
        "authentication": "correct user and password in `database`",
        "does not exist": "make the database or correct its name",
        "onnection": "check that the server runs and the address is right",
    }
    remedy = next((r for word, r in remedies.items() if word in told), "see the server's log")
    return f"the database {shown} does not work ({told}); {remedy}."
