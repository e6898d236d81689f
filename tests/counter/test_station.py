"""The devices' events are served in order, beside one another, and none of them ends the station."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kiosk.counter import station as station_module
from kiosk.counter.baskets import Baskets
from kiosk.counter.result import RedeemResult
from kiosk.counter.station import Station
from kiosk.coupons.basket import Basket
from kiosk.events import Pressed, Scanned
from kiosk.hardware.signals import Held

from .world import Counter


class Desk:
    """Stands in for the redeemer and the button, and tells what was asked of them."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[str] = asyncio.Queue()
        self.hold: dict[str, asyncio.Event] = {}

    async def redeem(self, text: str, *, source: str, total: int | None = None, **_: Any) -> RedeemResult:
        await self._serve(f"{source} {text}{f' {total}' if total is not None else ''}", text)
        return RedeemResult(rid="R1", verdict="confirmed", threshold="met")

    async def press(self) -> None:
        await self._serve("press", "press")

    async def held(self) -> None:
        await self._serve("held", "held")

    async def _serve(self, told: str, name: str) -> None:
        self.seen.put_nowait(told)
        if name in self.hold:
            await self.hold[name].wait()
        if name == "bad":
            raise RuntimeError("broken")

    async def next(self) -> str:
        async with asyncio.timeout(10):
            return await self.seen.get()


@pytest.fixture
async def baskets(counter: Counter) -> AsyncIterator[Baskets]:
    made = Baskets(counter.bus, {}, {})
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def desk(counter: Counter, baskets: Baskets) -> AsyncIterator[Desk]:
    made: Any = Desk()
    station = Station(counter.bus, made, made, ["till", "door"], made.held, baskets)
    await station.start()
    yield made
    await station.stop()


async def test_every_device_is_served(desk: Desk, counter: Counter) -> None:
    counter.bus.publish(Scanned(text="A", scanner="till"))
    assert await desk.next() == "scanner:till A"
    counter.bus.publish(Pressed())
    assert await desk.next() == "press"
    counter.bus.publish(Held())
    assert await desk.next() == "held"
    counter.bus.publish(Scanned(text="A", scanner="nobody's"))
    counter.bus.publish(Scanned(text="B", scanner="door"))
    assert await desk.next() == "scanner:door B"


async def test_a_scanner_waits_for_itself_and_for_no_other(desk: Desk, counter: Counter) -> None:
    desk.hold["A"] = asyncio.Event()
    counter.bus.publish(Scanned(text="A", scanner="till"))
    assert await desk.next() == "scanner:till A"
    counter.bus.publish(Scanned(text="B", scanner="till"))
    counter.bus.publish(Scanned(text="C", scanner="door"))
    assert await desk.next() == "scanner:door C"
    assert desk.seen.empty()
    desk.hold["A"].set()
    assert await desk.next() == "scanner:till B"


async def test_what_goes_wrong_ends_nothing(
    desk: Desk, counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    counter.bus.publish(Scanned(text="bad", scanner="till"))
    counter.bus.publish(Scanned(text="B", scanner="till"))
    assert [await desk.next() for _ in range(2)] == ["scanner:till bad", "scanner:till B"]
    assert "the next one can" in caplog.text


async def test_a_flood_loses_the_oldest_and_says_no_code_in_the_log(
    desk: Desk, counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.hold["A"] = asyncio.Event()
    counter.bus.publish(Scanned(text="A", scanner="till"))
    await desk.next()
    for n in range(station_module.WAITING + 3):
        counter.bus.publish(Scanned(text=f"134567890123456{n:03}", scanner="till"))
    desk.hold["A"].set()
    first = await desk.next()
    assert first == "scanner:till 134567890123456003"
    assert caplog.text.count("the oldest scan was dropped") == 3
    assert "1345678" not in caplog.text


async def test_a_station_that_stopped_serves_nobody(counter: Counter, baskets: Baskets) -> None:
    desk: Any = Desk()
    station = Station(counter.bus, desk, desk, ["till"], desk.held, baskets)
    await station.start()
    desk.hold["A"] = asyncio.Event()
    counter.bus.publish(Scanned(text="A", scanner="till"))
    await desk.next()
    await station.stop()
    counter.bus.publish(Scanned(text="B", scanner="till"))
    counter.bus.publish(Pressed())
    await asyncio.sleep(0)
    assert desk.seen.empty()


async def test_a_sale_goes_with_the_scan_after_it_and_with_no_other(
    desk: Desk, counter: Counter, baskets: Baskets
) -> None:
    desk.hold["A"] = asyncio.Event()
    counter.bus.publish(Scanned(text="A", scanner="till"))
    assert await desk.next() == "scanner:till A"
    baskets.put(Basket(total=2500, ref="S1"))
    counter.bus.publish(Scanned(text="B", scanner="till"))
    counter.bus.publish(Scanned(text="C", scanner="till"))
    assert baskets.sale.state == "scanned"
    desk.hold["A"].set()
    assert [await desk.next() for _ in range(2)] == ["scanner:till B 2500", "scanner:till C"]
    assert (baskets.sale.state, baskets.sale.ref) == ("done", "S1")
    assert baskets.sale.result is not None
    assert baskets.sale.result.threshold == "met"


async def test_a_sale_whose_scan_comes_to_nothing_is_told(
    desk: Desk, counter: Counter, baskets: Baskets
) -> None:
    baskets.put(Basket(total=1))
    counter.bus.publish(Scanned(text="bad", scanner="till"))
    counter.bus.publish(Scanned(text="B", scanner="till"))
    assert [await desk.next() for _ in range(2)] == ["scanner:till bad 1", "scanner:till B"]
    assert baskets.sale.state == "failed"


async def test_a_sale_whose_scan_was_dropped_in_a_flood_is_told(
    desk: Desk, counter: Counter, baskets: Baskets
) -> None:
    desk.hold["A"] = asyncio.Event()
    counter.bus.publish(Scanned(text="A", scanner="till"))
    await desk.next()
    baskets.put(Basket(total=1))
    for n in range(station_module.WAITING + 1):
        counter.bus.publish(Scanned(text=f"{n}", scanner="till"))
    assert baskets.sale.state == "failed"
    desk.hold["A"].set()
    assert await desk.next() == "scanner:till 1"
