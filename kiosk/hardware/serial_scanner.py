"""serial:///dev/... and socket://host:port scanners: bytes through the loop, reconnecting for ever."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kiosk.events import Bus, DeviceState, Scanned
from kiosk.hardware.ports import State
from kiosk.hardware.scan_line import SILENCE_S, Framer

log = logging.getLogger(__name__)
RETRY_S = (0.2, 5.0)
CONNECT_S = 3.0


class StreamScanner:
    """A scanner at the end of a stream of bytes."""

    kind = "scanner"

    def __init__(self, name: str, url: str, bus: Bus) -> None:
        self.name, self.url, self._bus = name, url, bus
        self._state: State = "starting"
        self._detail = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """Return how it is."""
        return self._state

    @property
    def detail(self) -> str:
        """Return the last trouble."""
        return self._detail

    async def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._for_ever(), name=f"scanner-{self.name}")

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _for_ever(self) -> None:
        wait = RETRY_S[0]
        while True:
            try:
                source = await self._open()
            except (OSError, TimeoutError) as err:
                self._go("absent", str(err) or "no answer")
                await asyncio.sleep(wait)
                wait = min(RETRY_S[1], wait * 2)
                continue
            wait = RETRY_S[0]
            self._go("ok", "")
            try:
                await self._listen(source)
            except OSError as err:
                self._go("absent", str(err))
            finally:
                source.close()

    def _go(self, state: State, detail: str) -> None:
        if state != self._state:
            (log.warning if state == "absent" else log.info)("scanner %s is %s: %s", self.name, state, detail)
        changed = state != self._state
        self._state, self._detail = state, detail
        if changed:
            self._bus.publish(DeviceState(device=f"scanner:{self.name}", state=state, detail=detail))

    async def _open(self) -> _Source:
        parts = urlsplit(self.url)
        if parts.scheme == "socket":
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            return _Socket(reader, writer)
        return _Serial(parts.path, int(parse_qs(parts.query).get("baud", ["9600"])[0]))

    async def _listen(self, source: _Source) -> None:
        framer, loop = Framer(), asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(SILENCE_S if framer.open else None):
                    data = await source.read()
            except TimeoutError:
                codes = framer.end(loop.time())
            else:
                if not data:
                    raise OSError("the other end has gone")
                codes = framer.feed(data, loop.time())
            for code in codes:
                self._bus.publish(Scanned(text=code, scanner=self.name))


class _Source:
    """An open stream."""

    async def read(self) -> bytes:
        """Return some bytes; empty at the end."""
        return b""

    def close(self) -> None:
        """Close it."""


class _Socket(_Source):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        return await self._reader.read(256)

    def close(self) -> None:
        self._writer.close()


class _Serial(_Source):
    """A serial line through pyserial, read when the loop says that there is something."""

    def __init__(self, path: str, baud: int) -> None:
        import serial

        self._port: Any = serial.Serial(path, baud, timeout=0, exclusive=True)
        self._fd: int = self._port.fileno()
        os.set_blocking(self._fd, False)

    async def read(self) -> bytes:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._fd)
        data: bytes = self._port.read(256)
        return data

    def close(self) -> None:
        self._port.close()
