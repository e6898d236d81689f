"""The drawer opens for a till that asks, and each opening is on record: with a sale, or without one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kiosk.config import Gpio
from kiosk.counter import baskets as baskets_module
from kiosk.counter.baskets import Baskets
from kiosk.counter.drawer import NONE, Drawers
from kiosk.coupons.basket import Basket
from kiosk.events import Bus
from kiosk.hardware.factory import Pins, open_till
from kiosk.hardware.signals import DrawerAsked
from kiosk.hardware.sim import SimBench
from kiosk.journal.store import Journal
from tests.counter.world import Counter
from tests.hardware.conftest import until

SALE = Basket(total=2500)


class Corner:
    """A till and a drawer, simulated, on a real journal."""

    def __init__(self, journal: Journal, bus: Bus, drawer: int | None = 5) -> None:
        self.bus, self.journal, self.bench = bus, journal, SimBench(bus)
        self.till: Any = open_till("front", "sim://", self.bench, bus)
        self.drawer = Pins(Gpio(factory="sim", drawer=drawer), self.bench, bus).drawer
        self.baskets = Baskets(bus, {"front": self.till}, {})
        self.drawers = Drawers(bus, journal, self.drawer, {"front": self.till}, self.baskets)
        self.devices = [d for d in (self.till, self.drawer) if d is not None]

    async def start(self) -> None:
        for device in self.devices:
            await device.start()
        self.baskets.start()
        self.drawers.start()

    async def stop(self) -> None:
        await self.drawers.stop()
        self.baskets.stop()
        for device in self.devices:
            await device.stop()

    async def acts(self) -> list[tuple[str, str]]:
        return [(a.what, a.rid) for a in reversed(await self.journal.acts())]


@pytest.fixture
async def corner(counter: Counter) -> AsyncIterator[Corner]:
    made = Corner(counter.journal, Bus())
    await made.start()
    yield made
    await made.stop()


async def test_a_till_with_a_sale_opens_it(corner: Corner) -> None:
    corner.till.push(SALE)
    corner.till.send(b"DRAWER")
    assert corner.bench.drawers == {"drawer": 1}
    assert corner.till.answers[-1] == {"drawer": "opened"}
    await corner.drawers.stop()
    assert await corner.acts() == [("drawer", "till:front")]


@pytest.mark.parametrize("how", ["none", "cancelled", "long ago"])
async def test_without_a_sale_it_opens_and_the_record_says_so(
    corner: Corner, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how != "none":
        corner.till.push(SALE)
    if how == "cancelled":
        corner.till.push(None)
    if how == "long ago":
        monkeypatch.setattr(baskets_module, "SOLD_S", 0.0)
    corner.till.send(b'{"drawer": true}')
    assert corner.till.answers[-1] == {"drawer": "opened"}
    await corner.drawers.stop()
    assert await corner.acts() == [("drawer_no_sale", "till:front")]
    assert "drawer drawer was opened by till:front without a sale" in caplog.text


async def test_staff_who_open_it_are_on_record(corner: Corner) -> None:
    assert corner.drawer.open(by="staff:Li")
    await corner.drawers.stop()
    assert await corner.acts() == [("drawer_no_sale", "staff:Li")]


async def test_a_drawer_that_does_not_work_is_told(corner: Corner) -> None:
    corner.bench.fault("drawer:drawer", "gone")
    corner.till.send(b"DRAWER")
    assert corner.till.answers[-1] == {"drawer": "absent", "error": NONE}
    assert await corner.acts() == []


async def test_a_kiosk_without_one_says_so_and_an_unknown_till_breaks_nothing(counter: Counter) -> None:
    alone = Corner(counter.journal, Bus(), drawer=None)
    await alone.start()
    alone.till.send(b"DRAWER")
    assert alone.till.answers[-1]["drawer"] == "absent"
    alone.bus.publish(DrawerAsked(till="nobody"))
    await alone.stop()
    assert await alone.acts() == []


async def test_a_journal_that_cannot_write_stops_no_drawer(
    corner: Corner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corner.journal, "note_act", full)
    with caplog.at_level(logging.ERROR):
        corner.till.send(b"DRAWER")
        await until(lambda: "could not be put on record" in caplog.text)
    assert corner.bench.drawers == {"drawer": 1}
