"""The painter follows the daemon as a page would; what `kiosk screen` says when it cannot."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from kiosk.screen.canvas import PngCanvas
from kiosk.screen.decode import read
from kiosk.screen.link import Link
from kiosk.screen.painter import Painter
from kiosk.screen.power import Answer, Power
from tests.web.rig import rig


async def test_the_painter_follows_the_daemon_and_proves_its_picture(tmp_path: Path) -> None:
    async with rig(tmp_path) as kiosk:
        canvas = PngCanvas(tmp_path / "glass.png", (800, 480))
        painter = Painter(Link(kiosk.url), canvas)

        def one_view() -> None:
            for view in painter._link.views():
                painter.take(view)
                return

        await asyncio.to_thread(one_view)
        _, view = await kiosk.get("/api/v1/counter")
        assert read(tmp_path / "glass.png") == view["link"]
        assert kiosk.daemon.glass is not None
        assert kiosk.daemon.glass.state() == "ok"
        kiosk.daemon.bench.scan("till", "134567890123456789")
        await kiosk.outcome("refused")
        await asyncio.to_thread(one_view)
        assert read(tmp_path / "glass.png") == "", "the outcome is shown in place of the code"


async def test_the_display_behind_a_framebuffer_follows_the_hours(tmp_path: Path) -> None:
    """Black, and told to stand by; a picture in a file switches nothing."""
    told: list[tuple[str, bool]] = []

    def tell(adapter: Path, lit: bool) -> Answer:
        told.append((adapter.name, lit))
        return "done"

    (tmp_path / "cec0").touch()
    power = Power(dev=tmp_path, tell=tell, switch=lambda lit: "cannot")
    async with rig(tmp_path) as kiosk:
        _, view = await kiosk.get("/api/v1/counter")
        painter = Painter(Link(kiosk.url), PngCanvas(tmp_path / "glass.png", (800, 480)), power=power)
        for is_open in (True, False, False, True):
            await asyncio.to_thread(painter.take, {**view, "open": is_open})
            assert (read(tmp_path / "glass.png") == view["link"]) is is_open
            await asyncio.to_thread(painter.take, None)
    assert told == [("cec0", False), ("cec0", True)]


async def test_the_command_draws_and_says_that_the_daemon_is_gone(tmp_path: Path) -> None:
    async with rig(tmp_path) as kiosk:
        port = kiosk.url.rpartition(":")[2]
        config = tmp_path / "screen.toml"
        config.write_text(f'[web]\nlisten = "127.0.0.1:{port}"\n')
        picture = tmp_path / "glass.png"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kiosk", "screen", "--draw", f"png:{picture}:800x480", "-c", str(config)
        )
        try:
            async with asyncio.timeout(30):
                while not picture.exists():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            before = picture.read_bytes()
            await kiosk.daemon.stop()
            async with asyncio.timeout(30):
                while picture.read_bytes() == before:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert await asyncio.to_thread(read, picture), "the code still opens the store's page"
        finally:
            process.terminate()
            await process.wait()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--draw", "svg:x"], 2),
        (["--draw", "fb:/dev/fb99"], 2),
        (["--browser", "/nothing/chromium"], 4),
    ],
)
async def test_what_cannot_be_kept_is_said_in_one_sentence(words: list[str], code: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk", "screen", *words, stderr=asyncio.subprocess.PIPE
    )
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == code
    assert err.decode().count("\n") == 1, err


@pytest.mark.parametrize(
    "web",
    ['listen = "0.0.0.0:8080"', 'listen = "0.0.0.0:8443"\nlan = "0.0.0.0:9443"'],
    ids=["its own port", "two addresses"],
)
async def test_a_screen_whose_page_is_served_nowhere_says_how(tmp_path: Path, web: str) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(f'data_dir = "{tmp_path}"\n[web]\n{web}\n')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk", "screen", "-c", str(path), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        _, told = await process.communicate()
    assert (process.returncode, b"Set web.listen to 127.0.0.1:8080" in told) == (2, True), told
