"""`kiosk-hub serve` as a process: its stop, several workers on PostgreSQL, the last configuration that worked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config import LAST_GOOD, Settings
from hub.parts import Parts, now
from hub.schema import devices

from .world import CAPPED, DEADLINE_S, Kiosk, issue

ROOT = Path(__file__).parents[2]
LONG_S = 4 * DEADLINE_S
"""A start of a process on a machine that others keep busy."""


class Serving:
    """A process that serves."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.hello: dict[str, Any] = {}

    @property
    def url(self) -> str:
        return str(self.hello["hub"])

    async def begun(self) -> None:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), LONG_S)
        assert line, (await self.end())[1]
        self.hello = json.loads(line)

    async def end(self) -> tuple[int, str]:
        assert self.process.stderr is not None
        err = await asyncio.wait_for(self.process.stderr.read(), LONG_S)
        return await asyncio.wait_for(self.process.wait(), LONG_S), err.decode()


@asynccontextmanager
async def serving(path: Path, *words: str, begun: bool = True) -> AsyncIterator[Serving]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "serve", "-c", str(path), *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=path.parent,
    )  # fmt: skip
    made = Serving(process)
    try:
        if begun:
            await made.begun()
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), LONG_S)


def write(settings: Settings, home: Path, listen: str = "127.0.0.1:0") -> Path:
    path = home / "hub.toml"
    path.write_text(
        f'database = "{settings.database}"\nlisten = "{listen}"\nsecret_key_file = "{settings.secret_key_file}"\n',
        "utf-8",
    )
    return path


async def let_in(parts: Parts, url: str) -> Kiosk:
    token = await asyncio.to_thread(parts.database.call, parts.devices.token, "kjy-south", 1, now())
    kiosk = Kiosk(url)
    assert (await kiosk.enrol(token))[1]["state"] == "accepted"
    return kiosk


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


async def test_a_stop_ends_held_requests_and_the_process(
    settings: Settings, parts: Parts, tmp_path: Path
) -> None:
    async with serving(write(settings, tmp_path)) as hub:
        kiosk = await let_in(parts, hub.url)
        pos, _ = await kiosk.changes()
        held = [asyncio.create_task(kiosk.call("GET", f"wake?pos={pos}")) for _ in range(3)]
        query = sa.select(devices.c.seen_at)
        while await asyncio.to_thread(parts.database.call, lambda c: c.execute(query).scalar()) is None:
            assert not any(task.done() for task in held)
        hub.process.send_signal(signal.SIGTERM)
        told = await asyncio.wait_for(asyncio.gather(*held), DEADLINE_S)
        assert [body["changed"] for _, body in told] == [False] * 3
        await kiosk.close()
        assert await hub.end() == (0, "")


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_several_workers_share_one_port_and_one_truth(
    settings: Settings, parts: Parts, tmp_path: Path
) -> None:
    made = await asyncio.to_thread(issue, parts, CAPPED, 8)
    path = write(settings, tmp_path, f"127.0.0.1:{free_port()}")
    async with serving(path, "--workers", "3") as hub:
        for _ in range(2):
            await hub.begun()
        kiosks = [await let_in(parts, hub.url) for _ in range(6)]  # each with connections of its own
        asked = [kiosk.ask(one.code) for one in made for kiosk in kiosks]
        told = await asyncio.gather(*asked)
        ok = [body["coupon"] for body in told if body["status"] == "ok"]
        assert sorted(ok) == sorted(one.coupon for one in made)
        assert {body["reason"] for body in told if body["status"] == "deny"} == {"used"}
        pos, _ = await kiosks[0].changes()
        held = [asyncio.create_task(k.call("GET", f"wake?pos={pos}")) for k in kiosks]
        await asyncio.to_thread(parts.database.call, parts.catalog.set_status, CAPPED, "paused", None)
        assert [body["changed"] for _, body in await asyncio.gather(*held)] == [True] * 6
        for kiosk in kiosks:
            await kiosk.close()
        hub.process.send_signal(signal.SIGTERM)
        code, err = await hub.end()
        assert (code, "Traceback" in err) == (0, False), err


LATE = """
import os, signal, sys
from asyncio.selector_events import BaseSelectorEventLoop
from hub.cli import main

close = BaseSelectorEventLoop.close

def closed(loop):
    close(loop)
    os.kill(os.getpid(), signal.SIGTERM)

BaseSelectorEventLoop.close = closed
sys.exit(main(sys.argv[1:]))
"""


async def test_a_signal_that_comes_again_while_it_ends_changes_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    """systemd asks each process of a service to stop, and the first of several asks the others besides."""
    path = write(settings, tmp_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LATE, "serve", "-c", str(path),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    hub = Serving(process)
    await hub.begun()
    process.send_signal(signal.SIGTERM)
    assert await hub.end() == (0, "")


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_worker_that_dies_ends_the_service(settings: Settings, parts: Parts, tmp_path: Path) -> None:
    import psutil

    async with serving(write(settings, tmp_path, f"127.0.0.1:{free_port()}"), "--workers", "2") as hub:
        await hub.begun()
        workers = psutil.Process(hub.process.pid).children()
        assert len(workers) == 2
        workers[0].kill()
        assert (await hub.end())[0] != 0
        assert not any(worker.is_running() for worker in workers)


async def test_several_workers_need_postgresql(settings: Settings, tmp_path: Path) -> None:
    async with serving(write(settings, tmp_path), "--workers", "2", begun=False) as hub:
        code, err = await hub.end()
        assert (code, "several workers need PostgreSQL" in err) == (2, True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: s + "demo = 5\n", "demo = 5 is not right"),
        (lambda s: s[:-2], "not valid TOML"),
        (lambda s: s.replace("sqlite:///", "sqlite:////proc/none"), "/proc"),
    ],
    ids=["bad value", "cut short", "does not work"],
)
async def test_a_configuration_that_does_not_work_gives_way_to_the_last_one_that_did(
    settings: Settings, tmp_path: Path, change: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, home = write(settings, tmp_path), tmp_path
    if why == "not valid TOML":  # where nothing can be read of it, what systemd says is left
        home = tmp_path / "state"
        home.mkdir()
        monkeypatch.setenv("STATE_DIRECTORY", str(home))
    kept = home / LAST_GOOD
    async with serving(path):
        assert kept.read_bytes() == path.read_bytes()
        assert kept.stat().st_mode & 0o777 == 0o600
    good = path.read_text("utf-8")
    path.write_text(change(good), "utf-8")
    async with serving(path) as hub:
        assert hub.url.startswith("http://127.0.0.1:")
        hub.process.send_signal(signal.SIGTERM)
        code, err = await hub.end()
        assert code == 0
        assert why in err
        assert f"the last configuration that worked is used: {kept}" in err
    assert kept.read_text("utf-8") == good, "what does not work is not kept"


async def test_without_an_earlier_configuration_a_bad_one_ends_it(settings: Settings, tmp_path: Path) -> None:
    path = write(settings, tmp_path)
    path.write_text("listen = 5\n", "utf-8")
    async with serving(path, begun=False) as hub:
        code, err = await hub.end()
        assert (code, err.count("\n"), "listen = 5 is not right" in err) == (2, 1, True)
