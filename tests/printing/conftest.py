"""A simulated printer on each kind of line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from kiosk.printing.printers.device import DevicePrinter
from kiosk.printing.printers.network import NetworkPrinter
from kiosk.printing.printers.stream import StreamPrinter
from simulators.escpos import EscposPrinterSim
from tests.printing.made import P58


class Rig:
    """A printer of ours and the simulated one at the other end."""

    def __init__(self, kind: str, sim: EscposPrinterSim, directory: Path) -> None:
        self.kind, self.sim = kind, sim
        self.device = directory / "printer"
        """A name that stays when the device behind it changes, as udev's."""
        self.printer: StreamPrinter

    async def plug_in(self) -> None:
        """Connect the cable."""
        if self.kind == "tcp":
            self.printer = NetworkPrinter(
                "p", f"tcp://127.0.0.1:{self.sim.port}", P58, "127.0.0.1", self.sim.port
            )
            return
        self.device.unlink(missing_ok=True)
        self.device.symlink_to(await self.sim.serve_serial())
        baud = 115200 if self.kind == "serial" else None
        self.printer = DevicePrinter("p", f"{self.kind}://{self.device}", P58, str(self.device), baud)

    async def unplug(self) -> None:
        """Pull the cable."""
        if self.kind == "tcp":
            await self.sim.stop()
        else:
            await self.sim.unplug()
            self.device.unlink(missing_ok=True)


@pytest.fixture
async def sim() -> AsyncIterator[EscposPrinterSim]:
    """Return a simulated printer on TCP."""
    printer = EscposPrinterSim()
    await printer.start()
    yield printer
    await printer.stop()


@pytest.fixture(params=["tcp", "serial", "lp"])
async def rig(request: pytest.FixtureRequest, sim: EscposPrinterSim, tmp_path: Path) -> Rig:
    """Return a printer on each kind of line. `lp` is a pty here, a character device without the ioctl of usblp, which in_kernel has."""
    made = Rig(request.param, sim, tmp_path)
    await made.plug_in()
    return made


Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def until() -> Until:
    """Wait for something to become so; 10 s at most."""
    import asyncio

    async def wait(so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not so():  # noqa: ASYNC110  (the simulators have no event for everything)
                await asyncio.sleep(0.005)

    return wait
