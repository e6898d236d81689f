"""The mains fail: the UPS says so on its line, and the kiosk stops cleanly while the battery lasts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kiosk import run
from kiosk.config import Gpio
from kiosk.daemon import Daemon, build
from kiosk.toml import Loaded
from tests.web.rig import eventually, settings


async def test_a_kiosk_whose_mains_fail_stops_cleanly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[Daemon] = []

    def built(*words: Any) -> Daemon:
        made.append(build(*words))
        return made[0]

    monkeypatch.setattr(run, "build", built)
    chosen = msgspec.structs.replace(settings(tmp_path / "kiosk"), gpio=Gpio(factory="sim", power_good=12))
    serving = asyncio.create_task(run.serve(Loaded(chosen, ()), None))
    await eventually(lambda: '"kiosk"' in capsys.readouterr().out or serving.done())
    assert not serving.done(), "it serves while the mains are there"
    made[0].fittings.pins.power.cut()
    async with asyncio.timeout(20):
        await serving
    again = Daemon(Loaded(chosen, ()), None)
    await again.start()
    await again.stop()
    assert again.told.unclean_boots == 0, "nothing was cut off"
