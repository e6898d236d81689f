"""The contract of printers at the end of a stream, on a real usblp: each test of `test_printers` that takes a rig."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.printing import test_printers
from tests.printing.in_kernel.usb import UsbRig

pytestmark = pytest.mark.heavy
OTHERWISE = {
    "test_silence_is_not_a_yes": "the port speaks for a mute printer: test_usblp has that",
    "test_a_printer_that_must_not_be_asked_never_is": "the port says that a mute printer is well, to the deadline",
    "test_a_profile_that_cannot_confirm_says_so": "the port tells the state, whatever the profile",
}
"""What a real usblp does otherwise, and where that is tested."""
CONTRACT = {
    name: test
    for name, test in vars(test_printers).items()
    if name.startswith("test_") and "rig" in inspect.signature(test).parameters and name not in OTHERWISE
}
globals().update(CONTRACT)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[UsbRig]:
    made = UsbRig(tmp_path)
    await made.plug_in()
    yield made
    await made.unplug()
    made.sim.gadget.remove()


def test_what_differs_is_still_there() -> None:
    assert set(OTHERWISE) <= set(vars(test_printers))
    assert len(CONTRACT) >= 14
