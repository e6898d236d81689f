"""What stands in the way of a start: each one sentence with the remedy, the right exit code, and nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.daemon.program import Program, config
from tests.daemon.test_life import ask


async def refused(path: Path) -> tuple[int, str]:
    async with Program(path) as kiosk:
        code, err = await kiosk.end()
    assert "Traceback" not in err
    assert err.startswith("kiosk: ")
    assert err.count("\n") == 1, err
    return code, err


async def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        listen = f"127.0.0.1:{s.getsockname()[1]}"
        code, err = await refused(config(tmp_path, listen=listen))
    assert code == 4
    assert listen in err
    assert "web.listen" in err
    assert not (tmp_path / "data" / "running").exists(), "what was started was stopped again"


async def test_a_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    code, err = await refused(config(tmp_path, data=tmp_path / "file" / "data"))
    assert code == 4
    assert "data_dir" in err


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of 2 MiB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    yield place  # type: ignore[misc]
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path: Path) -> None:
    """Write until the file system is full."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for size in (65536, 4096, 1):
            while True:
                try:
                    os.write(fd, b"x" * size)
                except OSError:
                    break
    finally:
        os.close(fd)


async def test_a_full_disk_at_start_and_later(tmp_path: Path, small_disk: Path) -> None:
    path = config(tmp_path, data=small_disk / "data")
    async with Program(path) as kiosk:
        await kiosk.ready()
        url = str(kiosk.says["kiosk"])
        assert (await asyncio.to_thread(ask, url, "/api/v1/redeem", {"code": "ABCDEFGH"}))[
            "reason"
        ] == "hub_away"
        fill(small_disk / "filler")
        last = {}
        for n in range(40):  # until the pages that SQLite has already are used up
            last = await asyncio.to_thread(ask, url, "/api/v1/redeem", {"code": f"ABCDEFG{n:03}"})
            if last["reason"] == "store_full":
                break
        assert (last["verdict"], last["reason"]) == ("refused", "store_full"), last
        assert "无法写入流水" in str(last["message"])
        (small_disk / "filler").unlink()
        assert (await asyncio.to_thread(ask, url, "/api/v1/redeem", {"code": "ABCDEFGX"}))[
            "reason"
        ] == "hub_away"
        assert (await asyncio.to_thread(ask, url, "/api/v1/journal/verify"))["ok"] is True
        await kiosk.end(signal.SIGTERM)


async def test_a_read_only_file_system(tmp_path: Path, small_disk: Path) -> None:
    (small_disk / "data").mkdir()
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, err = await refused(config(tmp_path, data=small_disk / "data"))
    assert code == 4
    assert "read-only" in err or "writable" in err


async def test_a_journal_of_a_newer_version(tmp_path: Path) -> None:
    path = config(tmp_path)
    async with Program(path) as kiosk:
        await kiosk.ready()
        await kiosk.end(signal.SIGTERM)
    file = tmp_path / "data" / "journal.db"
    db = sqlite3.connect(file)
    db.execute("PRAGMA user_version = 9999")
    db.close()
    before = file.read_bytes()
    code, err = await refused(path)
    assert code == 4
    assert "newer version" in err
    assert "update the kiosk" in err
    assert file.read_bytes() == before, "it is left as it is"


async def test_an_identity_that_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "device.key").write_bytes(b"short")
    code, err = await refused(config(tmp_path))
    assert code == 4
    assert "device.key" in err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[printers.counter]\nurl = "tpc://x"', ["counter", "tcp://"]),
        ('[scanners.till]\nurl = "serial:dev"', ["scanners.till.url", "serial:dev"]),
        ('[scanners.till]\nurl = "usb://1"', ["scanner till"]),
        ('[printers.counter]\nurl = "tcp://127.0.0.1"\nprofile = "nix"', ["counter", "generic-58"]),
        ("[gpio]\nbutton = 99", ["gpio.button", "99"]),
        ('locale = "fr"', ["locale", '"zh_CN"']),
    ],
)
async def test_a_configuration_that_makes_no_sense(tmp_path: Path, text: str, words: list[str]) -> None:
    code, err = await refused(config(tmp_path, text))
    assert code == 2
    assert all(word in err for word in words), err


async def test_a_bad_configuration_gives_way_to_the_last_good_one(tmp_path: Path) -> None:
    path = config(tmp_path)
    async with Program(path) as kiosk:
        await kiosk.ready()
        await kiosk.end(signal.SIGTERM)
    for text in ('[printers.counter]\nurl = "tpc://x"', "[gpio]\nbutton = 99"):
        config(tmp_path, text)
        async with Program(path) as kiosk:
            await kiosk.ready()
            code, err = await kiosk.end(signal.SIGTERM)
        assert code == 0
        assert "last configuration that worked" in err


async def test_a_hub_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    async with Program(config(tmp_path, '[hub]\nurl = "http://127.0.0.1:9"')) as kiosk:
        await kiosk.ready()
        assert (await kiosk.end(signal.SIGTERM))[0] == 0
