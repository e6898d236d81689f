"""Streams of bytes to devices: a serial line, a socket. Nothing here waits without the loop."""

from __future__ import annotations

import asyncio
import errno
import os
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from kiosk.hardware.address import Address

CONNECT_S = 3.0
DRAIN_S = 0.3
CHUNK = 512
GONE = "the other end has gone"


class Stream(Protocol):
    """An open stream."""

    async def read(self) -> bytes:
        """Return what came, at least one byte; OSError once the other end has gone."""

    async def write(self, data: bytes) -> None:
        """Hand over all bytes; waits while the other end takes none, so give it a deadline."""

    async def close(self) -> None:
        """Close it; what was not sent is dropped."""


async def open_stream(address: Address) -> Stream:
    """Open a serial line or a socket. Raises OSError, or TimeoutError where nobody answers within 3 s."""
    if address.scheme == "socket":
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(address.host, address.port)
        return SocketStream(reader, writer)
    return SerialStream(address.path, address.baud)


class SocketStream:
    """A TCP connection, such as to a serial-to-LAN adapter."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        """Return what came."""
        if data := await self._reader.read(CHUNK):
            return data
        raise OSError(errno.ENODEV, GONE)

    async def write(self, data: bytes) -> None:
        """Hand over all bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """Close it at once: a peer that takes nothing would hold a polite close for minutes."""
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()


class FdStream:
    """A file descriptor that does not block."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_blocking(fd, False)

    async def read(self) -> bytes:
        """Return what came."""
        loop = asyncio.get_running_loop()
        while True:
            await _ready(loop.add_reader, loop.remove_reader, self._fd)
            with suppress(BlockingIOError):
                if data := self._take():
                    return data
                raise OSError(errno.ENODEV, GONE)

    def _take(self) -> bytes:
        return os.read(self._fd, CHUNK)

    async def write(self, data: bytes) -> None:
        """Hand over all bytes; short writes are counted."""
        loop = asyncio.get_running_loop()
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                await _ready(loop.add_writer, loop.remove_writer, self._fd)

    async def close(self) -> None:
        """Close it."""
        os.close(self._fd)


class SerialStream(FdStream):
    """A serial line through pyserial, 8N1, locked against other programs."""

    def __init__(self, path: str, baud: int) -> None:
        import serial

        try:
            self._port: Any = serial.Serial(path, baud, timeout=0, exclusive=True)
        except termios.error as err:  # pyserial lets it through when the device goes while it is being opened
            raise OSError(*err.args) from err
        super().__init__(self._port.fileno())

    async def close(self) -> None:
        """Close it; bytes that nobody takes are dropped, or the kernel would wait up to 30 s for them."""
        with suppress(OSError, termios.error):
            await self._drain()
        self._port.close()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + DRAIN_S
        while self._port.out_waiting:
            if loop.time() > until:
                self._port.reset_output_buffer()
                return
            await asyncio.sleep(0.01)


async def _ready(
    add: Callable[[int, Callable[[], None]], None], remove: Callable[[int], bool], fd: int
) -> None:
    event = asyncio.Event()
    add(fd, event.set)
    try:
        await event.wait()
    finally:
        remove(fd)
