"""What the commands of the simulators answer when their port cannot be had."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

SERVERS = [
    ["simulators.feie"],
    ["simulators.yilianyun"],
    ["simulators.escpos"],
    ["simulators.scanner"],
    ["simulators.panels", "qrview"],
]


async def outcome(*words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *words,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        async with asyncio.timeout(30):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


@pytest.mark.parametrize("words", SERVERS, ids=lambda words: str(words[0]))
async def test_a_port_in_use_is_one_sentence(words: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = await outcome(*words, "--port", str(taken.getsockname()[1]))
    assert code == 4
    assert "cannot listen" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("port", ["70000", "-1", "x"])
async def test_a_port_that_is_none_is_refused(port: str) -> None:
    code, said = await outcome("simulators.feie", f"--port={port}")
    assert code == 2
    assert "is not a port" in said
