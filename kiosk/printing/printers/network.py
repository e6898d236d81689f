"""tcp://host:9100: connects for each job, since idle printers drop connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from kiosk.printing.printers.port import trouble_of
from kiosk.printing.printers.stream import Link, OpenError, StreamPrinter
from kiosk.printing.profiles import Profile

CONNECT_S = 3.0


class _Tcp:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def write(self, data: bytes) -> int:
        self._writer.write(data)
        await self._writer.drain()
        return len(data)

    async def read(self) -> bytes:
        return await self._reader.read(64)


class NetworkPrinter(StreamPrinter):
    """A printer on the network."""

    def __init__(self, name: str, url: str, profile: Profile, host: str, port: int) -> None:
        super().__init__(name, url, profile)
        self._host, self._port = host, port

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Link]:
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(self._host, self._port)
        except TimeoutError:
            raise OpenError("not_present", f"{self._host}:{self._port} does not answer") from None
        except OSError as err:
            raise OpenError(trouble_of(err), f"{self._host}:{self._port}: {err.strerror or err}") from err
        try:
            yield _Tcp(reader, writer)
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()
