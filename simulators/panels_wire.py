"""The far end of a wire: a pseudo-terminal (a serial line that can be unplugged) or a TCP port."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

CHUNK = 4096


class Wire(Protocol):
    """A wire with a simulator at its far end."""

    on_data: Callable[[bytes], None]
    deaf: bool
    """True while nothing is taken from the wire: what is sent piles up in it."""

    @property
    def address(self) -> str:
        """Return how the near end is opened, such as serial:///tmp/scanner or socket://127.0.0.1:4001."""

    async def plug(self) -> None:
        """Make the near end appear."""

    async def unplug(self) -> None:
        """Make it vanish, open or not."""

    def write(self, data: bytes) -> None:
        """Send to whoever has the near end open."""


class PtyWire:
    """A pseudo-terminal behind a link, as udev's /dev/serial/by-id: each plug is another /dev/pts number."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.on_data: Callable[[bytes], None] = lambda _: None
        self._deaf = False
        self._ends: tuple[int, int] | None = None

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
        if self._ends is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._ends[0])
            if not deaf:
                loop.add_reader(self._ends[0], self._readable, self._ends[0])

    async def plug(self) -> None:
        """Make the near end appear."""
        if self._ends is not None:
            return
        far, near = os.openpty()
        tty.setraw(near)
        os.set_blocking(far, False)
        self._ends = (
            far,
            near,
        )  # the near end is kept open, or the far one reads errors while nobody listens
        self.deaf = self._deaf
        fresh = self.link.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(near))
        fresh.replace(self.link)

    async def unplug(self) -> None:
        """Make it vanish."""
        if self._ends is None:
            return
        self.link.unlink(missing_ok=True)
        asyncio.get_running_loop().remove_reader(self._ends[0])
        for end in self._ends:
            os.close(end)
        self._ends = None

    def write(self, data: bytes) -> None:
        """Send; like a real line it loses what nobody takes."""
        if self._ends is not None:
            with suppress(BlockingIOError):
                os.write(self._ends[0], data)

    def _readable(self, far: int) -> None:
        with suppress(BlockingIOError, OSError):
            if data := os.read(far, CHUNK):
                self.on_data(data)


class TcpWire:
    """A TCP port, as serial-to-LAN adapters have."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.on_data: Callable[[bytes], None] = lambda _: None
        self._hears = asyncio.Event()
        self._hears.set()
        self._server: asyncio.Server | None = None
        self._links: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def address(self) -> str:
        """Return the address of the near end."""
        return f"socket://127.0.0.1:{self.port}"

    @property
    def deaf(self) -> bool:
        """Tell whether nothing is taken from the wire."""
        return not self._hears.is_set()

    @deaf.setter
    def deaf(self, deaf: bool) -> None:
        (self._hears.clear if deaf else self._hears.set)()

    @property
    def connected(self) -> int:
        """Return how many have the near end open."""
        return len(self._links)

    async def plug(self) -> None:
        """Listen."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Hang up and listen no more."""
        if self._server is None:
            return
        self._server.close()
        for task, writer in list(self._links.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def write(self, data: bytes) -> None:
        """Send to everyone connected."""
        for writer in self._links.values():
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links[task] = writer
        try:
            while True:
                await self._hears.wait()
                if not (data := await reader.read(CHUNK)):
                    return
                self.on_data(data)
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            del self._links[task]
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
