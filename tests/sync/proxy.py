"""A proxy between kiosk and hub that does to requests what networks do to them."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field


@dataclass
class Fault:
    """What happens to one request. Nothing set: it goes through."""

    lose: bool = False
    """Neither the request nor an answer gets anywhere; the connection stays open."""
    cut_request: int | None = None
    """Bytes of the request that reach the hub before both connections end."""
    cut_answer: int | None = None
    """Bytes of the answer that reach the kiosk before its connection ends."""
    silent: bool = False
    """The hub gets it and answers; the kiosk never hears that."""
    twice: bool = False
    """The hub gets it twice; the kiosk hears the second answer."""
    later: bool = False
    """Kept until `deliver`; the kiosk hears nothing."""
    hold: asyncio.Event | None = None
    """The answer waits for this."""
    drip: bool = False
    """The answer comes byte by byte, and never whole."""
    canned: bytes | None = None
    """Somebody else answers in the hub's place."""


def answer(status: str, body: str, *head: str, kind: str = "text/html") -> Fault:
    """Return a fault that answers with a page of its own."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body.encode())}", *head]
    return Fault(canned=("\r\n".join(lines) + "\r\n\r\n" + body).encode())


PORTAL = answer("200 OK", "<html>Please sign in to the free WLAN</html>")
REDIRECT = answer("302 Found", "", "Location: http://10.0.0.1/login")
BAD_GATEWAY = answer("502 Bad Gateway", "<html>502 Bad Gateway</html>")
TOO_LARGE = answer("413 Request Entity Too Large", "<html>413</html>")


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    raw: bytes


@dataclass
class Proxy:
    """Listens where the kiosk thinks the hub is."""

    target: int
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    once: dict[str, deque[Fault]] = field(default_factory=dict)
    always: dict[str, Fault] = field(default_factory=dict)
    most: int | None = None
    """Bytes of a request above which it is answered 413, as nginx does."""
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._client, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse connections and end those there are."""
        if self._server is not None:
            self._server.close()
            tasks = [t for t in self._tasks if t is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    def next(self, path: str, *faults: Fault) -> None:
        """Let the next requests whose path begins so meet these faults, one each."""
        self.once.setdefault(path, deque()).extend(faults)

    def count(self, path: str) -> int:
        """Return how many requests have come whose path begins so."""
        return sum(s.path.startswith(path) for s in self.seen)

    async def deliver(self) -> list[bytes]:
        """Hand the requests that were kept to the hub now; return its answers."""
        kept, self.kept = self.kept, []
        return [await self._ask(raw) for raw in kept]

    def _fault(self, path: str) -> Fault:
        for begin, faults in self.once.items():
            if path.startswith(begin) and faults:
                return faults.popleft()
        return next((f for begin, f in self.always.items() if path.startswith(begin)), Fault())

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (raw := await _read(reader)) is not None:
                method, path = raw.split(b" ", 2)[:2]
                self.seen.append(Seen(method.decode(), path.decode(), raw))
                large = self.most is not None and len(raw) > self.most
                if not await self._serve(raw, TOO_LARGE if large else self._fault(path.decode()), writer):
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, raw: bytes, fault: Fault, writer: asyncio.StreamWriter) -> bool:
        """Treat one request; return whether the connection goes on."""
        if fault.lose:
            await asyncio.Event().wait()
        if fault.later:
            self.kept.append(raw)
            await asyncio.Event().wait()
        if fault.cut_request is not None:
            await self._ask(raw[: fault.cut_request], whole=False)
            return False
        if fault.canned is not None:
            writer.write(fault.canned)
            await writer.drain()
            return True
        told = await self._ask(raw)
        if fault.twice:
            told = await self._ask(raw)
        if fault.silent:
            await asyncio.Event().wait()
        if fault.hold is not None:
            await fault.hold.wait()
        if fault.drip:
            await _drip(told, writer)
        writer.write(told if fault.cut_answer is None else told[: fault.cut_answer])
        await writer.drain()
        return fault.cut_answer is None

    async def _ask(self, raw: bytes, *, whole: bool = True) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            writer.write(raw)
            await writer.drain()
            if not whole:
                writer.close()
                return b""
            return await _read(reader) or b""
        finally:
            writer.transport.abort()


async def _drip(told: bytes, writer: asyncio.StreamWriter) -> None:
    for n in range(len(told) - 1):
        writer.write(told[n : n + 1])
        await writer.drain()
        await asyncio.sleep(0.01)
    await asyncio.Event().wait()


async def _read(reader: asyncio.StreamReader) -> bytes | None:
    """Read one message of HTTP/1.1 with a Content-Length; None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)
