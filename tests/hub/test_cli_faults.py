"""`kiosk-hub` on what a shop's machine can be like: configuration, database, secret, disk, port."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.config import Settings
from hub.parts import Parts

from .command import Run
from .world import CAPPED, SAMPLE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("listen = 5", "listen = 5 is not right"),
        ('listen = "127.0.0.1:99999"', "ports end at 65535"),
        ('database = "mysql://x"', "is not right"),
        ('database = "postgresql://h:port/x"', "not an address of PostgreSQL"),
        ("[demo", "not valid TOML"),
        ('public_url = "q.example.cn"', "public_url"),
    ],
)
def test_a_bad_configuration_is_one_sentence(run: Run, text: str, told: str) -> None:
    run.toml.write_text(text + "\n", "utf-8")
    assert told in run.wrong(2, "batch", "list")


@pytest.mark.parametrize(
    "address", ["postgres://hub:geheim@db.example.cn/hub", "mysql://db.example.cn/hub?password=geheim"]
)
def test_a_password_in_a_bad_address_is_not_shown(run: Run, address: str) -> None:
    run.toml.write_text(f'database = "{address}"\n', "utf-8")
    told = run.wrong(2, "batch", "list")
    assert "database is not right" in told
    assert "geheim" not in told


def test_a_configuration_that_is_not_there(run: Run) -> None:
    run.toml.unlink()
    assert "there is no such file" in run.wrong(2, "serve")


def test_an_unknown_setting_is_a_warning(run: Run) -> None:
    run.toml.write_text(run.toml.read_text("utf-8") + 'listten = "x"\n', "utf-8")
    code, _, err = run("migrate")
    assert (code, "did you mean listen?" in err) == (0, True)


def test_a_database_of_a_newer_version_is_left_alone(loaded: Run) -> None:
    raw = sqlite3.connect(loaded.home / "hub.db")
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    raw.close()
    before = (loaded.home / "hub.db").read_bytes()
    assert "newer version (schema 9999" in loaded.wrong(2, "batch", "list")
    assert (loaded.home / "hub.db").read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(run: Run) -> None:
    (run.home / "hub.db").write_bytes(b"this is not a database, it is a text\n" * 40)
    before = (run.home / "hub.db").read_bytes()
    assert "file is not a database" in run.wrong(4, "batch", "list")
    assert (run.home / "hub.db").read_bytes() == before


def test_a_directory_is_no_database(run: Run) -> None:
    (run.home / "hub.db").mkdir()
    assert "does not work" in run.wrong(4, "batch", "list")


def test_an_older_database_is_migrated(run: Run) -> None:
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    import hub.migrations

    config = Config()
    config.set_main_option("script_location", str(Path(hub.migrations.__file__).parent))
    engine = sa.create_engine(f"sqlite:///{run.home}/hub.db")
    with engine.begin() as c:
        config.attributes["connection"] = c
        command.upgrade(config, "0001")
    engine.dispose()
    assert run("migrate")[:2] == (0, "the schema was migrated.\n")
    assert run("migrate")[:2] == (0, "the schema is up to date.\n")
    assert run("batch", "load", str(SAMPLE))[0] == 0


@pytest.mark.parametrize("how", ["other", "gone", "torn", "garbage"])
def test_a_wrong_secret_is_noticed_at_once(loaded: Run, how: str) -> None:
    key = loaded.home / "hub.key"
    assert key.stat().st_mode & 0o777 == 0o600
    if how == "other":
        key.write_text("A" * 43 + "=\n", "ascii")
    elif how == "gone":
        key.unlink()
    else:
        key.write_bytes(b"abc\n" if how == "torn" else b"\xff\xfe")
    told = loaded.wrong(2, "coupon", "issue", CAPPED)
    assert "secret_key_file" in told
    assert "restore" in told or "correct" in told
    assert loaded.wrong(2, "serve") == told
    if how == "gone":
        assert not key.exists()


def test_the_schema_is_what_the_migrations_make(loaded: Run) -> None:
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from hub.schema import meta

    engine = sa.create_engine(f"sqlite:///{loaded.home}/hub.db")
    with engine.connect() as c:
        assert compare_metadata(MigrationContext.configure(c), meta) == []
    engine.dispose()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, where this user may mount one."""
    at = tmp_path / "small"
    at.mkdir()
    mount = shutil.which("mount")
    if (
        os.geteuid() != 0
        or mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", at]).returncode
    ):
        pytest.skip("a full disk is untested: this user cannot mount a small file system")
    yield at
    subprocess.run(["umount", at], check=True)


def test_a_full_disk_loses_nothing(run: Run, small_disk: Path) -> None:
    run.toml.write_text(f'database = "sqlite:///{small_disk}/hub.db"\n', "utf-8")
    assert run("batch", "load", str(SAMPLE), "--shift-to-today")[0] == 0
    code, out, told = run("coupon", "issue", CAPPED, "-n", "3000")
    printed = len(out.split())
    assert code == 4
    assert "disk is full" in told
    assert "free some space" in told
    assert ("codes were issued and stand above" in told) == (printed > 0)
    parts = Parts(Settings(database=f"sqlite:///{small_disk}/hub.db"))
    parts.open()
    found = parts.database.call(parts.catalog.batch, CAPPED)
    parts.close()
    assert found is not None
    assert found.claimed == printed < 3000, "what was printed is good, and nothing else was issued"


def test_a_full_disk_has_no_room_for_a_database(run: Run, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * (1024 * 1024 - 8192))
    run.toml.write_text(f'database = "sqlite:///{small_disk}/hub.db"\n', "utf-8")
    assert "disk" in run.wrong(4, "migrate")


def test_a_read_only_directory_is_named(run: Run, small_disk: Path) -> None:
    run.toml.write_text(f'database = "sqlite:///{small_disk}/hub.db"\n', "utf-8")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert str(small_disk) in run.wrong(4, "migrate")
    run.toml.write_text(f'database = "sqlite:///{small_disk}/sub/hub.db"\n', "utf-8")
    assert "cannot be made" in run.wrong(4, "migrate")


def test_a_server_that_is_away_is_named_without_its_password(run: Run) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    run.toml.write_text(
        f'database = "postgresql://u:geheim@127.0.0.1:{port}/x"\nsecret_key_file = "{run.home}/k"\n', "utf-8"
    )
    told = run.wrong(4, "migrate")
    assert "check that the server runs" in told
    assert "geheim" not in told


def test_a_port_in_use_is_named(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        run.toml.write_text(f'database = "sqlite:///{run.home}/hub.db"\nlisten = "{listen}"\n', "utf-8")
        told = run.wrong(4, "serve")
    assert f"cannot listen on {listen}" in told


def test_several_workers_need_postgresql(run: Run) -> None:
    assert "several workers need PostgreSQL" in run.wrong(2, "serve", "--workers", "2")
    assert "at least 1" in run.wrong(2, "serve", "--workers", "0")


def test_a_file_size_limit_is_a_full_disk(loaded: Run) -> None:
    """As a quota would: the limit holds for the child alone."""
    size = sum(f.stat().st_size for f in loaded.home.glob("hub.db*"))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 65_536, size + 65_536))

    done = subprocess.run(
        [sys.executable, "-m", "hub", "coupon", "issue", CAPPED, "-n", "3000", "-c", str(loaded.toml)],
        capture_output=True, text=True, preexec_fn=limit, timeout=60,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert done.stderr.count("\n") == 1
    assert loaded("coupon", "issue", CAPPED)[0] == 0
