"""The restart by a button: another configuration in force, the same process, nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import aiohttp

from tests.daemon.program import Program, config
from tests.web.rig import Rig
from tests.web.test_staff import Staff

PIN = "1234"
DEADLINE_S = 30.0


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
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{s.getsockname()[1]}"
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
        code, err = await kiosk.end(signal.SIGTERM)
        assert (code, [line.split(": ")[-1] for line in err.splitlines()]) == (
            0,
            ["staff asked for a restart"],
        )


async def test_a_kiosk_that_nobody_restarts_says_so(alone: Rig) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        staff = Staff(alone, browser)
        await staff.sign_in()
        told = (await staff.do("restart"))[1]
        assert told == {"ok": False, "message": "这台终端不能用按钮重启，请手动重启它的服务。"}
