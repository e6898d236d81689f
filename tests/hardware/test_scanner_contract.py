"""The contract of scanners: whatever the wire, simulated or real, the same holds.

Here on a pty, on a socket, on the kernel's bytes of a keyboard through a FIFO, and for the simulated one; in_kernel gives the
same classes a USB serial line, a USB keyboard and a keyboard of uinput.
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.events import Bus
from kiosk.hardware import kept, sim_scanner
from kiosk.hardware.factory import open_scanner
from kiosk.hardware.ports import Device
from kiosk.hardware.sim import SimBench
from simulators.panels_wire import PtyWire, TcpWire, Wire
from simulators.scanner import ScannerSim, misread
from tests.hardware.conftest import Watch, until
from tests.hardware.typing import keystrokes


class Rig(ABC):
    """A scanner and what a person does with it. Faults have one name whatever the wire."""

    device: Device

    @abstractmethod
    async def scan(self, text: str) -> None: ...

    @abstractmethod
    async def fault(self, name: str) -> None:
        """Give it a fault: gone, noise, chatter, slow, wrong; `none` mends it."""


class WireRig(Rig):
    """A scanner that sends bytes."""

    def __init__(self, bus: Bus, wire: Wire) -> None:
        self.sim = ScannerSim(wire)
        self._bus = bus

    async def start(self) -> None:
        await self.sim.start()
        self.device = open_scanner("till", self.sim.address, SimBench(self._bus), self._bus)
        await self.device.start()

    async def stop(self) -> None:
        await self.device.stop()
        await self.sim.stop()

    async def scan(self, text: str) -> None:
        await self.sim.scan(text)

    async def fault(self, name: str) -> None:
        await self.sim.set_fault(name)


class TypingRig(Rig):
    """A scanner that types. What a hand does to it is done here; where its keys go is the wire's matter."""

    _fault = "none"

    @abstractmethod
    async def type(self, text: str) -> None:
        """Type a code with Enter."""

    @abstractmethod
    async def plug(self) -> None: ...

    @abstractmethod
    async def unplug(self) -> None: ...

    async def scan(self, text: str) -> None:
        if self._fault == "noise":
            await self.type("[]=;'" * 10 + "\n")
        if self._fault == "slow":
            for half in (text[: len(text) // 2], text[len(text) // 2 :]):
                await self.type(half + ("" if text.startswith(half) else "\n"))
                await asyncio.sleep(0.25)
            return
        for _ in range(10 if self._fault == "chatter" else 1):
            await self.type((misread(text) if self._fault == "wrong" else text) + "\n")

    async def fault(self, name: str) -> None:
        if "gone" in (name, self._fault) and name != self._fault:
            await (self.unplug() if name == "gone" else self.plug())
        self._fault = name


class HidRig(TypingRig):
    """A FIFO in the place of /dev/input/event3: the kernel's bytes are the same, its grab is watched."""

    def __init__(self, bus: Bus, path: Path) -> None:
        self.path, self.end = path, -1
        self.device = open_scanner("till", f"hid://{path}", SimBench(bus), bus)

    async def type(self, text: str) -> None:
        os.write(self.end, keystrokes(text))

    async def unplug(self) -> None:
        self.path.unlink()
        os.close(self.end)
        self.end = -1

    async def plug(self) -> None:
        os.mkfifo(self.path)
        self.end = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)


class SimRig(Rig):
    """The simulated scanner of the demo."""

    def __init__(self, bus: Bus) -> None:
        self.bench = SimBench(bus)
        self.device = open_scanner("till", "sim://", self.bench, bus)

    async def scan(self, text: str) -> None:
        self.bench.scan("till", text)

    async def fault(self, name: str) -> None:
        self.bench.fault("scanner:till", name)


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner than a shop needs, and be late by less."""
    monkeypatch.setattr(kept, "RETRY_S", (0.02, 0.2))
    monkeypatch.setattr(sim_scanner, "SLOW_S", 0.1)


@pytest.fixture(params=["serial", "socket", "hid", "sim"])
async def rig(request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path) -> AsyncIterator[Rig]:
    if request.param == "sim":
        made: SimRig | HidRig = SimRig(bus)
        await made.device.start()
        yield made
        await made.device.stop()
    elif request.param == "hid":
        request.getfixturevalue("grabs")
        made = HidRig(bus, tmp_path / "event3")
        await made.plug()
        await made.device.start()
        yield made
        await made.device.stop()
        os.close(made.end)
    else:
        wired = WireRig(bus, PtyWire(tmp_path / "by-id") if request.param == "serial" else TcpWire())
        await wired.start()
        yield wired
        await wired.stop()


async def ok(rig: Rig) -> None:
    await until(lambda: rig.device.state == "ok", "the scanner is there")


class TestEveryScanner:
    async def test_reads_codes_in_order(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        codes = ["C1:AB-12", "https://q.example.cn/c/S0001?x=1", "$%*+-./:", "12345678901234567890"]
        for code in codes:
            await rig.scan(code)
        await until(lambda: watch.codes == codes, "all codes are read")

    async def test_comes_back_after_it_was_unplugged(self, rig: Rig, watch: Watch) -> None:
        for round_ in range(3):
            await ok(rig)
            await rig.scan(f"C1:{round_}")
            await until(lambda n=round_: watch.codes[-1:] == [f"C1:{n}"], "the code is read")
            await rig.fault("gone")
            await until(lambda: rig.device.state == "absent", "it is gone")
            assert rig.device.detail
            await rig.fault("none")
        await ok(rig)

    async def test_is_absent_after_it_was_stopped(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.device.stop()
        assert rig.device.state == "absent"
        assert watch.states[-1] == "absent"
        await rig.scan("C1:late")
        assert watch.codes == []

    async def test_can_be_started_again(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.device.stop()
        await rig.device.start()
        await ok(rig)
        await rig.scan("C1:again")
        await until(lambda: watch.codes == ["C1:again"])

    async def test_tells_each_state_once(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.fault("gone")
        await until(lambda: rig.device.state == "absent")
        await rig.fault("none")
        await ok(rig)
        assert watch.states == ["ok", "absent", "ok"]

    async def test_noise_does_not_hide_the_next_code(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.fault("noise")
        for n in range(5):
            await rig.scan(f"C1:{n}")
        await until(lambda: [c for c in watch.codes if c.startswith("C1:")] == [f"C1:{n}" for n in range(5)])
        assert rig.device.state == "ok"

    async def test_a_code_that_lies_there_is_one_scan(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.fault("chatter")
        await rig.scan("C1:A")
        await rig.fault("none")
        await rig.scan("C1:B")
        await until(lambda: "C1:B" in watch.codes)
        assert watch.codes == ["C1:A", "C1:B"]

    async def test_a_slow_code_is_one_code(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.scan("C1:first")
        await until(lambda: watch.codes == ["C1:first"])
        await rig.fault("slow")
        await rig.scan("C1:ABCDEF")
        await until(lambda: watch.codes[1:] == ["C1:ABCDEF"])

    async def test_what_is_read_wrong_is_told_as_it_was_read(self, rig: Rig, watch: Watch) -> None:
        """No scanner knows better; it is the check digits of our codes that refuse it."""
        await ok(rig)
        await rig.fault("wrong")
        await rig.scan("C1:AB-12")
        await rig.fault("none")
        await rig.scan("C1:AB-12")
        await until(lambda: watch.codes == [misread("C1:AB-12"), "C1:AB-12"])


@pytest.fixture(params=["serial", "socket"])
async def wired(
    request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path
) -> AsyncIterator[WireRig]:
    made = WireRig(bus, PtyWire(tmp_path / "by-id") if request.param == "serial" else TcpWire())
    await made.start()
    await ok(made)
    yield made
    await made.stop()


class TestFaultsOfAWire:
    async def test_silence_ends_a_code(self, wired: WireRig, watch: Watch) -> None:
        await wired.fault("no_end")
        await wired.scan("C1:A")
        await until(lambda: watch.codes == ["C1:A"])

    async def test_an_endless_code_is_dropped_whole(self, wired: WireRig, watch: Watch) -> None:
        await wired.fault("endless")
        await wired.scan("C1:A")
        await wired.fault("none")
        await wired.scan("C1:B")
        await until(lambda: watch.codes == ["C1:B"])

    async def test_a_burst_comes_whole(self, wired: WireRig, watch: Watch) -> None:
        codes = [f"C1:{n:05}" for n in range(500)]
        for start in range(0, len(codes), 100):
            for code in codes[start : start + 100]:
                await wired.scan(code)
            await until(lambda n=start: len(watch.codes) >= n + 100)
        assert watch.codes == codes
