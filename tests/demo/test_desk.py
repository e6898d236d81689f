"""The demo at a desk: programs stop and start by a key while the rest goes on."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import aiohttp
import pytest


async def until_line(process: asyncio.subprocess.Process, words: str) -> str:
    """Read what the demo prints until the words come."""
    assert process.stdout is not None
    told = ""
    async with asyncio.timeout(90):
        while words not in told:
            line = await process.stdout.readline()
            assert line, told
            told += line.decode()
    return told


async def start(data: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kiosk", "demo", "--port", "0", "--hub-port", "0"),
        *("--printer", "virtual", "--data", str(data)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    return process, await until_line(process, "全部停止")


def programs(data: Path) -> list[int]:
    """Return the processes that run on the demo's files."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
            dead = (place / "stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if not dead and any(w.startswith(bytes(data)) and w.endswith(b".toml") for w in words):
            found.append(int(place.name))
    return found


def serving(data: Path, program: str) -> int:
    (pid,) = [
        p for p in programs(data) if f"{program}.toml".encode() in Path(f"/proc/{p}/cmdline").read_bytes()
    ]
    return pid


async def test_the_hub_may_die_and_be_started_by_a_key(tmp_path: Path) -> None:
    process, told = await start(tmp_path)
    assert process.stdin is not None
    try:
        found = re.search(r"counter page\s+\S+\s+(http://\S+)/", told)
        assert found is not None
        os.kill(serving(tmp_path, "hub"), signal.SIGKILL)
        assert "h + Enter starts it again" in await until_line(process, "Enter starts")
        async with aiohttp.ClientSession() as http, http.get(f"{found[1]}/healthz") as answer:
            assert answer.status == 200
        process.stdin.write(b"h\n")
        await until_line(process, "The hub runs again")
        process.stdin.write(b"h\n")
        await until_line(process, "The hub is stopped")
        assert len(programs(tmp_path)) == 1
    finally:
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert programs(tmp_path) == []


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv here (util-linux)")
async def test_a_killed_demo_leaves_nothing_running(tmp_path: Path) -> None:
    process, _ = await start(tmp_path)
    assert len(programs(tmp_path)) == 2
    process.kill()
    await process.wait()
    async with asyncio.timeout(30):
        while programs(tmp_path):  # noqa: ASYNC110 - processes of another parent cannot be waited for
            await asyncio.sleep(0.05)


async def test_a_tour_counts_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "token").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "counter.png").write_bytes(b"of an earlier tour")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kiosk", "demo", "--port", "0", "--hub-port", "0"),
        *("--tour", str(tmp_path / "out"), "--data", str(tmp_path / "data")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 4
    assert "--data DIR" in err.decode()
    assert not (tmp_path / "out" / "counter.png").exists()
    assert not (tmp_path / "out" / "tour.json").exists()
