"""The contract of displays on a USB serial line of a real kernel: one that is silent, one that answers, one for text: pulled out and plugged in for real."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kiosk.events import Bus
from tests.hardware.conftest import Watch
from tests.hardware.in_kernel.wire import GadgetWire
from tests.hardware.test_display_contract import TestEveryDisplay, WireRig, _sooner

__all__ = ["TestEveryDisplay", "_sooner"]
pytestmark = pytest.mark.heavy


@pytest.fixture(params=["qrview", "tjc", "cd5220"])
async def rig(
    request: pytest.FixtureRequest, bus: Bus, watch: Watch, usb_wire: GadgetWire
) -> AsyncIterator[WireRig]:
    made = WireRig(request.param, usb_wire, bus)
    await made.start()
    yield made
    await made.stop()
