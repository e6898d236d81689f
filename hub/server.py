"""`kiosk-hub serve`: the application on a socket, from start to clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable

from aiohttp import web

from hub.app import make_app
from hub.config import Settings
from hub.errors import HubError
from hub.parts import Parts, now
from hub.store import feed
from hub.store.prune import Prune
from kiosk.notify import tell, watchdog
from ui.doorkeeper import KEEPALIVE_S, Doorkeeper, Rules

STOPS = (signal.SIGTERM, signal.SIGINT)
STOP_S = 3.0
"""Time for requests under way at a stop; held ones end at once by the bell."""
PRUNE_S = 600.0
"""How often old rows are looked for: nonces live for ten minutes."""
log = logging.getLogger(__name__)
RULES = Rules(most=8000)
"""Each kiosk holds one connection; no bound for one address, since a proxy stands in front."""


class Hub:
    """One hub process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.host, _, port = settings.listen.rpartition(":")
        self.port = int(port)
        self.parts: Parts | None = None
        self._runner: web.AppRunner | None = None
        self._pruning: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Return the address it listens on."""
        return f"http://{self.host}:{self.port}"

    async def start(self, *, shared: bool = False) -> None:
        """Open the database and listen; `shared` lets several processes listen on one port."""
        self.parts = Parts(self.settings)
        try:
            self.parts.open()
            if not shared:
                self.parts.database.call(feed.begin_run, self.parts.tenant)
            self._runner = web.AppRunner(
                make_app(self.parts), access_log=None, shutdown_timeout=STOP_S, keepalive_timeout=KEEPALIVE_S
            )
            await self._runner.setup()
            site = Doorkeeper(
                self._runner, self.host.strip("[]"), self.port, RULES, reuse_port=shared or None
            )
            try:
                await site.start()
            except OSError as err:
                raise HubError(
                    f"cannot listen on {self.settings.listen} ({err.strerror}); stop what uses it or change `listen`.",
                    4,
                ) from err
            self.port = self._runner.addresses[0][1]
            self._pruning = asyncio.create_task(prune_on(self.parts), name="prune")
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop listening, end held requests, close the database."""
        if self._pruning is not None:
            self._pruning.cancel()
            await asyncio.wait([self._pruning])
            self._pruning = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self.parts is not None:
            self.parts.close()
            self.parts = None


async def prune_on(parts: Parts, every_s: float = PRUNE_S) -> None:
    """Forget what is old as long as the hub serves; a database that does not work is tried again the next time."""
    prune = Prune(parts.database, parts.catalog)
    while True:
        await asyncio.sleep(every_s)
        try:
            gone = await prune.look(now())
        except HubError as err:
            log.warning("nothing old was forgotten: %s", err)
        else:
            log.info("forgotten: %d rows that can change nothing any more", gone)


def _nothing() -> None:
    """Do nothing."""


async def serve(settings: Settings, started: Callable[[], None] = _nothing, *, shared: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; `started` is called once it listens."""
    stop = asyncio.Event()
    for sig in STOPS:
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    hub = Hub(settings)
    await hub.start(shared=shared)
    started()
    # One write: several workers share the stream.
    sys.stdout.write(json.dumps({"hub": hub.url, "public_url": settings.public_url}) + "\n")
    sys.stdout.flush()
    tell(f"READY=1\nSTATUS=listening on {settings.listen}")
    fed = asyncio.create_task(watchdog(), name="watchdog")
    try:
        await stop.wait()
    finally:
        tell("STOPPING=1")
        fed.cancel()
        await hub.stop()


def serve_here(settings: Settings, started: Callable[[], None] = _nothing, *, shared: bool = False) -> None:
    """Serve as this whole process; HubError when it cannot begin."""

    async def served() -> None:
        await serve(settings, started, shared=shared)
        # A loop that closes has no place for a signal any more: whoever stops a service may ask a process twice.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)

    asyncio.run(served())


def serve_many(settings: Settings, workers: int, started: Callable[[], None] = _nothing) -> int:
    """Serve with several processes on one port; PostgreSQL only. A worker that dies ends the service, systemd restarts it."""
    if settings.database.startswith("sqlite"):
        raise HubError("several workers need PostgreSQL; set `database` or leave --workers at 1.")
    parts = Parts(settings)
    parts.open()
    parts.database.call(feed.begin_run, parts.tenant)
    parts.close()
    children: list[int] = []

    def stop(*_: object) -> None:
        for child in children:
            with contextlib.suppress(ProcessLookupError):  # it has ended and was waited for
                os.kill(child, signal.SIGTERM)

    for sig in STOPS:
        signal.signal(sig, stop)
    for n in range(workers):
        if (pid := os.fork()) == 0:
            os._exit(_worker(settings, _nothing if n else started))
        children.append(pid)
    _, status = os.wait()
    stop_quietly(children[:])
    return os.waitstatus_to_exitcode(status)


def _worker(settings: Settings, started: Callable[[], None]) -> int:
    """Serve in a process of several, and return its exit code."""
    for sig in STOPS:
        signal.signal(sig, signal.SIG_DFL)
    try:
        serve_here(settings, started, shared=True)
    except HubError as err:
        print(f"kiosk-hub: {err}", file=sys.stderr)
        return err.code
    return 0


def stop_quietly(children: list[int]) -> None:
    """Stop what is left of the workers and wait for them."""
    for child in children:
        try:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
        except (ProcessLookupError, ChildProcessError):
            print(f"worker {child} has ended", file=sys.stderr)
