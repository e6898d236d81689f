"""Who may hold a connection to a server of ours, and for how long a request may take to arrive.

aiohttp bounds neither: connections that say nothing would take every descriptor, and accept() would fail without end.
The doorkeeper accepts one connection at a time, so it knows the count before a descriptor too many is open, and it
watches what a connection has yet to send. What a server takes to answer is no affair of his: streams and held
requests last as long as they like.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import resource
import socket
import ssl
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from ui.guest import Guest

log = logging.getLogger(__name__)

RESERVE = 64
"""Descriptors that are never given to connections: the journal, printers, devices, calls to the cloud."""
LEAST = 8
"""Connections that are let in however few descriptors there are."""
KEEPALIVE_S = 150.0
"""Life of a connection between two requests; longer than proxies keep theirs (Caddy 120 s, nginx 60 s)."""
QUEUE = 512
"""Connections that the kernel holds until they are accepted."""
PAUSE_S = 0.2
"""Rest after accept() failed for want of descriptors or memory; it would fail again at once."""
TELL_S = 60.0
"""Time between two warnings."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How many may come in (`most`, and `each` for one address that is not this machine's), and the deadlines in seconds.

    `header`: from the connection, or the first byte of its next request, to the end of the header. `stall`: without a byte
    of a body. `body`: for a whole body, plus a second for each `rate` bytes that came: a slow line is no stranger.
    """

    most: int
    each: int | None = None
    header: float = 10.0
    stall: float = 15.0
    body: float = 60.0
    rate: int = 1024


def is_ours(record: logging.LogRecord) -> bool:
    """Say whether a failure that aiohttp logs is ours; what is no HTTP is answered 400, and a traceback each would fill the log."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def room(most: int) -> int:
    """Return how many connections the limit of open files leaves, at most `most`."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return most
    return min(most, max(LEAST, limit - len(os.listdir("/proc/self/fd")) - RESERVE))


def is_local(address: str) -> bool:
    """Say whether an address is this machine's own: the page at the counter, a proxy beside us."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a socket without an address
        return True
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback


def _close(sock: socket.socket, _: asyncio.Task[None]) -> None:
    sock.close()


class Doorkeeper(web.BaseSite):
    """A listening address of a runner, with a guard; takes the place of web.TCPSite."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        rules: Rules,
        *,
        ssl_context: ssl.SSLContext | None = None,
        reuse_port: bool | None = None,
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context)
        self.rules = rules
        self.most = rules.most
        self._where, self._shared = (host, port), reuse_port
        self._loop = asyncio.get_running_loop()
        self._accepting: list[asyncio.Task[None]] = []
        self._entering: set[asyncio.Task[None]] = set()
        self._guests: dict[Guest, None] = {}
        self._from: Counter[str] = Counter()
        # In the order in which they came to wait, with the time since when: the first is the oldest.
        self._waiting: dict[Guest, float] = {}
        self._resting: dict[Guest, float] = {}
        self._bodies: dict[Guest, None] = {}
        self._look: asyncio.TimerHandle | None = None
        self._unsaid, self._said = 0, -TELL_S

    @property
    def name(self) -> str:
        """Return the address as a URL."""
        host, port = self._where
        return f"{'https' if self._ssl_context else 'http'}://{host}:{port}"

    async def start(self) -> None:
        """Listen; OSError and OverflowError say why not, and leave nothing behind."""
        await super().start()
        logging.getLogger("aiohttp.server").addFilter(is_ours)  # a second time changes nothing
        try:
            await self._listen()
        except (OSError, OverflowError):
            await self.stop()
            raise
        server = self._runner.server
        assert server is not None
        handle = server.request_handler

        async def received(request: web.BaseRequest) -> web.StreamResponse:
            guest = request.transport.get_protocol() if request.transport is not None else None
            if isinstance(guest, Guest) and guest.keeper is self:  # a runner may have several doors
                return await guest.answer(request, handle)
            return await handle(request)

        server.request_handler = received

    async def _listen(self) -> None:
        host, port = self._where
        # Bound but not listening: the loop would accept a hundred at a time, before anybody could count them.
        self._server = bound_to = await self._loop.create_server(
            asyncio.Protocol, host, port, reuse_port=self._shared, start_serving=False
        )
        self._where = host, bound_to.sockets[0].getsockname()[1]
        self.most = room(self.rules.most)
        for bound in bound_to.sockets:
            sock = bound.dup()
            sock.setblocking(False)
            try:
                sock.listen(QUEUE)
            except OSError:
                sock.close()
                raise
            task = self._loop.create_task(self._accept(sock), name="doorkeeper")
            task.add_done_callback(partial(_close, sock))
            self._accepting.append(task)

    async def stop(self) -> None:
        """Let nobody in any more; who is in stays until the runner ends."""
        tasks = [*self._accepting, *self._entering]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._look is not None:
            self._look.cancel()
        self._tell(time.monotonic())
        await super().stop()

    async def _accept(self, sock: socket.socket) -> None:
        while True:
            try:
                caller, peer = sock.accept()
            except (BlockingIOError, InterruptedError):
                await self._readable(sock)
                continue
            except OSError as err:
                if not isinstance(err, ConnectionError):
                    self._make_room()
                    self._cut(f"accept failed: {err.strerror}")
                    await asyncio.sleep(PAUSE_S)
                continue
            caller.setblocking(False)
            address = str(peer[0]) if peer else ""
            if self._full(address):
                caller.close()
                self._cut(
                    f"{len(self._guests)} of {self.most} are open, {self._from[address]} from {address}"
                )
            else:
                self._let_in(caller, address)
            await asyncio.sleep(0)  # a storm of callers must not keep the answers waiting

    async def _readable(self, sock: socket.socket) -> None:
        """Wait for a caller without taking him: loop.sock_accept() loses one that comes just as it is cancelled."""
        came = asyncio.Event()
        self._loop.add_reader(sock, came.set)
        try:
            await came.wait()
        finally:
            self._loop.remove_reader(sock)

    def _full(self, address: str) -> bool:
        """Say whether there is no place for one more from here; who waits longest with nothing to say makes room."""
        most = self.most
        if self.rules.each is not None and not is_local(address):
            if self._from[address] >= self.rules.each:
                return True
            most -= most // 4  # the page at the counter finds a place whatever the network does
        if len(self._guests) < most:
            return False
        if not self._make_room():
            return True
        self._cut(f"full at {self.most}, the oldest idle one made room")
        return False

    def _make_room(self) -> bool:
        """Drop the connection that has waited longest without a whole request; False when all are being answered."""
        heads = [next(iter(held.items())) for held in (self._waiting, self._resting) if held]
        if not heads:
            return False
        oldest = min(heads, key=lambda head: head[1])[0]
        oldest.drop()
        self.leave(oldest)
        return True

    def _let_in(self, caller: socket.socket, address: str) -> None:
        server = self._runner.server
        assert server is not None
        guest = Guest(self, server(), address)
        self._guests[guest] = None
        self._from[address] += 1
        self.expect(guest)
        guest.entering = task = self._loop.create_task(self._enter(caller, guest))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)
        task.add_done_callback(lambda _: guest.entered(caller))

    async def _enter(self, caller: socket.socket, guest: Guest) -> None:
        """Hand the socket to the loop; with TLS this lasts until both agree, and whether they do is the caller's affair."""
        patience = self.rules.header if self._ssl_context else None
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(
                lambda: guest, caller, ssl=self._ssl_context, ssl_handshake_timeout=patience
            )

    # What a guest tells.

    def expect(self, guest: Guest) -> None:
        """Await a header, from now on."""
        self._resting.pop(guest, None)
        if guest in self._guests:
            self._waiting[guest] = self._loop.time()
            self._watch()

    def rest(self, guest: Guest) -> None:
        """Know that a connection has been answered and asks for nothing."""
        self._bodies.pop(guest, None)
        if guest in self._guests:
            self._resting[guest] = self._loop.time()

    def serve(self, guest: Guest, *, body: bool) -> None:
        """Know that a request is under way; `body`: part of it has yet to come."""
        self._waiting.pop(guest, None)
        self._resting.pop(guest, None)
        if body and guest in self._guests:
            self._bodies[guest] = None
            self._watch()

    def leave(self, guest: Guest) -> None:
        """Forget a connection that has ended."""
        if guest not in self._guests:
            return
        for held in (self._guests, self._waiting, self._resting, self._bodies):
            held.pop(guest, None)
        self._from[guest.address] -= 1
        if not self._from[guest.address]:
            del self._from[guest.address]

    def is_resting(self, guest: Guest) -> bool:
        """Say whether a connection is between two requests."""
        return guest in self._resting

    # Deadlines: one timer for all, and none while nobody owes anything.

    def _watch(self) -> None:
        if self._look is None:
            rules = self.rules
            self._look = self._loop.call_later(min(rules.header, rules.stall, rules.body) / 10, self._judge)

    def _judge(self) -> None:
        self._look = None
        now = self._loop.time()
        while self._waiting:
            guest, since = next(iter(self._waiting.items()))
            if now - since < self.rules.header:
                break
            guest.drop()
            self.leave(guest)
        for guest in [guest for guest in self._bodies if guest.owes_nothing(now, self.rules)]:
            del self._bodies[guest]
        if self._waiting or self._bodies:
            self._watch()

    # Warnings.

    def _cut(self, why: str) -> None:
        self._unsaid += 1
        now = time.monotonic()
        if now - self._said >= TELL_S:
            self._tell(now, why)

    def _tell(self, now: float, why: str = "since the last such line") -> None:
        if self._unsaid:
            log.warning("%s: %d connections cut or turned away (%s)", self.name, self._unsaid, why)
            self._unsaid, self._said = 0, now
