"""Hot-plug: an announcement leads to a look, a look to events and to nudges."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.events import Bus
from kiosk.hardware import hotplug, kept
from kiosk.hardware.discovery import Found
from kiosk.hardware.hotplug import DevicesChanged, HotPlug
from kiosk.hardware.serial_scanner import StreamScanner
from kiosk.hardware.sim import SimBench
from kiosk.hardware.sim_scanner import SimScanner
from simulators.panels_wire import PtyWire
from simulators.scanner import ScannerSim
from tests.hardware.conftest import Watch, until

SCANNER = Found("scanner", "Newland", "serial:///dev/x", True, "serial", "", "1eab:1306 A1")
MOUSE = Found("unknown", "Mouse", "", False, "", "not supported yet", "dead:0002 port 1-2")


class World:
    """What is plugged in, and the far end of the announcements."""

    def __init__(self) -> None:
        self.there: list[Found] = [SCANNER]
        self.looks = 0
        self.udev, self._kiosk = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._kiosk.setblocking(False)

    def look(self) -> list[Found]:
        self.looks += 1
        return list(self.there)

    def hear(self) -> socket.socket:
        return self._kiosk

    def announce(self, times: int = 1) -> None:
        for _ in range(times):
            self.udev.send(b"libudev\0\xfe\xed\xca\xfe" + b"ACTION=add\0")


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(hotplug, "SETTLE_S", 0.02)
    made = World()
    yield made
    made.udev.close()
    made._kiosk.close()


async def test_what_comes_and_goes_is_told_once(bus: Bus, watch: Watch, world: World) -> None:
    plug = HotPlug([], bus, world.look, world.hear)
    await plug.start()
    assert plug.found == [SCANNER]
    world.there = [SCANNER, MOUSE]
    world.announce(12)
    await until(lambda: plug.found == [SCANNER, MOUSE])
    world.there = [MOUSE]
    world.announce()
    await until(lambda: plug.found == [MOUSE])
    await plug.stop()
    assert [(e.came, e.went) for e in watch.of(DevicesChanged)] == [((MOUSE,), ()), ((), (SCANNER,))]


async def test_a_burst_is_one_look(bus: Bus, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hotplug, "SETTLE_S", 0.3)
    plug = HotPlug([], bus, world.look, world.hear)
    await plug.start()
    for _ in range(20):
        world.announce()
        await asyncio.sleep(0.005)
    await until(lambda: world.looks > 1)
    await plug.stop()
    assert world.looks <= 4, "the first look, and one or a few for twenty announcements"


async def test_without_announcements_there_is_the_minutes_look(
    bus: Bus, watch: Watch, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hotplug.LOOK_S == 60
    monkeypatch.setattr(hotplug, "LOOK_S", 0.02)
    plug = HotPlug([], bus, world.look, lambda: None)
    await plug.start()
    world.there = []
    await until(lambda: plug.found == [])
    await plug.stop()


async def test_a_scanner_that_was_away_is_opened_at_once(
    bus: Bus, watch: Watch, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "RETRY_S", (3600.0, 3600.0))
    sim = ScannerSim(PtyWire(tmp_path / "by-id"))
    device, other = StreamScanner("till", sim.address, bus), SimScanner("sim", SimBench(bus), bus)
    plug = HotPlug([other, device], bus, world.look, world.hear)
    await device.start()
    await plug.start()
    await until(lambda: device.state == "absent")
    await sim.start()
    world.there = [SCANNER, MOUSE]
    world.announce()
    await until(lambda: device.state == "ok")
    await plug.stop()
    await device.stop()
    await sim.stop()


async def test_more_than_the_socket_holds_still_leads_to_a_look(bus: Bus, watch: Watch, world: World) -> None:
    class Full:
        def fileno(self) -> int:
            return world._kiosk.fileno()

        def recv(self, size: int) -> bytes:
            world._kiosk.recv(size)
            raise OSError(105, "No buffer space available")

        def close(self) -> None:
            return

    full: Any = Full()
    plug = HotPlug([], bus, world.look, lambda: full)
    await plug.start()
    world.there = []
    world.announce()
    await until(lambda: plug.found == [])
    await plug.stop()


async def test_the_kernels_socket_can_be_had_or_is_done_without(bus: Bus) -> None:
    plug = HotPlug([], bus, list)
    await plug.start()
    own = plug._socket
    await plug.stop()
    await plug.stop()
    assert plug._socket is None
    assert own is None or own.fileno() == -1


async def test_a_kernel_without_the_socket_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(*_: object) -> None:
        raise OSError(97, "Address family not supported by protocol")

    caplog.set_level("INFO", "kiosk.hardware.hotplug")
    monkeypatch.setattr(hotplug.socket, "socket", none)
    assert hotplug.announcements() is None
    assert "looked for once a minute" in caplog.text
