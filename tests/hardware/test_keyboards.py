"""Scanners that are keyboards, and modules that read when told to."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from kiosk.events import Bus
from kiosk.hardware import hid_scanner, kept, serial_scanner, streams
from kiosk.hardware.serial_scanner import StreamScanner
from kiosk.hardware.streams import FdStream, SerialStream
from kiosk.hardware.triggers import GM65
from simulators.panels_wire import PtyWire
from simulators.scanner import ScannerSim
from tests.hardware.conftest import Watch, until
from tests.hardware.test_scanner_contract import HidRig, ok
from tests.hardware.typing import ENTER, event, tap, typed


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner than a shop needs."""
    monkeypatch.setattr(kept, "RETRY_S", (0.02, 0.2))


class TestKeyboards:
    async def test_are_grabbed_and_given_back(self, bus: Bus, tmp_path: Path, grabs: list[int]) -> None:
        rig = HidRig(bus, tmp_path / "event3")
        await rig.plug()
        await rig.device.start()
        await ok(rig)
        assert grabs == [1]
        await rig.device.stop()
        assert grabs == [1, 0]
        os.close(rig.end)

    async def test_lose_the_code_whose_keys_the_kernel_dropped(
        self, bus: Bus, watch: Watch, tmp_path: Path, grabs: list[int]
    ) -> None:
        rig = HidRig(bus, tmp_path / "event3")
        await rig.plug()
        await rig.device.start()
        await ok(rig)
        half = typed("C1:LOST")[: -len(tap(ENTER))]
        os.write(rig.end, half)
        await until(lambda: rig.device._framer.open)  # type: ignore[attr-defined]
        os.write(rig.end, event(3, 0, kind=0) + typed("TAIL") + typed("C1:NEXT"))
        await until(lambda: watch.codes)
        assert watch.codes == ["C1:NEXT"]
        await rig.device.stop()
        os.close(rig.end)

    async def test_that_another_program_holds_are_named(
        self, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def held(*_: object) -> int:
            raise OSError(errno.EBUSY, "Device or resource busy")

        monkeypatch.setattr(hid_scanner.fcntl, "ioctl", held)
        rig = HidRig(bus, tmp_path / "event3")
        await rig.plug()
        await rig.device.start()
        await until(lambda: rig.device.state == "error")
        assert "in use by another program" in rig.device.detail
        await rig.device.stop()
        os.close(rig.end)

    async def test_that_are_none_are_named(self, bus: Bus, tmp_path: Path) -> None:
        rig = HidRig(bus, tmp_path / "event3")
        await rig.plug()
        await rig.device.start()
        await until(lambda: rig.device.state == "error")
        assert "no device of this kind" in rig.device.detail
        await rig.device.stop()
        os.close(rig.end)

    async def test_that_cannot_be_given_back_are_let_go_all_the_same(
        self, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ioctl(fd: int, request: int, value: int) -> int:
            if not value:
                raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
            return 0

        monkeypatch.setattr(hid_scanner.fcntl, "ioctl", ioctl)
        rig = HidRig(bus, tmp_path / "event3")
        await rig.plug()
        await rig.device.start()
        await ok(rig)
        async with asyncio.timeout(10):
            await rig.device.stop()
        os.close(rig.end)


async def test_a_stream_that_does_not_close_holds_nobody(
    bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck(FdStream):
        async def close(self) -> None:
            await super().close()
            raise OSError(errno.EIO, "Input/output error")

    async def open_stuck(_: object) -> FdStream:
        read, write = os.pipe()
        os.close(write)
        return Stuck(read)

    monkeypatch.setattr(serial_scanner, "open_stream", open_stuck)
    device = StreamScanner("till", "serial:///dev/x", bus)
    await device.start()
    await until(lambda: device.state == "absent")
    async with asyncio.timeout(10):
        await device.stop()
    assert device.state == "absent"


async def test_a_module_is_told_to_read_and_its_answers_are_no_codes(
    bus: Bus, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = ScannerSim(PtyWire(tmp_path / "gm65"))
    await sim.start()
    device = StreamScanner("till", f"{sim.address}?trigger=gm65", bus)
    await device.start()
    await until(lambda: sim.triggers > 0, "it is told to read")
    await sim.scan("C1:A")
    await until(lambda: watch.codes == ["C1:A"])
    await device.stop()
    await until(lambda: sim.told_to_stop == 1, "it is told to stop")
    await sim.stop()


async def test_a_module_that_answers_no_trigger_is_absent(
    bus: Bus, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = {"gm65": type(GM65)(GM65.name, GM65.on, GM65.off, GM65.answer, 0.03)}
    monkeypatch.setattr(serial_scanner, "TRIGGERS", quick)
    sim = ScannerSim(PtyWire(tmp_path / "gm65"))
    await sim.set_fault("silent")
    device = StreamScanner("till", f"{sim.address}?trigger=gm65", bus)
    await device.start()
    await until(lambda: device.state == "absent")
    assert "does not answer" in device.detail
    await sim.set_fault("none")
    await until(lambda: device.state == "ok" and sim.triggers > 8, "it answers again")
    await device.stop()
    await sim.stop()


@pytest.mark.parametrize(("waits", "resets"), [([0], 0), ([9, 4, 0], 0), ([9] * 1000, 1)])
async def test_a_line_is_given_time_to_send_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, waits: list[int], resets: int
) -> None:
    class Port:
        reset = closed = 0

        @property
        def out_waiting(self) -> int:
            return waits.pop(0)

        def reset_output_buffer(self) -> None:
            self.reset += 1

        def close(self) -> None:
            self.closed += 1

    monkeypatch.setattr(streams, "DRAIN_S", 0.05 if resets else 15.0)
    line, port = SerialStream.__new__(SerialStream), Port()
    line._port = port
    await line.close()
    assert (port.reset, port.closed) == (resets, 1)
