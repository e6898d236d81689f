"""serial://, lp://: a character device, opened without waiting and never created (root would print into a plain file)."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kiosk.printing.printers.port import trouble_of
from kiosk.printing.printers.stream import Link, OpenError, StreamPrinter
from kiosk.printing.profiles import Profile


class FdLink:
    """A file descriptor that does not block."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def write(self, data: bytes) -> int:
        """Write what fits; short writes are counted."""
        while True:
            try:
                return os.write(self._fd, data)
            except BlockingIOError:
                await self._ready(
                    asyncio.get_running_loop().add_writer, asyncio.get_running_loop().remove_writer
                )

    async def read(self) -> bytes:
        """Return what came."""
        while True:
            try:
                if raw := os.read(self._fd, 64):
                    return raw
                raise OSError(19, "the device has gone")
            except BlockingIOError:
                await self._ready(
                    asyncio.get_running_loop().add_reader, asyncio.get_running_loop().remove_reader
                )

    async def _ready(self, add, remove) -> None:  # type: ignore[no-untyped-def]
        event = asyncio.Event()
        add(self._fd, event.set)
        try:
            await event.wait()
        finally:
            remove(self._fd)


class DevicePrinter(StreamPrinter):
    """A printer behind /dev/usb/lpN or a serial port."""

    def __init__(self, name: str, url: str, profile: Profile, path: str, baud: int | None) -> None:
        super().__init__(name, url, profile)
        self._path, self._baud = path, baud

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Link]:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as err:
            raise OpenError(trouble_of(err), f"{self._path}: {err.strerror}") from err
        try:
            if not stat.S_ISCHR(os.fstat(fd).st_mode):
                raise OpenError("not_present", f"{self._path} is not a device; nothing is printed into files")
            if self._baud is not None:
                _set_up(fd, self._baud, self._path)
            yield FdLink(fd)
        finally:
            os.close(fd)


def _set_up(fd: int, baud: int, path: str) -> None:
    """Set a serial line to raw 8N1 at a speed."""
    import termios
    import tty

    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise OpenError("configuration", f"{path}: there is no speed of {baud} baud")
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
