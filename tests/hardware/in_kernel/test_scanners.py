"""The contract of scanners on a real kernel: a USB serial line, a USB keyboard, a keyboard of uinput."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kiosk.events import Bus
from kiosk.hardware.factory import open_scanner
from kiosk.hardware.sim import SimBench
from tests.hardware.conftest import Watch, until
from tests.hardware.in_kernel.conftest import taken_apart
from tests.hardware.in_kernel.gadget import Gadget
from tests.hardware.in_kernel.uinput import Keyboard
from tests.hardware.in_kernel.wire import GadgetWire
from tests.hardware.test_scanner_contract import (
    Rig,
    TestEveryScanner,
    TestFaultsOfAWire,
    TypingRig,
    WireRig,
    ok,
)

__all__ = ["TestEveryScanner", "TestFaultsOfAWire"]
pytestmark = pytest.mark.heavy


class KeyboardRig(TypingRig):
    """A real input device behind a link, as udev makes it."""

    def __init__(self, bus: Bus, link: Path) -> None:
        self.link = link
        self.device = open_scanner("till", f"hid://{link}", SimBench(bus), bus)

    async def found(self, look: Callable[[], list[Path]]) -> None:
        """Wait for the device file and name it."""
        await until(lambda: [p for p in look() if p.exists()], "the kernel has made an input device")
        self.link.symlink_to(look()[0])


class UsbKeyboard(KeyboardRig):
    """A USB scanner in keyboard mode."""

    gadget: Gadget

    async def plug(self) -> None:
        self.gadget = Gadget(("hid.0",))
        self.gadget.plug()
        await self.found(self.gadget.keyboards)

    async def unplug(self) -> None:
        self.link.unlink()
        await asyncio.to_thread(taken_apart, self.gadget)

    async def type(self, text: str) -> None:
        await asyncio.to_thread(self.gadget.type, text)


class UinputKeyboard(KeyboardRig):
    """A keyboard of the kernel's input layer."""

    keyboard: Keyboard

    async def plug(self) -> None:
        self.keyboard = Keyboard()
        await self.found(lambda: [self.keyboard.path])

    async def unplug(self) -> None:
        self.link.unlink()
        self.keyboard.unplug()

    async def type(self, text: str) -> None:
        for char in text:  # the kernel keeps some 64 events for a reader: no faster than it reads
            self.keyboard.type(char)
            await asyncio.sleep(0.001)


@pytest.fixture(params=["acm", "hid", "uinput"])
async def rig(request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path) -> AsyncIterator[Rig]:
    if request.param == "acm":
        wired = WireRig(bus, request.getfixturevalue("usb_wire"))
        await wired.start()
        yield wired
        await wired.stop()
        return
    made = (UsbKeyboard if request.param == "hid" else UinputKeyboard)(bus, tmp_path / "event-kbd")
    await made.plug()
    await made.device.start()
    yield made
    await made.device.stop()
    await made.unplug()


@pytest.fixture
async def wired(usb_wire: GadgetWire, bus: Bus, watch: Watch) -> AsyncIterator[WireRig]:
    made = WireRig(bus, usb_wire)
    await made.start()
    await ok(made)
    yield made
    await made.stop()
