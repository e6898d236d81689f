"""Pulled and plugged in again 200 times: nothing is left behind, and the last scan is read like the first."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from kiosk.events import Bus
from kiosk.hardware import kept
from kiosk.hardware.factory import open_display, open_scanner
from kiosk.hardware.sim import SimBench
from simulators.panels import PanelSim
from simulators.panels_wire import PtyWire, TcpWire, Wire
from simulators.scanner import ScannerSim
from tests.hardware.conftest import Watch, until

ROUNDS = 200


def held() -> tuple[int, int, int]:
    """Count open files, threads and tasks."""
    return len(os.listdir("/proc/self/fd")), threading.active_count(), len(asyncio.all_tasks())


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["serial", "socket"])
async def test_a_scanner_and_a_display_come_back_200_times(
    bus: Bus, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(kept, "RETRY_S", (0.005, 0.02))
    wires: list[Wire] = [PtyWire(tmp_path / n) if kind == "serial" else TcpWire() for n in ("a", "b")]
    scanner_sim, panel_sim = ScannerSim(wires[0]), PanelSim("tjc", wires[1])
    await scanner_sim.start()
    await panel_sim.start()
    scanner = open_scanner("till", scanner_sim.address, SimBench(bus), bus)
    display = open_display("counter", panel_sim.address, SimBench(bus), bus)
    for device in (scanner, display):
        await device.start()
    counts: list[tuple[int, int, int]] = []
    for n in range(ROUNDS):
        await until(lambda: scanner.state == "ok" and display.state == "ok", f"both are there in round {n}")
        display.show_code(f"https://q.example.cn/{n}", ())
        await scanner_sim.scan(f"C1:{n}")
        await until(lambda n=n: watch.codes[-1:] == [f"C1:{n}"], f"round {n} is read")
        await until(lambda n=n: panel_sim.panel.code.endswith(f"/{n}"), f"round {n} is shown")
        counts.append(held())
        if n == ROUNDS - 1:
            break
        for sim in (scanner_sim, panel_sim):
            await sim.set_fault("gone")
        await until(lambda: scanner.state == display.state == "absent", f"both are gone in round {n}")
        for sim in (scanner_sim, panel_sim):
            await sim.set_fault("none")
    await until(lambda: held() == counts[5], f"as much is held as in round 5: {counts[5]}, now {held()}")
    for device in (scanner, display):
        await device.stop()
    await scanner_sim.stop()
    await panel_sim.stop()
    assert len(watch.codes) == ROUNDS
