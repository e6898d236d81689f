"""Opens pictures from outside in a process of its own that ends when idle: their decoders are native code."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from kiosk.web.read_worker import HEAD, SIZE

IDLE_S = 60.0
READ_S = 8.0
"""A frame takes 12 ms on a desktop, the start of the process 0.1 s; a small board under load is some twenty times slower."""
MOST = 4 * 1024 * 1024
"""Bytes of a picture; a page sends some 150 KiB."""


class Found(msgspec.Struct, frozen=True):
    """What became of a picture."""

    texts: tuple[str, ...] = ()
    """Of the codes, QR codes and the larger first."""
    png: str = ""
    """The picture as a logo, in base64."""
    problem: str = ""
    """`picture`: that is none; `large`, `small`: too many dots, too few; `late`: not read in time."""


class Reader:
    """Hands pictures to the process, one at a time."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def read(self, picture: bytes) -> Found:
        """Return the codes on a picture."""
        return await self._one_by_one(b"c", picture)

    async def logo(self, picture: bytes) -> Found:
        """Return a picture as a logo."""
        return await self._one_by_one(b"l", picture)

    async def _one_by_one(self, what: bytes, picture: bytes) -> Found:
        """Ask the process; one that hangs or dies is ended, and the next picture gets a new one."""
        async with self._one:
            self._keep()
            try:
                async with asyncio.timeout(READ_S):
                    return await self._ask(what, picture)
            except (TimeoutError, ConnectionError, EOFError, msgspec.DecodeError):
                await self._end()
                return Found(problem="late")
            except BaseException:
                await self._end()
                raise
            finally:
                self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._dismiss)

    async def _ask(self, what: bytes, picture: bytes) -> Found:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "kiosk.web.read_worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(HEAD.pack(what, len(picture)) + picture)
        await process.stdin.drain()
        # By length, not by line: a logo is larger than the longest line that asyncio reads (64 KiB).
        (size,) = SIZE.unpack(await process.stdout.readexactly(SIZE.size))
        return msgspec.json.decode(await process.stdout.readexactly(size), type=Found)

    @property
    def running(self) -> bool:
        """Tell whether there is a process."""
        return self._process is not None and self._process.returncode is None

    def _keep(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _dismiss(self) -> None:
        """Let the process end by itself: it has read the end of its input."""
        if self._process is not None and self._process.stdin is not None and not self._one.locked():
            self._process.stdin.close()
            self._process = None

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            # Its pipe is read to the end, since a full one that nobody reads would hold up the wait for ever.
            await process.communicate()

    async def stop(self) -> None:
        """End the process."""
        self._keep()
        await self._end()
