"""serial://, lp://: a character device, opened without waiting and never created (root would print into a plain file)."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
import struct
import termios
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kiosk.printing.printers.fd import FdLink
from kiosk.printing.printers.port import Status, trouble_of
from kiosk.printing.printers.replug import Replugged
from kiosk.printing.printers.stream import Link, OpenError, StreamPrinter
from kiosk.printing.profiles import Profile

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
        fd, path = self._open_device()
        try:
            _own(fd, path)
            if self.baud is not None:
                _set_up(fd, self.baud, path)
            link = FdLink(fd)
            yield link
            await self._drained(link)
        except BaseException:
            if self.baud is not None:
                _drop_output(fd)
            raise
        finally:
            os.close(fd)

    def _open_device(self) -> tuple[int, str]:
        path = self._where.path()
        try:
            fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as err:
            trouble = trouble_of(err)
            if trouble == "gone":  # unplugged, and its name not yet taken away
                trouble = "not_present"
            raise OpenError(trouble, f"{path}: {err.strerror}{PROBLEMS.get(trouble, '')}") from err
        if not stat.S_ISCHR(os.fstat(fd).st_mode):
            os.close(fd)
            raise OpenError("not_present", f"{path} is not a device; nothing is printed into files")
        self._where.seen(path)
        return fd, path

    async def _drained(self, link: FdLink) -> None:
        """Wait until the bytes are out: closing would drop them (usblp) or hold everything up for 30 s (serial)."""
        try:
            async with asyncio.timeout(DRAIN_S):
                if self.baud is None:
                    await link.writable()
                else:
                    await _sent_out(link.fd)
        except TimeoutError:
            if self.baud is not None:
                _drop_output(link.fd)

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


def _own(fd: int, path: str) -> None:
    """Take the device for ourselves; another program of ours that has it is in the middle of a slip."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OpenError("busy", f"{path} is in use; two printers or programs share it") from None


async def _sent_out(fd: int) -> None:
    """Wait until a serial port has nothing left to send; no event tells it, so it is looked at every 20 ms."""
    while True:
        if struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)))[0] == 0:
            return
        await asyncio.sleep(0.02)


def _drop_output(fd: int) -> None:
    """Forget what has not left: closing waits for it, up to 30 s when the other end has stopped us."""
    try:
        termios.tcflush(fd, termios.TCOFLUSH)
    except termios.error:
        return  # the line has gone, and its buffer with it


def _set_up(fd: int, baud: int, path: str) -> None:
    """Set a serial line to raw 8N1 at a speed."""
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise OpenError(
            "configuration", f"{path}: there is no speed of {baud} baud; 9600 and 115200 are usual"
        )
    try:
        tty.setraw(fd, termios.TCSANOW)
        mode = termios.tcgetattr(fd)
        mode[2] = (
            mode[2] & ~(termios.PARENB | termios.CSTOPB | termios.CRTSCTS)
            | termios.CLOCAL
            | termios.CREAD
            | termios.CS8
        )
        mode[4] = mode[5] = speed
        termios.tcsetattr(fd, termios.TCSANOW, mode)
    except termios.error as err:
        raise OpenError("io", f"{path}: is not a serial line ({err})") from err
