"""Server-sent events (HTML Living Standard, 9.2): the newest state, again and again, until either side leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

BEAT_S = 15.0
"""A comment line that often lets both sides notice a dead connection."""
AGAIN = b"retry: 1000\n\n"
"""A page that lost its stream is back after 1 s; browsers wait 3 s by themselves."""


class Streams:
    """The open streams of one application."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()


OPEN = web.AppKey("open_streams", Streams)


def add_streams(app: web.Application) -> None:
    """Let the application end its streams at once when it stops: aiohttp would wait for them."""
    app[OPEN] = Streams()
    app.on_shutdown.append(_end)


async def _end(app: web.Application) -> None:
    tasks = list(app[OPEN].tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def stream(request: web.Request, messages: AsyncIterator[bytes]) -> web.StreamResponse:
    """Send messages (each a whole `event:`/`data:` block without its blank line) until one side leaves."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    task = asyncio.create_task(_pump(response, messages), name="event-stream")
    request.app[OPEN].tasks.add(task)
    try:
        await task
    except ConnectionError:
        return response  # the page was closed
    except asyncio.CancelledError:
        if (current := asyncio.current_task()) is not None and current.cancelling():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
    finally:
        request.app[OPEN].tasks.discard(task)
    return response


async def _pump(response: web.StreamResponse, messages: AsyncIterator[bytes]) -> None:
    source = aiter(messages)
    waiting: asyncio.Task[bytes] | None = None
    try:
        await response.write(AGAIN)
        while True:
            waiting = waiting or asyncio.ensure_future(_next(source))
            done, _ = await asyncio.wait([waiting], timeout=BEAT_S)
            if not done:
                await response.write(b": beat\n\n")
                continue
            try:
                message = waiting.result()
            except _Ended:
                return
            waiting = None
            await response.write(message + b"\n\n")
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def _next(source: AsyncIterator[bytes]) -> bytes:
    try:
        return await anext(source)
    except StopAsyncIteration:
        raise _Ended from None


class _Ended(Exception):
    """The source has no more messages; a task cannot carry StopAsyncIteration."""
