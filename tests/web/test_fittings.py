"""`kiosk devices`: what is configured and what is plugged in besides, in text and JSON; nothing twice, nothing hidden."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kiosk.config import Settings
from kiosk.events import Bus
from kiosk.fittings import Fittings
from kiosk.hardware.discovery import NOT_YET, Found
from tests.web.rig import rig, settings

UNKNOWN = Found("unknown", "Acme Wheel", "", False, "", NOT_YET, "dead:beef 1")
PLUGGED = Found(
    "scanner", "Newland EM30xx", "serial:///dev/serial/by-id/usb-Newland", True, "serial", "", "1eab:1306 A1"
)


async def devices(config: Path, *words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk", "devices", *words, "-c", str(config), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def test_the_command_says_what_is_experimental_and_what_nothing_drives(tmp_path: Path) -> None:
    more = {"tills": {"front": {"url": "sim://"}}}
    async with rig(tmp_path, hub=False, more=more) as kiosk:
        config = tmp_path / "kiosk.toml"
        listen = kiosk.url.partition("://")[2].rstrip("/")
        config.write_text(f'data_dir = "{tmp_path / "kiosk"}"\n[web]\nlisten = "{listen}"\n', "utf-8")
        fittings = kiosk.daemon.fittings
        fittings.displays[0].experimental = True  # type: ignore[attr-defined]
        fittings.hot_plug.found = [UNKNOWN, PLUGGED]
        rows: list[dict[str, Any]] = json.loads(await devices(config, "--json"))["devices"]
        text = await devices(config)
    by_name = {(r["kind"], r["name"]): r for r in rows}
    assert [r["name"] for r in rows if r["experimental"]] == ["counter"]
    assert by_name["unknown", "Acme Wheel"]["state"] == "not supported"
    assert by_name["scanner", "Newland EM30xx"]["state"] == "not configured"
    assert by_name["till", "front"]["state"] == "ok"
    lines = {line.split()[0] + " " + line.split()[1]: line for line in text.splitlines()}
    assert "experimental: simulated" in lines["display counter"]
    assert "codes of up to 1000 bytes, level L to H, chosen here" in lines["display counter"]
    assert NOT_YET in lines["unknown Acme"]
    assert PLUGGED.url in lines["scanner Newland"], "the address to write"


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("displays", "tjc+serial:///dev/null?max=100"),
        ("scanners", "serial:///dev/null?baud=115200"),
        ("tills", "serial:///dev/null"),
    ],
)
def test_what_is_configured_is_not_offered_again(tmp_path: Path, kind: str, url: str) -> None:
    plain = {**msgspec.to_builtins(settings(tmp_path)), kind: {"one": {"url": url}}}
    fittings = Fittings(msgspec.convert(plain, Settings), Bus(), tmp_path)
    same = Found("serial", "the same line", "serial:///dev/null", False, "serial", "")
    other = Found("serial", "another line", "serial:///dev/zero", False, "serial", "")
    fittings.hot_plug.found = [same, other]
    assert [r["name"] for r in fittings.rows() if r["state"] == "not configured"] == ["another line"]
