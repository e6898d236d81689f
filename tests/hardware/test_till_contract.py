"""The contract of tills: a serial line (pty), a socket, the simulated one; in_kernel adds a USB serial line of a real kernel."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.coupons.basket import Basket
from kiosk.events import Bus
from kiosk.hardware import kept, sim_till
from kiosk.hardware.factory import open_till
from kiosk.hardware.ports import Till
from kiosk.hardware.signals import BasketPushed, DrawerAsked
from kiosk.hardware.sim import SimBench
from simulators.panels_wire import PtyWire, TcpWire, Wire
from tests.hardware.conftest import Watch, until

SALE = b'{"total": 2500, "ref": "A17"}'
BASKET = Basket(total=2500, ref="A17")


class Rig(ABC):
    """A till and who works it. Faults have one name whatever the wire."""

    device: Till

    @abstractmethod
    async def send(self, line: bytes) -> None: ...

    @abstractmethod
    def heard(self) -> str:
        """Return what the till was told, one answer after another."""

    @abstractmethod
    async def fault(self, name: str) -> None:
        """Give it a fault: gone, noise, chatter, slow, wrong; `none` mends it."""


class WireRig(Rig):
    """A till at the far end of a wire."""

    def __init__(self, bus: Bus, wire: Wire) -> None:
        self.wire, self._raw, self._fault, self._bus = wire, b"", "none", bus
        wire.on_data = self._hear

    def _hear(self, data: bytes) -> None:
        self._raw += data

    async def start(self) -> None:
        await self.wire.plug()
        self.device = open_till("front", self.wire.address, SimBench(self._bus), self._bus)
        await self.device.start()

    async def stop(self) -> None:
        await self.device.stop()
        await self.wire.unplug()

    async def send(self, line: bytes) -> None:
        if self._fault == "noise":
            self.wire.write(random.Random(7).randbytes(300).replace(b"\n", b"").replace(b"\r", b"") + b"\n")
        if self._fault == "wrong":
            line = sim_till.WRONG
        if self._fault == "slow":
            self.wire.write(line[:9])
            await asyncio.sleep(0.1)
            line = line[9:]
        self.wire.write((line + b"\r\n") * (3 if self._fault == "chatter" else 1))

    def heard(self) -> str:
        return self._raw.decode()

    async def fault(self, name: str) -> None:
        self._fault = name
        await (self.wire.unplug() if name == "gone" else self.wire.plug())


class SimRig(Rig):
    """The simulated till of the demo."""

    def __init__(self, bus: Bus) -> None:
        self.bench = SimBench(bus)
        self.device: Any = open_till("front", "sim://", self.bench, bus)

    async def send(self, line: bytes) -> None:
        self.device.send(line)

    def heard(self) -> str:
        return "".join(str(a).replace("'", '"').replace(" ", "") for a in self.device.answers)

    async def fault(self, name: str) -> None:
        self.bench.fault("till:front", name)


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "RETRY_S", (0.02, 0.2))
    monkeypatch.setattr(sim_till, "SLOW_S", 0.1)


@pytest.fixture(params=["serial", "socket", "sim"])
async def rig(request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path) -> AsyncIterator[Rig]:
    if request.param == "sim":
        simulated = SimRig(bus)
        await simulated.device.start()
        yield simulated
        await simulated.device.stop()
    else:
        made = WireRig(bus, PtyWire(tmp_path / "till") if request.param == "serial" else TcpWire())
        await made.start()
        yield made
        await made.stop()


def baskets(watch: Watch) -> list[Basket | None]:
    return [e.basket for e in watch.of(BasketPushed)]


async def ok(rig: Rig) -> None:
    await until(lambda: rig.device.state == "ok", "the till is there")


class TestEveryTill:
    async def test_a_sale_is_heard_and_answered_and_taken_back(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.send(SALE)
        await until(lambda: baskets(watch) == [BASKET])
        assert rig.device.answer({"basket": "held"})
        await until(lambda: '{"basket":"held"}' in rig.heard(), "the answer")
        await rig.send(b'{"cancel": true}')
        await until(lambda: baskets(watch) == [BASKET, None])

    async def test_it_asks_for_the_drawer(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.send(b'{"drawer": true}')
        await until(lambda: [e.till for e in watch.of(DrawerAsked)] == ["front"])
        await rig.send(b"DRAWER")
        await until(lambda: len(watch.of(DrawerAsked)) == 2)
        assert baskets(watch) == []

    async def test_noise_is_answered_and_the_sale_after_it_is_heard(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.fault("noise")
        await rig.send(SALE)
        await until(lambda: baskets(watch) == [BASKET])
        await until(lambda: "error" in rig.heard().lower(), "what was not understood is told")
        assert rig.device.state == "ok"

    async def test_a_wrong_sum_is_refused_with_the_right_form(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.fault("wrong")
        await rig.send(SALE)
        await until(lambda: "in fen" in rig.heard() or "infen" in rig.heard())
        assert baskets(watch) == []
        await rig.fault("none")
        await rig.send(SALE)
        await until(lambda: baskets(watch) == [BASKET])

    async def test_a_sale_sent_three_times_is_the_same_sale(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.fault("chatter")
        await rig.send(SALE)
        await until(lambda: baskets(watch) == [BASKET] * 3)

    async def test_a_slow_line_is_one_line(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.fault("slow")
        await rig.send(SALE)
        await until(lambda: baskets(watch) == [BASKET])

    async def test_it_comes_back_and_hears_nothing_of_the_sale_before(self, rig: Rig, watch: Watch) -> None:
        for _ in range(2):
            await ok(rig)
            await rig.fault("gone")
            await until(lambda: rig.device.state == "absent")
            assert not rig.device.answer({"basket": "expired"}), "nobody is there to hear it"
            await rig.fault("none")
        await ok(rig)
        await rig.send(SALE)
        await until(lambda: baskets(watch) == [BASKET])
        assert "expired" not in rig.heard()

    async def test_it_is_absent_after_it_was_stopped(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.device.stop()
        assert rig.device.state == "absent"
        await rig.send(SALE)
        assert baskets(watch) == []
        assert not rig.device.answer({"basket": "held"})
