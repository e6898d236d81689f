"""Really pulled and plugged in again, many times: nothing is left behind, and the last scan is read like the first."""

from __future__ import annotations

import pytest

from kiosk.events import Bus
from tests.hardware.conftest import Watch, until
from tests.hardware.in_kernel.wire import GadgetWire
from tests.hardware.test_scanner_contract import WireRig, ok
from tests.hardware.test_soak import held

pytestmark = pytest.mark.heavy
ROUNDS = 25
"""Each takes half a second in there; 200 rounds are made on ptys and sockets (`test_soak`)."""


async def test_a_scanner_comes_back_each_time(usb_wire: GadgetWire, bus: Bus, watch: Watch) -> None:
    rig = WireRig(bus, usb_wire)
    await rig.start()
    counts = []
    for n in range(ROUNDS):
        await ok(rig)
        await rig.scan(f"C1:{n}")
        await until(lambda n=n: watch.codes[-1:] == [f"C1:{n}"], f"round {n} is read")
        counts.append(held())
        await rig.fault("gone")
        await until(lambda: rig.device.state == "absent", f"it is gone in round {n}")
        await rig.fault("none")
    await ok(rig)
    await until(lambda: held() == counts[3], f"as much is held as in round 3: {counts[3]}, now {held()}")
    await rig.stop()
    assert watch.codes == [f"C1:{n}" for n in range(ROUNDS)]
