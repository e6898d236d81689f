"""The simulators as commands: one JSON line when ready, a page of control, an end on SIGTERM."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kiosk.events import Bus
from kiosk.hardware.factory import open_display, open_scanner
from kiosk.hardware.sim import SimBench
from simulators import panels, panels_speaker, scanner
from simulators.panels import PanelSim
from simulators.panels_wire import TcpWire
from tests.hardware.conftest import Watch, until


@asynccontextmanager
async def command(*words: str) -> AsyncIterator[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            yield json.loads(await process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ask(method: str, url: str, body: dict[str, str] | None = None) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as answer:
        return answer.status, await answer.json()


async def test_a_scanner_reads_what_it_is_told(bus: Bus, watch: Watch, tmp_path: Path) -> None:
    async with command("simulators.scanner", "--pty", str(tmp_path / "scanner")) as told:
        device = open_scanner("till", told["url"], SimBench(bus), bus)
        await device.start()
        await until(lambda: device.state == "ok")
        status, state = await ask("POST", f"{told['control']}/_sim/scan", {"text": "C1:A"})
        assert (status, state["read"]) == (200, ["C1:A"])
        await until(lambda: watch.codes == ["C1:A"])
        status, state = await ask("POST", f"{told['control']}/_sim/fault", {"fault": "melt"})
        assert (status, state["error"][:27]) == (400, "there is no fault melt; the")
        assert (await ask("POST", f"{told['control']}/_sim/scan", {}))[0] == 400
        await device.stop()


async def test_a_display_shows_what_it_sees(bus: Bus, watch: Watch) -> None:
    async with command("simulators.panels", "tjc", "--port", "0") as told:
        device = open_display("counter", told["url"], SimBench(bus), bus)
        await device.start()
        device.show_code("https://q.example.cn/1", ("满20减3",))
        await until(lambda: device.detail.startswith("shown"))
        _, state = await ask("GET", f"{told['control']}/_sim/state")
        assert (state["code"], state["lines"][0]) == ("https://q.example.cn/1", "满20减3")
        await device.stop()


async def test_a_service_for_speakers_says_where_its_broker_is() -> None:
    async with command("simulators.panels_speaker") as told:
        assert told["mqtt"].startswith("mqtt://127.0.0.1:")
        assert (await ask("POST", f"{told['control']}/_sim/fault", {"fault": "bad_token"}))[0] == 200
        _, state = await ask("GET", f"{told['control']}/_sim/state")
        assert (state["fault"], state["said"]) == ("bad_token", [])


def test_a_family_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match=r"^there is no family x; there are qrview, "):
        PanelSim("x", TcpWire())


@pytest.mark.parametrize("module", [panels, panels_speaker, scanner])
def test_every_fault_says_what_it_does(module: Any) -> None:
    assert module.FAULTS["none"]
    assert all(told.endswith(".") for told in module.FAULTS.values())
