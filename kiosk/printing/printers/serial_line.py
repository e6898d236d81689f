"""A serial line through pyserial: raw, 8N1, locked against other programs; read and written without waiting, as every link here."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
import termios
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kiosk.printing.printers.fd import FdLink
from kiosk.printing.printers.port import trouble_of
from kiosk.printing.printers.stream import OpenError

if TYPE_CHECKING:
    from serial import Serial

LOOK_S = 0.02
"""No event tells that a line has nothing left to send: it is looked at."""


class LineLink(FdLink):
    """A line as pyserial sets it up: reading from one that is silent gives nothing (VMIN 0), as the end of a stream does."""

    async def read(self) -> bytes:
        """Return what came; empty when the other end has hung up."""
        await self.readable()
        return await super().read()


def only_a_device(path: str, mode: int) -> None:
    """Refuse what is no character device; OpenError."""
    if not stat.S_ISCHR(mode):
        raise OpenError("not_present", f"{path} is not a device; nothing is printed into files")


def open_line(path: str, baud: int) -> Serial:
    """Open and set up a line at a usual speed; OpenError of the kind `configuration`, `busy` or `io`, OSError of the system.

    The file descriptor of what is returned does not block.
    """
    import serial

    if baud not in serial.Serial.BAUDRATES:
        raise OpenError(
            "configuration", f"{path}: there is no speed of {baud} baud; 9600 and 115200 are usual"
        )
    only_a_device(path, os.stat(path).st_mode)
    try:
        return serial.Serial(path, baud, timeout=0, exclusive=True)
    except termios.error as err:  # pyserial lets it through when the device goes while it is being opened
        raise OSError(*err.args) from err
    except serial.SerialException as err:
        if err.errno is None:
            raise OpenError("io", f"{path}: is not a serial line ({err})") from err
        if err.errno == errno.EAGAIN:
            raise OpenError("busy", f"{path} is in use; two printers or programs share it") from err
        raise


async def sent_out(line: Serial) -> None:
    """Wait until a line has nothing left to send."""
    while line.out_waiting:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_S)


def drop_output(line: Serial) -> None:
    """Forget what has not left: closing waits for it, up to 30 s when the other end has stopped us."""
    with _gone():
        line.reset_output_buffer()


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    """Go on when the line has been pulled, and its buffer with it; what else goes wrong is raised."""
    try:
        yield
    except (OSError, termios.error) as err:
        number = err.args[0] if err.args else None
        if trouble_of(OSError(number, "")) != "gone" and number != errno.ENXIO:
            raise
