"""Scanners at the end of a wire: a serial line (pty), a socket, a keyboard (its events through a FIFO), the simulated one.

One contract holds for all of them; what only one kind of wire can do stands below it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.events import Bus
from kiosk.hardware import kept
from kiosk.hardware.factory import open_scanner
from kiosk.hardware.ports import Device
from kiosk.hardware.serial_scanner import StreamScanner
from kiosk.hardware.sim import SimBench
from simulators.panels_wire import PtyWire, TcpWire
from simulators.scanner import ScannerSim
from tests.hardware.conftest import Watch, until
from tests.hardware.typing import typed

NOBODY = 65534


class Rig(ABC):
    """A scanner and what a person does with it."""

    device: Device

    @abstractmethod
    async def scan(self, text: str) -> None: ...

    @abstractmethod
    async def unplug(self) -> None: ...

    @abstractmethod
    async def plug(self) -> None: ...


class WireRig(Rig):
    def __init__(self, bus: Bus, url: str, sim: ScannerSim) -> None:
        self.sim = sim
        self.device = open_scanner("till", url, SimBench(bus), bus)

    async def scan(self, text: str) -> None:
        await self.sim.scan(text)

    async def unplug(self) -> None:
        await self.sim.set_fault("gone")

    async def plug(self) -> None:
        await self.sim.set_fault("none")


class HidRig(Rig):
    """A FIFO in the place of /dev/input/event3: the kernel's bytes are the same, its grab is watched."""

    def __init__(self, bus: Bus, path: Path) -> None:
        self.path, self.end = path, -1
        self.device = open_scanner("till", f"hid://{path}", SimBench(bus), bus)

    async def scan(self, text: str) -> None:
        os.write(self.end, typed(text))

    async def unplug(self) -> None:
        self.path.unlink()
        os.close(self.end)
        self.end = -1

    async def plug(self) -> None:
        os.mkfifo(self.path)
        self.end = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)


class SimRig(Rig):
    def __init__(self, bus: Bus) -> None:
        self.bench = SimBench(bus)
        self.device = open_scanner("till", "sim://", self.bench, bus)

    async def scan(self, text: str) -> None:
        assert self.bench.scan("till", text)

    async def unplug(self) -> None:
        self.bench.fault("scanner:till", "gone")

    async def plug(self) -> None:
        self.bench.fault("scanner:till", "none")


@pytest.fixture(autouse=True)
def _patient_tests_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner than a shop needs."""
    monkeypatch.setattr(kept, "RETRY_S", (0.02, 0.2))


@pytest.fixture(params=["serial", "socket", "hid", "sim"])
async def rig(request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path) -> AsyncIterator[Rig]:
    made: Rig
    if request.param == "sim":
        made = SimRig(bus)
    elif request.param == "hid":
        request.getfixturevalue("grabs")
        made = HidRig(bus, tmp_path / "event3")
    else:
        sim = ScannerSim(PtyWire(tmp_path / "by-id") if request.param == "serial" else TcpWire())
        await sim.start()
        made = WireRig(bus, sim.address, sim)
    if request.param == "hid":
        await made.plug()
    await made.device.start()
    yield made
    await made.device.stop()
    if isinstance(made, WireRig):
        await made.sim.stop()
    if isinstance(made, HidRig) and made.end >= 0:
        os.close(made.end)


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
            await rig.unplug()
            await until(lambda: rig.device.state == "absent", "it is gone")
            assert rig.device.detail
            await rig.plug()
        await ok(rig)

    async def test_is_absent_after_it_was_stopped(self, rig: Rig, watch: Watch) -> None:
        await ok(rig)
        await rig.device.stop()
        assert rig.device.state == "absent"
        assert watch.states[-1] == "absent"
        if isinstance(rig, WireRig):
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
        await rig.unplug()
        await until(lambda: rig.device.state == "absent")
        await rig.plug()
        await ok(rig)
        assert watch.states == ["ok", "absent", "ok"]


@pytest.fixture(params=["serial", "socket"])
async def wired(
    request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path
) -> AsyncIterator[WireRig]:
    sim = ScannerSim(PtyWire(tmp_path / "by-id") if request.param == "serial" else TcpWire())
    await sim.start()
    made = WireRig(bus, sim.address, sim)
    await made.device.start()
    await ok(made)
    yield made
    await made.device.stop()
    await sim.stop()


class TestFaultsOfAWire:
    async def test_noise_does_not_hide_the_next_code(self, wired: WireRig, watch: Watch) -> None:
        await wired.sim.set_fault("noise")
        for n in range(5):
            await wired.scan(f"C1:{n}")
        await until(lambda: [c for c in watch.codes if c.startswith("C1:")] == [f"C1:{n}" for n in range(5)])
        assert wired.device.state == "ok"

    async def test_a_code_in_two_parts_is_one_code(self, wired: WireRig, watch: Watch) -> None:
        await wired.scan("C1:first")
        await until(lambda: watch.codes == ["C1:first"])
        await wired.sim.set_fault("pause")
        await wired.scan("C1:ABCDEF")
        await until(lambda: watch.codes[1:] == ["C1:ABCDEF"])

    async def test_a_code_that_lies_there_is_one_scan(self, wired: WireRig, watch: Watch) -> None:
        await wired.sim.set_fault("repeat")
        await wired.scan("C1:A")
        await wired.sim.set_fault("none")
        await wired.scan("C1:B")
        await until(lambda: "C1:B" in watch.codes)
        assert watch.codes == ["C1:A", "C1:B"]

    async def test_silence_ends_a_code(self, wired: WireRig, watch: Watch) -> None:
        await wired.sim.set_fault("no_end")
        await wired.scan("C1:A")
        await until(lambda: watch.codes == ["C1:A"])

    async def test_an_endless_code_is_dropped_whole(self, wired: WireRig, watch: Watch) -> None:
        await wired.sim.set_fault("endless")
        await wired.scan("C1:A")
        await wired.sim.set_fault("none")
        await wired.scan("C1:B")
        await until(lambda: watch.codes == ["C1:B"])

    async def test_a_burst_comes_whole(self, wired: WireRig, watch: Watch) -> None:
        codes = [f"C1:{n:05}" for n in range(500)]
        for start in range(0, len(codes), 100):
            for code in codes[start : start + 100]:
                await wired.scan(code)
            await until(lambda n=start: len(watch.codes) >= n + 100)
        assert watch.codes == codes


async def test_ten_thousand_scans_in_a_burst_are_all_told(bus: Bus, watch: Watch) -> None:
    sim = ScannerSim(TcpWire())
    await sim.start()
    device = StreamScanner("till", sim.address, bus)
    await device.start()
    await until(lambda: device.state == "ok")
    codes = [f"C1:{n:05}" for n in range(10_000)]
    sim.wire.write("".join(f"{c}\r\n" for c in codes).encode())
    await until(lambda: len(watch.codes) == len(codes), "all are told")
    await device.stop()
    await sim.stop()
    assert watch.codes == codes


async def test_another_number_under_the_same_link_is_the_same_scanner(
    bus: Bus, watch: Watch, tmp_path: Path
) -> None:
    link, other = tmp_path / "by-id", PtyWire(tmp_path / "other")
    sim = ScannerSim(PtyWire(link))
    await sim.start()
    device = StreamScanner("till", f"serial://{link}", bus)
    await device.start()
    await until(lambda: device.state == "ok")
    first = link.readlink()
    await sim.set_fault("gone")
    await other.plug()  # takes the number that has become free
    await sim.set_fault("none")
    await until(lambda: watch.states == ["ok", "absent", "ok"])
    assert link.readlink() != first
    await sim.scan("C1:A")
    await until(lambda: watch.codes == ["C1:A"])
    await device.stop()
    await sim.stop()
    await other.unplug()


async def test_a_line_is_held_by_one_scanner(bus: Bus, tmp_path: Path) -> None:
    sim = ScannerSim(PtyWire(tmp_path / "by-id"))
    await sim.start()
    one, two = (StreamScanner(n, sim.address, bus) for n in ("one", "two"))
    await one.start()
    await until(lambda: one.state == "ok")
    await two.start()
    await until(lambda: two.state == "error")
    assert "in use by another program" in two.detail
    assert one.state == "ok"
    await one.stop()
    await until(lambda: two.state == "ok", "the line is free")
    await two.stop()
    await sim.stop()


async def test_an_outage_is_one_line_of_the_log(
    bus: Bus, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "kiosk.hardware.kept")
    monkeypatch.setattr(kept, "RETRY_S", (0.001, 0.002))
    monkeypatch.setattr(kept, "SETTLED_S", 0.05)
    sim = ScannerSim(PtyWire(tmp_path / "by-id"))
    device = StreamScanner("till", sim.address, bus)
    tries: list[int] = []
    real = device._open
    monkeypatch.setattr(device, "_open", lambda: (tries.append(1), real())[1])
    await device.start()
    await until(lambda: len(tries) > 20, "it was tried often")
    await sim.start()
    await until(lambda: len(caplog.records) > 1, "its return is told")
    await device.stop()
    await sim.stop()
    lines = [(r.levelname, r.getMessage()) for r in caplog.records]
    assert lines == [
        ("WARNING", f"scanner till: {sim.address[9:]} is not there; plug it in, or correct the address."),
        ("INFO", "scanner till is back"),
    ]


async def test_a_peer_that_hangs_up_at_once_is_not_hammered(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def rest(seconds: float) -> None:
        waits.append(seconds)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        device = StreamScanner("till", f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}", bus)
        monkeypatch.setattr(device, "_rest", rest)
        await device.start()
        await until(lambda: len(waits) > 6)
        await device.stop()
    assert waits[:6] == [0.02, 0.04, 0.08, 0.16, 0.2, 0.2]


async def test_a_nudge_ends_the_wait_for_the_next_try(
    bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "RETRY_S", (3600.0, 3600.0))
    sim = ScannerSim(PtyWire(tmp_path / "by-id"))
    device = StreamScanner("till", sim.address, bus)
    await device.start()
    await until(lambda: device.state == "absent")
    await sim.start()
    device.nudge()
    await until(lambda: device.state == "ok")
    await device.stop()
    await sim.stop()


async def test_a_plain_file_is_no_serial_line_and_stays_as_it_is(bus: Bus, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("keep me")
    device = StreamScanner("till", f"serial://{file}", bus)
    await device.start()
    await until(lambda: device.state == "error")
    assert "no device of this kind" in device.detail
    await device.stop()
    assert file.read_text() == "keep me"


async def test_a_line_of_another_user_is_named_and_taken_once_it_is_ours(
    bus: Bus, watch: Watch, tmp_path: Path
) -> None:
    wires = PtyWire(tmp_path / "theirs"), PtyWire(tmp_path / "ours")
    for wire in wires:
        await wire.plug()
    theirs, ours = (os.readlink(w.link) for w in wires)
    root = os.geteuid() == 0
    os.chmod(theirs, 0o600 if root else 0)
    if root:  # the superuser may open everything: be somebody else meanwhile
        os.chown(ours, NOBODY, -1)
        os.seteuid(NOBODY)
    devices = [open_scanner(n, f"serial://{p}", SimBench(bus), bus) for n, p in (("a", theirs), ("b", ours))]
    try:
        for device in devices:
            await device.start()
        await until(lambda: [d.state for d in devices] == ["error", "ok"])
        assert devices[0].detail.startswith(f"{theirs} belongs to another user; add the kiosk's user")
        wires[1].write(b"C1:B\r")
        await until(lambda: watch.codes == ["C1:B"], "the other scanner goes on")
        if root:
            os.seteuid(0)
        os.chmod(theirs, 0o600)
        await until(lambda: devices[0].state == "ok", "it is tried again")
    finally:
        if root:
            os.seteuid(0)
        for device in devices:
            await device.stop()
        for wire in wires:
            await wire.unplug()
