"""The restart by a button: another configuration in force, the same process, nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import aiohttp

from tests.daemon.program import Program, config
from tests.web.rig import Rig
from tests.web.test_staff import Staff

PIN = "1234"
DEADLINE_S = 30.0


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Running:
    """A kiosk that runs as a program: what a signed-in browser needs of it."""

    def __init__(self, url: str) -> None:
        self.url = url


async def back(staff: Staff, words: str) -> None:
    """Wait until the page is served by the kiosk that has restarted, and says something."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                page = await staff.page(path="/staff/settings")
                if words in page and "data-again" not in page:
                    return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def test_what_was_written_holds_after_the_button(tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    path = config(tmp_path, listen=listen)
    async with (
        Program(path) as kiosk,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
    ):
        await kiosk.ready()
        staff = Staff(Running(f"http://{listen}"), browser)  # type: ignore[arg-type]
        await staff.sign_in(PIN)
        body = {"hours": "09:00-21:00", "holidays": "", "look": "fresh", "locale": "zh_CN"}
        status, told = await staff.do("shop", body)
        assert (status, told["ok"]) == (200, True), told
        assert "将在终端下次启动后生效" in await staff.page(path="/staff/settings")
        status, told = await staff.do("restart")
        assert (status, told["ok"]) == (200, True), told
        pid = kiosk.process.pid
        line = await asyncio.wait_for(kiosk.process.stdout.readline(), DEADLINE_S)  # type: ignore[union-attr]
        assert listen.encode() in line, "it says anew where it is"
        await back(staff, "09:00-21:00")
        assert "将在终端下次启动后生效" not in await staff.page(path="/staff/settings")
        os.kill(pid, 0)
        async with browser.get(f"http://{listen}/") as answer:
            assert 'data-look="fresh"' in await answer.text()
        async with browser.get(f"http://{listen}/metrics") as answer:
            assert answer.status == 200, "the parts of before have let go of everything"
        code, err = await kiosk.end(signal.SIGTERM)
        assert (code, [line.split(": ")[-1] for line in err.splitlines()]) == (
            0,
            ["staff asked for a restart"],
        )


async def test_a_restart_with_a_file_that_is_broken_goes_on_with_the_one_before(tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    path = config(tmp_path, listen=listen)
    jar = aiohttp.CookieJar(unsafe=True)
    async with Program(path) as kiosk, aiohttp.ClientSession(cookie_jar=jar) as browser:
        await kiosk.ready()
        staff = Staff(Running(f"http://{listen}"), browser)  # type: ignore[arg-type]
        await staff.sign_in(PIN)
        path.write_text("data_dir = 5\n", "utf-8")
        assert (await staff.do("restart"))[1]["ok"] is True
        assert kiosk.process.stdout is not None
        line = await asyncio.wait_for(kiosk.process.stdout.readline(), DEADLINE_S)
        assert listen.encode() in line
        assert "data_dir" in await staff.page(path="/staff/devices"), "the doctor names what is wrong"


async def test_a_kiosk_that_nobody_restarts_says_so(alone: Rig) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        staff = Staff(alone, browser)
        await staff.sign_in()
        told = (await staff.do("restart"))[1]
        assert told == {"ok": False, "message": "这台终端不能用按钮重启，请手动重启它的服务。"}
        assert await alone.daemon.journal.acts() == [], "what was not done is not on record"
        asked: list[str] = []
        alone.daemon.restart = lambda: asked.append("again")
        assert (await staff.do("restart"))[1]["ok"] is True
        assert (asked, [a.what for a in await alone.daemon.journal.acts()]) == (["again"], ["restart"])
