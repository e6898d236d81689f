"""The page of simulated devices works each device with its faults; what it does goes the way of real ones through a whole kiosk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from kiosk.config import Gpio, Screen
from kiosk.daemon import Daemon
from kiosk.hardware.sim import FAULTS
from kiosk.settings import Speaker, Till
from kiosk.toml import Loaded
from tests.web.rig import Rig, eventually, settings

EVERY = Gpio(factory="sim", button=17, red=5, green=6, buzzer=19, drawer=26, presence=16, power_good=12)


@asynccontextmanager
async def bench(base: Path, screen: Screen | None = None) -> AsyncIterator[Rig]:
    """Run a kiosk with a simulated device of each kind."""
    made = msgspec.structs.replace(
        settings(base / "kiosk"),
        gpio=EVERY,
        screen=screen or Screen(),
        tills={"front": Till(url="sim://", scanner="till")},
        speakers={"counter": Speaker(url="sim://")},
    )
    async with AsyncExitStack() as stack:
        daemon = Daemon(Loaded(made, ()), None)
        await daemon.start()
        stack.push_async_callback(daemon.stop)
        yield Rig(None, daemon, await stack.enter_async_context(aiohttp.ClientSession()), None)


@pytest.fixture
async def kiosk(tmp_path: Path) -> AsyncIterator[Rig]:
    async with bench(tmp_path) as made:
        yield made


async def device(kiosk: Rig, key: str) -> dict[str, Any]:
    found: dict[str, Any] = (await kiosk.get("/simulator/state"))[1]["devices"][key]
    return found


async def test_every_device_is_on_the_page_with_its_faults(kiosk: Rig) -> None:
    _, html = await kiosk.get("/simulator", headers={"Accept-Language": "zh-CN"})
    devices = (await kiosk.get("/simulator/state"))[1]["devices"]
    assert {d["kind"] for d in devices.values()} == set(FAULTS)
    for key, told in devices.items():
        row = html[html.index(f'data-key="{key}"') :].partition("</li>")[0]
        assert [f for f in FAULTS[told["kind"]] if f'value="{f}"' not in row] == []
    assert "人体感应" in html


async def test_each_fault_can_be_set_and_mended(kiosk: Rig) -> None:
    for key in (await kiosk.get("/simulator/state"))[1]["devices"]:
        for fault, (state, _) in FAULTS[key.partition(":")[0]].items():
            assert await kiosk.post("/simulator/fault", {"device": key, "fault": fault}) == (
                200,
                {"ok": True},
            )
            told = await device(kiosk, key)
            assert (told["fault"], told["state"]) == (fault, state)
        await kiosk.post("/simulator/fault", {"device": key, "fault": "none"})
        assert (await device(kiosk, key))["state"] == "ok"


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("fault", {"device": "scanner:other", "fault": "gone"}, "there is no simulated scanner:other;"),
        ("fault", {"device": "scanner:till", "fault": "melt"}, "a scanner has no fault melt;"),
        ("act", {"device": "door:x", "act": "open"}, "there is no simulated door:x;"),
        ("act", {"device": "scanner:till", "act": "open"}, "a scanner knows no open; there are none."),
        ("basket", {"till": "back", "total": 1}, "there is no simulated till back."),
    ],
)
async def test_what_is_not_there_is_named(kiosk: Rig, path: str, body: dict[str, Any], told: str) -> None:
    status, answer = await kiosk.post(f"/simulator/{path}", body)
    assert status == 404
    assert told in str(answer)


async def test_a_sale_from_the_page_is_held_and_one_without_opens_the_drawer_on_record(kiosk: Rig) -> None:
    assert await kiosk.post("/simulator/basket", {"total": 2500, "ref": "A17"}) == (200, {"ok": True})
    assert (await device(kiosk, "till:front"))["shows"] == "basket=held ref=A17 seconds=60"
    await kiosk.post("/simulator/act", {"device": "till:front", "act": "cancel"})
    assert (await device(kiosk, "till:front"))["shows"] == "basket=cancelled ref=A17"
    await kiosk.post("/simulator/act", {"device": "till:front", "act": "drawer"})
    assert (await device(kiosk, "till:front"))["shows"] == "drawer=opened"
    assert (await device(kiosk, "drawer:drawer"))["shows"] == "1"
    await kiosk.daemon.drawers.stop()
    assert [(a.what, a.rid) for a in await kiosk.daemon.journal.acts()] == [("drawer_no_sale", "till:front")]


async def test_a_long_press_is_for_the_staff(kiosk: Rig) -> None:
    assert await kiosk.post("/simulator/act", {"device": "button:button", "act": "hold"}) == (
        200,
        {"ok": True},
    )
    await eventually(lambda: list((kiosk.daemon.data_dir / "slips").glob("[0-9]*.png")))
    await kiosk.post("/simulator/fault", {"device": "button:button", "fault": "stuck"})
    assert await kiosk.post("/simulator/act", {"device": "button:button", "act": "hold"}) == (
        200,
        {"ok": False},
    )


@pytest.mark.parametrize(("nobody", "rest", "lit"), [("dim", "dim", True), ("dark", "dark", False)])
async def test_the_page_rests_while_nobody_is_there_and_wakes_for_whoever_comes(
    tmp_path: Path, nobody: Any, rest: str, lit: bool
) -> None:
    async with bench(tmp_path, Screen(nobody=nobody, nobody_after_s=0.2)) as kiosk:
        assert (await kiosk.view(lambda v: True))["rest"] == "awake", "whoever works it is there"
        await kiosk.post("/simulator/act", {"device": "presence:presence", "act": "leave"})
        view = await kiosk.view(lambda v: v["rest"] == rest)
        assert view["open"] is lit
        await kiosk.post("/simulator/act", {"device": "presence:presence", "act": "come"})
        view = await kiosk.view(lambda v: v["rest"] == "awake")
        assert view["open"] is True
        await kiosk.post("/simulator/act", {"device": "presence:presence", "act": "leave"})
        await kiosk.view(lambda v: v["rest"] == rest)
        await kiosk.post("/simulator/fault", {"device": "presence:presence", "fault": "gone"})
        await kiosk.view(lambda v: v["rest"] == "awake")
