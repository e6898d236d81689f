"""The far end of a USB serial line: /dev/ttyGS0 of the gadget, as a wire for the simulators."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.hardware.conftest import until
from tests.hardware.in_kernel.gadget import Gadget

FAR = "/dev/ttyGS0"


class GadgetWire:
    """A cable with a USB serial adapter; the near end is found behind a link, as udev makes it."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.gadget = Gadget(("acm.0",))
        self.on_data: Callable[[bytes], None] = lambda _: None
        self._deaf = False
        self._far = -1

    @property
    def address(self) -> str:
        """Return the address of the near end."""
        return f"serial://{self.link}"

    @property
    def deaf(self) -> bool:
        """Tell whether nothing is taken from the wire."""
        return self._deaf

    @deaf.setter
    def deaf(self, deaf: bool) -> None:
        self._deaf = deaf
        if self._far >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._far)
            if not deaf:
                loop.add_reader(self._far, self._readable)

    async def plug(self) -> None:
        """Plug it in."""
        if self._far >= 0:
            return
        self.gadget.plug()
        self._far = os.open(FAR, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._far)
        self.deaf = self._deaf
        await until(self.gadget.lines, "the kernel has made a serial line")
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(self.gadget.lines()[0])

    async def unplug(self) -> None:
        """Pull it out."""
        if self._far < 0:
            return
        asyncio.get_running_loop().remove_reader(self._far)
        self.gadget.unplug()
        os.close(self._far)
        self._far = -1
        self.link.unlink()
        await until(lambda: not self.gadget.lines(), "the kernel has taken the serial line away")

    def write(self, data: bytes) -> None:
        """Send; like a real line it loses what nobody takes."""
        if self._far >= 0:
            with suppress(BlockingIOError, OSError):
                os.write(self._far, data)

    def _readable(self) -> None:
        with suppress(BlockingIOError, OSError):
            if data := os.read(self._far, 4096):
                self.on_data(data)
