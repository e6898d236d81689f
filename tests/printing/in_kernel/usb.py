"""The simulated printer inside the USB printer gadget, and the rig of the printers' contract around it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kiosk.printing.printers.device import DevicePrinter
from simulators.escpos import EscposPrinterSim
from tests.hardware.in_kernel.gadget import Gadget
from tests.printing.conftest import Rig
from tests.printing.made import P58

FAR, NEAR = Path("/dev/g_printer0"), Path("/dev/usb/lp0")
WAIT_S = 30.0


async def there(so: Callable[[], bool]) -> None:
    """Wait until the kernel has done something."""
    end = time.monotonic() + WAIT_S
    while not so():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


class UsbPrinterSim(EscposPrinterSim):
    """The same printer, on a USB cable in place of a pty."""

    def __init__(self) -> None:
        super().__init__()
        self.gadget = Gadget(("printer.0",))

    async def serve_serial(self) -> str:
        """Plug the cable in and serve it; return the near end's device."""
        self.gadget.plug()
        await there(lambda: FAR.exists() and NEAR.exists())
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        fd = await self._opened()
        ear, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(fd), "rb", 0)
        )
        mouth, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(fd, "wb", 0)
        )
        self._pipes += [ear, mouth]
        writer = asyncio.StreamWriter(mouth, protocol, reader, loop)
        task: asyncio.Task[Any] = asyncio.create_task(self._talk(reader, writer), name="USB printer")
        self._links[task] = writer
        task.add_done_callback(lambda done: self._links.pop(done, None))
        return str(NEAR)

    async def _opened(self) -> int:
        """Open the gadget's side, which can be opened a moment after the device was plugged in."""
        end = time.monotonic() + WAIT_S
        while True:
            try:
                return os.open(FAR, os.O_RDWR | os.O_NONBLOCK)
            except OSError:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.02)

    async def unplug(self) -> None:
        """Pull the cable.

        The gadget's driver (6.1) corrupts memory when it is unplugged while it is open, or while an answer waits to be
        fetched: it is closed first, and what nobody has read is read.
        """
        if not self._pipes:
            return
        for link in list(self._links):
            if link is not asyncio.current_task():  # a fault of the simulator pulls its own cable
                link.cancel()
        for pipe in self._pipes:
            pipe.abort() if isinstance(pipe, asyncio.WriteTransport) else pipe.close()
        self._pipes = []
        await asyncio.sleep(0.05)
        with contextlib.suppress(OSError):  # somebody has it open, and reads it
            near = os.open(NEAR, os.O_RDWR | os.O_NONBLOCK)
            try:
                while os.read(near, 4096):
                    continue
            finally:
                os.close(near)
        self.gadget.unplug()


class UsbRig(Rig):
    """A printer of ours on a real usblp."""

    sim: UsbPrinterSim

    def __init__(self, directory: Path) -> None:
        super().__init__("lp", UsbPrinterSim(), directory)

    async def plug_in(self) -> None:
        """Connect the cable."""
        self.device.unlink(missing_ok=True)
        self.device.symlink_to(await self.sim.serve_serial())
        self.printer = DevicePrinter("p", f"lp://{self.device}", P58, str(self.device), None)
        self.printer.answer_s = self.printer.silence_s = 5  # a machine inside a machine is slow

    async def unplug(self) -> None:
        """Pull the cable."""
        await self.sim.unplug()
        self.device.unlink(missing_ok=True)
        await there(lambda: not NEAR.exists())
