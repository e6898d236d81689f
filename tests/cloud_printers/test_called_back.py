"""`calls_back`: a cloud tells the hub of a print, which then asks at once, and believes nothing else of it."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import aiohttp
import pytest

from kiosk.coupons.ids import new_rid
from kiosk.printing.printers import cloud_printer, feie, yilianyun
from kiosk.printing.printers.cloud_printer import CloudPrinter
from tests.cloud_printers.rig import rig, started, until
from tests.cloud_printers.test_through_hub import Fleet, fleet

__all__ = ["fleet"]  # a fixture
SELDOM_S = 600.0


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody look by himself a second time."""
    for module in (feie, yilianyun):
        monkeypatch.setattr(module, "pauses", lambda: itertools.repeat(SELDOM_S))


@pytest.mark.parametrize("fleet", ["feie", "yilianyun2"], indirect=True)
async def test_a_call_ends_the_wait_and_is_answered_as_the_cloud_wants(fleet: Fleet) -> None:
    cloud = fleet.cloud
    cloud.device.held = True
    if cloud.cloud == "yilianyun":
        where = f"http://127.0.0.1:{fleet.hub.port}/v1/clouds/yilianyun"
        assert await cloud.sim.pushes.set_url("oauth_finish", where), "it answers the probe"
    async with started(fleet.printer()) as printer:
        sending = asyncio.create_task(printer.send(cloud.job, rid=new_rid(), deadline_s=120))
        await until(lambda: bool(cloud.orders))
        cloud.device.press_key()
        async with asyncio.timeout(30):
            assert (await sending).ended == "printed"
    await until(lambda: bool(cloud.sim.pushes.sent))
    (sent,) = cloud.sim.pushes.sent
    assert sent.get("answer") == "SUCCESS" or sent.get("ok") is True
    assert sent["try"] == 1


@pytest.mark.parametrize("kind", ["feie", "yilianyun2"])
async def test_what_a_call_says_is_not_believed(kind: str, tmp_path: Path) -> None:
    """It is a reason to ask, and the answer is the cloud's: nothing was printed."""
    async with rig(kind, tmp_path) as cloud:
        cloud.device.held = True
        async with started(cloud.printer()) as printer:
            assert isinstance(printer, CloudPrinter)
            sending = asyncio.create_task(printer.send(cloud.job, rid=new_rid(), deadline_s=3))
            await until(lambda: bool(cloud.orders))
            printer.told()
            assert (await sending).ended != "printed"


@pytest.mark.parametrize("fleet", ["third"], indirect=True)
async def test_only_a_cloud_that_calls_has_an_address(fleet: Fleet) -> None:
    async with aiohttp.ClientSession() as http:
        for scheme in ("third", "nobody"):
            async with http.post(f"http://127.0.0.1:{fleet.hub.port}/v1/clouds/{scheme}") as answer:
                assert answer.status == 404


async def test_strangers_calls_are_no_more_than_five_looks_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig("feie", tmp_path) as cloud:
        printer = cloud.printer()
    assert isinstance(printer, CloudPrinter)
    slept: list[float] = []

    async def note(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(cloud_printer.asyncio, "sleep", note)
    printer.told()
    await printer._rest(SELDOM_S)
    assert slept == [cloud_printer.LEAST_S] == [0.2]
    assert not printer._called.is_set(), "one call is one look"
