"""serial:// (through pyserial) and lp://: a device, opened without waiting, never created: root would print into a plain file."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from kiosk.printing.printers.fd import FdLink
from kiosk.printing.printers.port import Status, trouble_of
from kiosk.printing.printers.replug import Replugged
from kiosk.printing.printers.serial_line import LineLink, drop_output, only_a_device, open_line, sent_out
from kiosk.printing.printers.stream import Link, OpenError, StreamPrinter
from kiosk.printing.profiles import Profile

Opened = TypeVar("Opened")
LPGETSTATUS = 0x060B  # linux/lp.h; usblp answers it for every printer of the USB class, DLE EOT or not
NO_PAPER, SELECTED, NO_ERROR = 0x20, 0x10, 0x08
DRAIN_S = 5.0
"""The 4096 bytes that a serial port buffers take 4.3 s at 9600 baud."""
PROBLEMS = {
    "permission": "; add the kiosk's user to the group that owns it (lp or dialout)",
    "not_present": "; check the cable and that the printer is on",
}


class DevicePrinter(StreamPrinter):
    """A printer behind /dev/usb/lpN or a serial port."""

    def __init__(self, name: str, url: str, profile: Profile, path: str, baud: int | None) -> None:
        super().__init__(name, url, profile)
        self.baud = baud
        self._where = Replugged(path)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Link]:
        async with self._line(self.baud) if self.baud is not None else self._port_of_usblp() as link:
            yield link

    @asynccontextmanager
    async def _line(self, baud: int) -> AsyncIterator[Link]:
        line = self._opened(lambda path: open_line(path, baud))
        try:
            yield LineLink(line.fileno())
            try:
                async with asyncio.timeout(DRAIN_S):
                    await sent_out(line)
            except TimeoutError:
                drop_output(line)
        except BaseException:
            drop_output(line)
            raise
        finally:
            line.close()

    @asynccontextmanager
    async def _port_of_usblp(self) -> AsyncIterator[Link]:
        fd = self._opened(_open_alone)
        try:
            link = FdLink(fd)
            yield link
            with suppress(
                TimeoutError
            ):  # closing drops what usblp still holds: a slip in doubt, which its barrier tells
                async with asyncio.timeout(DRAIN_S):
                    await link.writable()
        finally:
            os.close(fd)

    def _opened(self, opener: Callable[[str], Opened]) -> Opened:
        """Open the device where it is now; OpenError says what is wrong and what helps."""
        path = self._where.path()
        try:
            opened = opener(path)
        except OSError as err:
            trouble = trouble_of(err)
            if trouble == "gone":  # unplugged, and its name not yet taken away
                trouble = "not_present"
            said = os.strerror(err.errno) if err.errno else str(err)
            raise OpenError(trouble, f"{path}: {said}{PROBLEMS.get(trouble, '')}") from err
        self._where.seen(path)
        return opened

    def _port(self, link: Link) -> Status | None:
        if self.baud is not None or not isinstance(link, FdLink):
            return None
        try:
            raw = fcntl.ioctl(link.fd, LPGETSTATUS, bytes(4))
        except OSError:
            return None  # no usblp: the port knows nothing
        return port_status(struct.unpack("i", raw)[0])


def port_status(bits: int) -> Status:
    """Read the status byte of the USB printer class (USB printer class 1.1, 4.2.2)."""
    if bits & NO_PAPER:
        return Status("out", "no paper")
    if not bits & NO_ERROR:
        return Status("error", "the printer reports an error")
    if not bits & SELECTED:
        return Status("offline", "the printer is offline; press its online button")
    return Status("ok")


def _open_alone(path: str) -> int:
    """Open a device for ourselves; another program of ours that has it is in the middle of a slip."""
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        only_a_device(path, os.fstat(fd).st_mode)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise OpenError("busy", f"{path} is in use; two printers or programs share it") from None
    except BaseException:
        os.close(fd)
        raise
    return fd
