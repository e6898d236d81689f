"""hid:///dev/input/by-id/...: a scanner that types like a keyboard, grabbed so that it types nowhere else."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress

from kiosk.hardware.keys import EVENT, Keys
from kiosk.hardware.serial_scanner import StreamScanner
from kiosk.hardware.streams import FdStream, Stream

EVIOCGRAB = 0x40044590
"""_IOW('E', 0x90, int) of linux/input.h: 1 takes the device for this program alone, 0 gives it back."""


class HidStream(FdStream):
    """The characters that one keyboard types."""

    def __init__(self, path: str, lost: Callable[[], None]) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(fd, EVIOCGRAB, 1)
        except OSError:
            os.close(fd)
            raise
        super().__init__(fd)
        self._keys, self._lost = Keys(), lost

    async def read(self) -> bytes:
        """Return what was typed; after events were lost, the code under way is dropped."""
        while True:
            typed = self._keys.feed(await super().read())
            if self._keys.lost:
                self._keys.lost = False
                self._lost()
            if typed:
                return typed

    def _take(self) -> bytes:
        return os.read(self._fd, EVENT.size * 64)

    async def write(self, data: bytes) -> None:
        """Refuse: a keyboard takes nothing."""
        raise OSError(errno.EINVAL, "a keyboard takes no commands")

    async def close(self) -> None:
        """Give the keyboard back; closing does so too where the call fails, as it does once the device has gone."""
        with suppress(OSError):
            fcntl.ioctl(self._fd, EVIOCGRAB, 0)
        await super().close()


class HidScanner(StreamScanner):
    """A scanner in keyboard mode: it ends its codes with Enter, and may type slowly."""

    options = ("end",)
    ends = ("line", "auto", "silence")

    async def _open(self) -> Stream:
        return HidStream(self._address.path, lambda: self._framer.forget())
