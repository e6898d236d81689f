"""`kiosk demo --printer KIND`: a press of the button comes out of the printer that was chosen."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kiosk.cli.demo import PRINTERS
from simulators.demo.printers import CHOICES


def test_the_command_offers_every_printer_that_the_demo_has() -> None:
    assert tuple(CHOICES) == PRINTERS


async def shown(process: asyncio.subprocess.Process) -> str:
    """Return what the demo prints until it is ready."""
    assert process.stdout is not None
    told = ""
    async with asyncio.timeout(90):
        while "Ctrl-C" not in told:
            line = await process.stdout.readline()
            assert line, told
            told += line.decode()
    return told


async def pressed(http: aiohttp.ClientSession, kiosk: str) -> None:
    """Press the button as soon as the page offers slips."""
    async with asyncio.timeout(40):
        while True:
            async with http.get(f"{kiosk}/api/v1/counter") as answer:
                if (await answer.json())["slip"]["enabled"]:
                    break
            await asyncio.sleep(0.1)
    async with http.post(f"{kiosk}/simulator/press", json={}) as answer:
        assert (await answer.json())["ok"]


async def until_printed(http: aiohttp.ClientSession, kiosk: str, token: str) -> list[dict[str, Any]]:
    """Wait for the outcome of the first slip in the kiosk's own record."""
    head = {"Authorization": f"Bearer {token}"}
    async with asyncio.timeout(40):
        while True:
            async with http.get(f"{kiosk}/api/v1/journal", headers=head) as answer:
                rows: list[dict[str, Any]] = (await answer.json())["rows"]
            if ended := [r for r in rows if r["kind"] == "print_result"]:
                return ended
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    "kind",
    [
        "feie",
        pytest.param("yilianyun", marks=pytest.mark.heavy),  # the same way through the demo, 5 s each
        pytest.param("virtual", marks=pytest.mark.heavy),
        pytest.param("serial", marks=pytest.mark.heavy),
        "usb",
    ],
)
async def test_a_press_comes_out_of_the_printer_that_was_chosen(kind: str, tmp_path: Path) -> None:
    words = ["--printer", kind, "--port", "0", "--hub-port", "0", "--data", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk", "demo", *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        told = await shown(process)
        found = re.search(r"counter page\s+\S+\s+(http://\S+)/", told)
        assert found is not None
        kiosk = found[1]
        async with aiohttp.ClientSession() as http:
            await pressed(http, kiosk)
            token = (tmp_path / "kiosk" / "local.token").read_text("ascii").strip()
            (ended,) = await until_printed(http, kiosk, token)
            assert ended["verdict"] == "printed", ended
            if kind in ("virtual", "usb"):  # no program of its own: the mirror's picture is here
                async with asyncio.timeout(20):
                    while not list((tmp_path / "kiosk" / "slips").glob("*.png")):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                assert len(list((tmp_path / "kiosk" / "slips").glob("*.png"))) == 1
                return
            state = re.search(r"(http://\S+/_sim/state)", told)
            assert state is not None
            async with http.get(state[1]) as answer:
                seen = await answer.json()
            (printer, *_) = seen["printers"].values() if "printers" in seen else (seen,)
            (slip,) = printer["slips"]
            assert "老王便利" in slip["text"]
    finally:
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0
