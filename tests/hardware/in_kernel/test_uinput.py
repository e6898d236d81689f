"""Keys of the kernel's own input layer, and what it does when nobody reads them in time."""

from __future__ import annotations

import itertools

import pytest

from kiosk.events import Bus
from kiosk.hardware.factory import open_scanner
from kiosk.hardware.sim import SimBench
from tests.hardware.conftest import Watch, until
from tests.hardware.in_kernel.uinput import Keyboard

pytestmark = pytest.mark.heavy
FLOOD = "x" * 400
"""1,600 events: the kernel keeps some 64 for a reader, and drops the rest with SYN_DROPPED."""


async def test_it_is_read_and_its_end_is_noticed(bus: Bus, watch: Watch) -> None:
    keyboard = Keyboard()
    await until(lambda: keyboard.path.exists())
    device = open_scanner("till", f"hid://{keyboard.path}", SimBench(bus), bus)
    await device.start()
    await until(lambda: device.state == "ok")
    keyboard.type("C1:Ab9\n")
    await until(lambda: watch.codes == ["C1:Ab9"])
    keyboard.unplug()
    await until(lambda: device.state == "absent")
    await device.stop()


async def test_a_code_whose_keys_the_kernel_dropped_is_dropped_whole(bus: Bus, watch: Watch) -> None:
    keyboard = Keyboard()
    await until(lambda: keyboard.path.exists())
    device = open_scanner("till", f"hid://{keyboard.path}", SimBench(bus), bus)
    await device.start()
    await until(lambda: device.state == "ok")
    keyboard.type(FLOOD + "\n")  # the loop stands still meanwhile: the kernel's buffer overflows
    typed = (f"OK-{n}" for n in itertools.count())
    sent: list[str] = []

    def again() -> bool:
        if not watch.codes:
            sent.append(next(typed))
            keyboard.type(sent[-1] + "\n")
        return bool(watch.codes)

    await until(again, "the codes after the flood are read")
    assert set(watch.codes) <= set(sent), "a part of the flood was taken for a code"
    keyboard.unplug()
    await device.stop()
