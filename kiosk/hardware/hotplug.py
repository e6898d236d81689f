"""Plugging in and pulling out: udev's announcements on a netlink socket, and a look around once a minute besides.

Group 2 of NETLINK_KOBJECT_UEVENT carries what udev announces after its rules have run, so the links by serial number are
there already (libudev's monitor reads the same). The announcement only says that something changed: what there is, is
always read anew. Without the socket (a container, a kernel without udev) the minute's look is what remains.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from kiosk.events import Bus, Event
from kiosk.hardware.discovery import Found, scan
from kiosk.hardware.ports import Device

log = logging.getLogger(__name__)
UEVENT, UDEV_GROUP = 15, 2
"""NETLINK_KOBJECT_UEVENT of linux/netlink.h; the group that udev sends to."""
LOOK_S = 60.0
SETTLE_S = 0.3
"""One USB device is some ten announcements within a tenth of a second."""


class DevicesChanged(Event, frozen=True):
    """What is plugged in is not what it was."""

    came: tuple[Found, ...]
    went: tuple[Found, ...]


@runtime_checkable
class Nudged(Protocol):
    """A device that can be told to try again now."""

    def nudge(self) -> None:
        """Try again now."""


def announcements() -> socket.socket | None:
    """Open the socket of udev's announcements; None where there is none."""
    try:
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, UEVENT)
    except OSError as err:
        log.info("no announcements of udev here (%s): devices are looked for once a minute", err.strerror)
        return None
    try:
        opened.setblocking(False)
        opened.bind((0, UDEV_GROUP))
    except OSError as err:
        opened.close()
        log.info("no announcements of udev here (%s): devices are looked for once a minute", err.strerror)
        return None
    return opened


class HotPlug:
    """Keeps the list of what is plugged in, and tells devices to try again when something came."""

    def __init__(
        self,
        devices: Sequence[Device],
        bus: Bus,
        look: Callable[[], list[Found]] = scan,
        hear: Callable[[], socket.socket | None] = announcements,
    ) -> None:
        self._devices, self._bus, self._look, self._hear = devices, bus, look, hear
        self.found: list[Found] = []
        """What is plugged in, by the last look."""
        self._heard = asyncio.Event()
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look around once, then listen."""
        self.found = await asyncio.to_thread(self._look)
        self._socket = self._hear()
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket.fileno(), self._announced, self._socket)
        self._task = asyncio.create_task(self._for_ever(), name="hot-plug")

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _announced(self, from_udev: socket.socket) -> None:
        try:
            from_udev.recv(8192)
        except (
            OSError
        ) as err:  # ENOBUFS: more was announced than the socket holds; that something changed is enough
            log.debug("announcements were lost: %s", err)
        self._heard.set()

    async def _for_ever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._heard.wait()
                await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                log.debug("nothing was announced; looking around all the same")
            self._heard.clear()
            await self._see()

    async def _see(self) -> None:
        now = await asyncio.to_thread(self._look)
        came = tuple(f for f in now if f not in self.found)
        went = tuple(f for f in self.found if f not in now)
        self.found = now
        if not came and not went:
            return
        for f in came:
            log.info("plugged in: %s %s %s", f.kind, f.name, f.url or f"({f.detail})")
        self._bus.publish(DevicesChanged(came=came, went=went))
        if came:
            for device in self._devices:
                if isinstance(device, Nudged):
                    device.nudge()
