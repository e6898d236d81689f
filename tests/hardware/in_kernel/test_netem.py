"""A bad network, made by the kernel (netem): scanner and display behind a serial-to-LAN adapter lose nothing of what counts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from kiosk.events import Bus
from kiosk.hardware.factory import open_display, open_scanner
from kiosk.hardware.sim import SimBench
from simulators.panels import PanelSim
from simulators.panels_wire import TcpWire
from simulators.scanner import ScannerSim
from tests.hardware.conftest import Watch, until

pytestmark = pytest.mark.heavy


@pytest.fixture
def bad_network() -> Iterator[None]:
    """Delay the loopback by 100 ms, drop every tenth packet, send some twice and out of order."""
    words = "netem delay 100ms 30ms loss 10% duplicate 5% reorder 5%".split()
    subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", *words], check=True)
    yield
    subprocess.run(["tc", "qdisc", "del", "dev", "lo", "root"], check=True)


async def test_codes_come_whole_and_in_order(bad_network: None, bus: Bus, watch: Watch) -> None:
    wire = TcpWire()
    sim = ScannerSim(wire)
    await sim.start()
    device = open_scanner("till", f"{sim.address}?end=line", SimBench(bus), bus)
    await device.start()
    await until(lambda: device.state == "ok" and wire.connected)
    codes = [f"C1:AB-{n}" for n in range(30)]
    for code in codes:
        await sim.scan(code)
    await until(lambda: len(watch.codes) >= len(codes))
    assert watch.codes == codes
    assert watch.states == ["ok"], "a bad network is no outage"
    await device.stop()
    await sim.stop()


async def test_a_display_shows_the_latest(bad_network: None, bus: Bus) -> None:
    panel = PanelSim("qrview", TcpWire())
    await panel.start()
    device = open_display("counter", panel.address, SimBench(bus), bus)
    await device.start()
    await until(lambda: device.state == "ok")
    for n in range(10):
        device.show_code(f"https://q.example.test/c/{n}", ("hello",))
    await until(lambda: panel.panel.code == "https://q.example.test/c/9", "the latest is shown")
    await device.stop()
    await panel.stop()
