"""The contract of tills on a USB serial line of a real kernel."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kiosk.events import Bus
from tests.hardware.conftest import Watch
from tests.hardware.in_kernel.wire import GadgetWire
from tests.hardware.test_till_contract import TestEveryTill, WireRig

__all__ = ["TestEveryTill"]
pytestmark = pytest.mark.heavy


@pytest.fixture
async def rig(bus: Bus, watch: Watch, usb_wire: GadgetWire) -> AsyncIterator[WireRig]:
    made = WireRig(bus, usb_wire)
    await made.start()
    yield made
    await made.stop()
