"""Scan bytes -> event on the bus, and button edge -> event, each beside the plain way of the library underneath.

How: a code of 28 characters with CR is written into a pty whose near end the scanner has open; the bus's handler takes the
time. Peer: a thread that waits in pyserial's `read_until` and hands over with `call_soon_threadsafe`. The button is
gpiozero's mock pin, driven low; our figure holds the 25 ms for which the line must be quiet. Peer: gpiozero's own
`when_pressed` without any debounce, handed over in the same way. Idle: processor time (utime + stime of /proc/PID/stat) and memory of
a daemon with a simulated device of each kind over 10 s of rest; peer: the same daemon without any device.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.daemon import Started, rss_mib
from benchmarks.figures import shown
from kiosk.config import Gpio
from kiosk.events import Bus, DeviceState, Pressed, Scanned
from kiosk.hardware.factory import LINES, Pins, open_scanner
from kiosk.hardware.inputs import QUIET_S
from kiosk.hardware.sim import SimBench
from simulators.panels_wire import PtyWire

SCANS, PRESSES = 500, 60
REST_S = 10.0
EVERY_DEVICE = (
    "".join(f'[{kind}.one]\nurl = "sim://"\n' for kind in ("scanners", "tills", "displays", "speakers"))
    + '[gpio]\nfactory = "sim"\n'
    + "".join(f"{line} = {pin}\n" for pin, line in enumerate(LINES, 4))
)


class Clock:
    """Takes the time from a begin to the next call."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._heard = asyncio.Event()
        self._begun = 0.0

    def heard(self, *_: object) -> None:
        """Note that it has arrived."""
        self.late.append((time.perf_counter() - self._begun) * 1000)
        self._heard.set()

    async def time(self, act: Callable[[], object]) -> None:
        """Act, and wait until it has arrived."""
        self._heard.clear()
        self._begun = time.perf_counter()
        act()
        async with asyncio.timeout(5):
            await self._heard.wait()


async def _ours(wire: PtyWire) -> list[float]:
    bus, clock, there = Bus(), Clock(), asyncio.Event()
    bus.on(Scanned, clock.heard)
    bus.on(DeviceState, lambda _: there.set())
    device = open_scanner("till", wire.address, SimBench(bus), bus)
    await device.start()
    await there.wait()
    for n in range(SCANS):
        await clock.time(lambda n=n: wire.write(f"https://q.example.cn/c/{n:05}\r".encode()))
    await device.stop()
    return clock.late


async def _thread(wire: PtyWire) -> list[float]:
    import serial

    loop, clock = asyncio.get_running_loop(), Clock()
    with serial.Serial(str(wire.link), 9600, timeout=None) as port:

        def read() -> None:
            with suppress(serial.SerialException, OSError, TypeError):
                while line := port.read_until(b"\r"):
                    loop.call_soon_threadsafe(clock.heard, line.decode())

        reader = threading.Thread(target=read, name="peer")
        reader.start()
        await asyncio.sleep(0.1)
        for n in range(SCANS):
            await clock.time(lambda n=n: wire.write(f"https://q.example.cn/c/{n:05}\r".encode()))
        port.cancel_read()
        await asyncio.to_thread(reader.join)
    return clock.late


async def _button() -> list[float]:
    bus, clock = Bus(), Clock()
    bus.on(Pressed, clock.heard)
    pins = Pins(Gpio(factory="mock", button=17), SimBench(bus), bus)
    await pins.button.start()
    pin = pins.board.factory.pin("GPIO17")
    for _ in range(PRESSES):
        await clock.time(pin.drive_low)
        pin.drive_high()
        await asyncio.sleep(3 * QUIET_S)
    await pins.button.stop()
    return clock.late


async def _bare_button() -> list[float]:
    from gpiozero import Button
    from gpiozero.pins.mock import MockFactory

    factory: Any = MockFactory()
    loop, clock = asyncio.get_running_loop(), Clock()
    with Button(17, pin_factory=factory) as button:
        button.when_pressed = lambda: loop.call_soon_threadsafe(clock.heard)
        for _ in range(PRESSES):
            await clock.time(factory.pin(17).drive_low)
            factory.pin(17).drive_high()
    return clock.late


async def _run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wire = PtyWire(Path(folder) / "scanner")
        await wire.plug()
        ours = await _ours(wire)
        peer = await _thread(wire)
        await wire.unplug()
    print(shown("scan bytes -> event (pty)", ours[5:], "ms", peer[5:]))
    print(shown("  pyserial in a thread", peer[5:], "ms"))
    button, bare = await _button(), await _bare_button()
    print(shown("button edge -> event, 25 ms of it quiet", button[5:], "ms", bare[5:]))
    print(shown("  gpiozero without a debounce", bare[5:], "ms"))


def _idle(devices: str) -> tuple[float, float]:
    """Return per cent of one processor and MiB of a daemon at rest."""
    with tempfile.TemporaryDirectory() as base:
        config = Path(base) / "kiosk.toml"
        config.write_text(f'data_dir = "{base}/data"\n[web]\nlisten = "127.0.0.1:0"\n{devices}')
        kiosk = Started([sys.executable, "-m", "kiosk", "run", "-c", str(config)])
        try:
            time.sleep(2)  # what is loaded after the start is no rest
            pid = kiosk.process.pid
            begun, at = _processor_s(pid), time.perf_counter()
            time.sleep(REST_S)
            used = (_processor_s(pid) - begun) / (time.perf_counter() - at)
            return used * 100, rss_mib(pid)
        finally:
            kiosk.stop()


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    asyncio.run(_run())
    (busy, rss), (bare_busy, bare_rss) = _idle(EVERY_DEVICE), _idle("")
    print(shown("idle, a simulated device of each kind", [busy], "% of a CPU"))
    print(shown("  idle, without any device", [bare_busy], "% of a CPU"))
    print(shown("idle memory, a simulated device of each kind", [rss], "MiB", [bare_rss], "64 MiB"))


if __name__ == "__main__":
    main()
