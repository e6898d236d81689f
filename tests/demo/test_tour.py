"""The whole story, as `kiosk demo --tour` plays it, and what the demo says when it cannot."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest

STEPS = 11


async def demo(*words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kiosk",
        "demo",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 180)
    return int(process.returncode or 0), out.decode(), err.decode()


async def test_the_whole_story_holds(tmp_path: Path, chromium: str) -> None:
    code, out, err = await demo("--tour", str(tmp_path), "--port", "0", "--hub-port", "0")
    told = json.loads((tmp_path / "tour.json").read_text("utf-8"))["steps"]
    assert [s for s in told if not s["ok"]] == []
    assert len(told) == STEPS
    assert all({"name", "ok", "detail", "ms"} == s.keys() for s in told)
    assert (code, err) == (0, "")
    for name in ("counter.png", "slip.png", "slip.bin", "stand.pdf", "poster.pdf", "redemptions.csv"):
        assert (tmp_path / name).stat().st_size > 100, name
    assert f"{STEPS} of {STEPS} steps held" in out


async def test_without_chromium_the_story_holds_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    code, out, _ = await demo("--tour", str(tmp_path), "--port", "0", "--hub-port", "0")
    assert code == 0, out
    assert "there is no Chromium" in out


async def test_a_port_in_use_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = str(s.getsockname()[1])
        code, _, err = await demo("--port", port, "--hub-port", "0", "--tour", str(tmp_path))
    assert code == 4
    assert f"port {port}" in err
    assert "--port" in err
    assert err.count("\n") == 1


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, _, err = await demo("--tour", str(tmp_path / "file" / "out"))
    assert code == 4
    assert "--tour" in err
