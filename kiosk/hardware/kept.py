"""What is common to devices at the end of a stream: opened, served, and opened again for ever, one log line an outage."""

from __future__ import annotations

import asyncio
import errno
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from kiosk.events import Bus
from kiosk.hardware.ports import State
from kiosk.hardware.stated import Stated
from kiosk.hardware.streams import Stream

log = logging.getLogger(__name__)
RETRY_S = (0.2, 5.0)
"""First and longest wait before the next try; each is twice the one before."""
SETTLED_S = 5.0
"""A device that is back for this long is back: one that comes and goes each second has one outage, not hundreds."""


class Kept(Stated, ABC):
    """A device that is kept open."""

    def __init__(self, name: str, url: str, place: str, bus: Bus) -> None:
        super().__init__(name, url, bus)
        self._place = place
        self._outage = False
        self._nudged = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to open it, for ever."""
        self._task = asyncio.create_task(self._for_ever(), name=f"{self.kind}-{self.name}")

    async def stop(self) -> None:
        """Let go of it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._go("absent", "stopped")

    def nudge(self) -> None:
        """Try again now: something was plugged in."""
        self._nudged.set()

    async def _rest(self, seconds: float) -> None:
        """Wait for the next try, or until nudged."""
        self._nudged.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._nudged.wait()

    @abstractmethod
    async def _open(self) -> Stream:
        """Open the stream; OSError or TimeoutError when it cannot be."""

    @abstractmethod
    async def _serve(self, stream: Stream) -> None:
        """Work with the stream until it breaks; OSError or TimeoutError says how."""

    async def _for_ever(self) -> None:
        wait, loop = RETRY_S[0], asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._once()
            except (OSError, TimeoutError) as err:
                self._lost(*trouble(err, self._place))
            except Exception:
                log.exception("%s %s: a fault of the program; it is opened again", self.kind, self.name)
                self._lost("error", "a fault of the program, see the log")
            if loop.time() - began >= SETTLED_S:
                wait = RETRY_S[0]
            await self._rest(wait)
            wait = min(RETRY_S[1], wait * 2)

    async def _once(self) -> None:
        stream = await self._open()
        settled = asyncio.get_running_loop().call_later(SETTLED_S, self._settled)
        try:
            self._go("ok", "")
            await self._serve(stream)
        finally:
            settled.cancel()
            try:
                await stream.close()
            except OSError as err:
                # raised here, it would take the place of a cancellation: the device could never be stopped
                log.debug("%s %s did not close cleanly: %s", self.kind, self.name, err)

    def _lost(self, state: State, detail: str) -> None:
        if not self._outage:
            self._outage = True
            log.warning("%s %s: %s", self.kind, self.name, detail)
        self._go(state, detail)

    def _settled(self) -> None:
        if self._outage:
            self._outage = False
            log.info("%s %s is back", self.kind, self.name)


async def beside(*work: Coroutine[Any, Any, None]) -> None:
    """Run coroutines beside one another until the first ends, and raise what it raises; the others are cancelled."""
    tasks = [asyncio.create_task(w) for w in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


ABSENT = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO)
AWAY = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT)
CUT = (errno.ECONNRESET, errno.EPIPE)


def trouble(err: BaseException, place: str) -> tuple[State, str]:
    """Say what an error of the system means for a device, and what to do. Pure."""
    number = err.errno if isinstance(err, OSError) else None
    if isinstance(err, TimeoutError) or number in AWAY:
        return "absent", f"{place} does not answer; check its power and its address."
    if number == errno.ENOENT:
        return "absent", f"{place} is not there; plug it in, or correct the address."
    if number in CUT or number in ABSENT:
        return "absent", f"{place} has gone; check the cable."
    if number in (errno.EACCES, errno.EPERM):
        return (
            "error",
            f"{place} belongs to another user; add the kiosk's user to its group (ls -l shows it).",
        )
    if number in (errno.EAGAIN, errno.EBUSY):
        return "error", f"{place} is in use by another program; end it, or give each scanner its own device."
    if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR) or "configure port" in str(err):
        return "error", f"{place} is no device of this kind; correct the address."
    if "disconnected" in str(err) or "Attempting to use a port" in str(err):
        return "absent", f"{place} has gone; check the cable."
    text = err.strerror if isinstance(err, OSError) and err.strerror else str(err) or type(err).__name__
    return "error", f"{place}: {text}"
