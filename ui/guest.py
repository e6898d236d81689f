"""One connection as the doorkeeper sees it: it stands between the transport and aiohttp's protocol."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import StreamReader, web

if TYPE_CHECKING:
    from ui.doorkeeper import Doorkeeper, Rules

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Guest(asyncio.Protocol):
    """Passes on what comes, and keeps count of it."""

    def __init__(self, keeper: Doorkeeper, inner: web.RequestHandler, address: str) -> None:
        self.address = address
        self.entering: asyncio.Task[None] | None = None
        self.keeper, self._inner = keeper, inner
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._content: StreamReader | None = None
        self._begun = self._heard = 0.0
        self._bytes = 0
        self._late = False

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and tell the doorkeeper."""
        self._transport = None
        self.keeper.leave(self)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass data on; the first byte after a rest begins a header."""
        rest_of_body = self._content is not None and not self._content.is_eof()
        if rest_of_body:
            self._bytes += len(data)
            self._heard = self._loop.time()
        elif self.keeper.is_resting(self):
            self.keeper.expect(self)
        self._inner.data_received(data)

    def eof_received(self) -> None:
        """Pass on that no more will come."""
        self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass on that the other side reads too slowly."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the other side has caught up."""
        self._inner.resume_writing()

    # From the doorkeeper.

    def entered(self, caller: socket.socket) -> None:
        """End a connection whose handshake came to nothing."""
        if self._transport is None:
            caller.close()
            self.keeper.leave(self)

    def drop(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        elif self.entering is not None:
            self.entering.cancel()

    def owes_nothing(self, now: float, rules: Rules) -> bool:
        """Say whether the body need not be watched any more: it is whole, or it was given up."""
        if self._content is None or self._content.is_eof() or self._transport is None:
            return True
        if not self._transport.is_reading():  # it is we who make it wait
            self._heard = now
            return False
        if now - self._heard < rules.stall and now - self._begun < rules.body + self._bytes / rules.rate:
            return False
        self._late = True
        self._content.set_exception(web.HTTPRequestTimeout())
        return True

    # From aiohttp: a header is complete.

    async def answer(self, request: web.BaseRequest, handle: Answer) -> web.StreamResponse:
        """Have a request answered, and watch its body meanwhile."""
        self._content = request.content
        self._begun = self._heard = self._loop.time()
        self._bytes, self._late = 0, False
        self.keeper.serve(self, body=not request.content.is_eof())
        try:
            answer = await handle(request)
            await self._part(request, answer)
        except web.HTTPException as err:
            await self._part(request, err)
            raise
        finally:
            self.keeper.rest(self)
        return answer

    async def _part(self, request: web.BaseRequest, answer: web.StreamResponse) -> None:
        """Send the answer to a body given up and close: what is missing of it must not be awaited."""
        if not self._late:
            return
        answer.force_close()
        await answer.prepare(request)
        await answer.write_eof()
        self._inner.force_close()
