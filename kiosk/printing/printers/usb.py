"""usb://VID:PID: a printer through libusb, for machines without usblp or where usblp misbehaves."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from kiosk.printing.printers.device import port_status
from kiosk.printing.printers.port import Outcome, Status, Trouble, trouble_of
from kiosk.printing.printers.stream import Link, OpenError, StreamPrinter
from kiosk.printing.printers.usb_device import Address, UsbDevice, UsbError
from kiosk.printing.profiles import Profile

T = TypeVar("T")


class _Owner:
    """The one thread that touches the device. A call that is cancelled is waited for: it ends within half a second."""

    def __init__(self, name: str) -> None:
        self._name = f"usb-{name}"
        self._thread: ThreadPoolExecutor | None = None

    async def do(self, call: Callable[[], T], late: Callable[[T], None]) -> T:
        """Run a call; when we are cancelled meanwhile, its result is given to `late`."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix=self._name)
        running = asyncio.get_running_loop().run_in_executor(self._thread, call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            if not running.cancelled() and running.exception() is None:
                late(running.result())
            raise

    def stop(self) -> None:
        """End the thread, which has nothing to do."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
            self._thread = None


class UsbLink:
    """An open device as a stream."""

    def __init__(self, owner: _Owner, device: UsbDevice) -> None:
        self._owner, self.device = owner, device
        self._came = b""
        self.late = 0
        """Bytes that left in a write whose end nobody waited for."""

    async def write(self, data: bytes) -> int:
        """Write some bytes; waits while the printer takes none."""
        while True:
            if taken := await self._owner.do(lambda: self.device.write(data), self._late):
                return taken

    def _late(self, taken: int) -> None:
        self.late += taken

    async def read(self) -> bytes:
        """Return what came; a printer that cannot answer says nothing for ever."""
        if not self.device.talks:
            await asyncio.get_running_loop().create_future()
        while not self._came:
            self._came = await self._owner.do(self.device.read, self._keep)
        came, self._came = self._came, b""
        return came

    def _keep(self, came: bytes) -> None:
        self._came += came


class UsbPrinter(StreamPrinter):
    """A printer on libusb; the device is found, claimed and given back for each job."""

    def __init__(self, name: str, url: str, profile: Profile, address: Address, backend: Any = None) -> None:
        super().__init__(name, url, profile)
        self._address, self._backend = address, backend
        self._owner = _Owner(name)
        self._late = 0

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Send a job; bytes that left while the deadline passed count as left."""
        outcome = await super().send(job, rid=rid, deadline_s=deadline_s, copies=copies)
        if outcome.ended == "failed" and self._late:
            return Outcome("unknown", outcome.trouble, outcome.detail, self._late)
        return outcome

    @property
    def sent(self) -> int:
        """Return how many bytes of the job under way, or of the last one, have left."""
        return super().sent or self._late

    async def stop(self) -> None:
        """Wait for the job under way, then end the thread."""
        await super().stop()
        self._owner.stop()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Link]:
        self._late = 0
        try:
            device = await self._owner.do(lambda: UsbDevice(self._address, self._backend), UsbDevice.close)
        except UsbError as err:
            raise OpenError(_trouble(err), str(err.strerror)) from None
        link = UsbLink(self._owner, device)
        try:
            yield link
        finally:
            self._late = link.late
            await self._owner.do(device.close, _nothing)

    def _port(self, link: Link) -> Status | None:
        bits = link.device.port_bits if isinstance(link, UsbLink) else None
        return None if bits is None else port_status(bits)


def _nothing(_: None) -> None:
    """Take a result that says nothing."""


def _trouble(err: UsbError) -> Trouble:
    """Map an error while opening: a device that went between finding and claiming is not there."""
    if err.errno in (errno.ENOSYS, errno.EMLINK):
        return "configuration"
    trouble = trouble_of(err)
    return "not_present" if trouble == "gone" else trouble
