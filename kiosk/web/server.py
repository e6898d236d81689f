"""The application on its sockets, from start to stop."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from aiohttp import web

from kiosk import here
from kiosk.config import TlsFiles
from kiosk.config import Web as WebSettings
from kiosk.tasks import Spawn, alone
from kiosk.web.app import make_app
from kiosk.web.services import Services
from kiosk.web.tls import beside, context, own_context, split, wants_tls
from ui.doorkeeper import KEEPALIVE_S, Doorkeeper, Rules

log = logging.getLogger(__name__)
STOP_S = 1.0
"""Time for requests under way at a stop; open streams end at once."""
RULES = Rules(most=200, each=64)
"""A page holds up to 6 connections (as browsers do), a till one; 64 is a shop behind one address."""
SHARED = Rules(most=100, each=64)
"""With two addresses the same number together."""
AGAIN_S = 15.0
"""Between tries of a second address: a shop's router gives this machine its own a minute or more after both were switched on."""


class ListenError(Exception):
    """The address cannot be listened on: one sentence."""


class Server:
    """Serves the pages."""

    def __init__(self, settings: WebSettings, data_dir: Path) -> None:
        self._settings, self._dir = settings, data_dir
        self._runner: web.AppRunner | None = None
        self.url = ""
        self.not_open = ""
        """The second address, while it cannot be listened on."""
        self._here = False
        self._again: asyncio.Task[None] | None = None

    async def start(self, services: Services, spawn: Spawn = alone) -> None:
        """Listen; ListenError says what stands in the way."""
        secure = self._context() if wants_tls(self._settings) else None
        self._runner = web.AppRunner(
            make_app(services),
            access_log=None,
            shutdown_timeout=STOP_S,
            keepalive_timeout=KEEPALIVE_S,
            auto_decompress=False,  # a packed body is refused by name, whatever is in it
        )
        await self._runner.setup()
        more = beside(self._settings)
        try:
            await self._open(self._settings.listen, secure, SHARED if more else RULES)
        except (OSError, OverflowError) as err:
            await self.stop()
            why = getattr(err, "strerror", None) or err
            raise ListenError(
                f"cannot listen on {self._settings.listen} ({why}); stop what uses it, or change web.listen in kiosk.toml."
            ) from err
        host, _ = split(self._settings.listen)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if secure else 'http'}://{shown}:{self._runner.addresses[0][1]}"
        if more and not await self._open_more(*more):
            self._again = spawn(self._try_again(*more), name="second-address")
        await self._open_here(self._runner)

    async def _open(self, listen: str, secure: ssl.SSLContext | None, rules: Rules) -> None:
        assert self._runner is not None
        await Doorkeeper(self._runner, *split(listen), rules, ssl_context=secure).start()

    async def _open_more(self, listen: str, with_tls: bool) -> bool:
        """Listen at the second address; the counter goes on without it, and the doctor says so."""
        try:
            await self._open(listen, self._context() if with_tls else None, SHARED)
        except (OSError, OverflowError, ListenError) as err:
            if not self.not_open:
                log.warning("%s: cannot be listened on (%s); it is tried again", listen, err)
            self.not_open = listen
            return False
        if self.not_open:
            log.info("%s: is listened on now", listen)
        self.not_open = ""
        return True

    async def _try_again(self, listen: str, with_tls: bool) -> None:
        while True:
            await asyncio.sleep(AGAIN_S)
            if await self._open_more(listen, with_tls):
                return

    async def _open_here(self, runner: web.AppRunner) -> None:
        """Listen on the machine's own socket too; without it commands take the way over loopback."""
        try:
            sock = await asyncio.to_thread(here.listen, self._dir)
        except OSError as err:
            log.warning(
                "%s: cannot be listened on (%s); commands use %s", here.place(self._dir), err, self.url
            )
            return
        await web.SockSite(runner, sock, backlog=here.BACKLOG).start()
        self._here = True

    def _context(self) -> ssl.SSLContext:
        given = self._settings.tls
        try:
            return context(given) if isinstance(given, TlsFiles) else own_context(self._dir)
        except (OSError, ssl.SSLError, ValueError, TypeError) as err:  # the last two: PEM that is none
            raise ListenError(
                f"the certificate cannot be used ({err}); correct web.tls in kiosk.toml."
            ) from err

    async def stop(self) -> None:
        """Listen no more and end what is open."""
        if self._again is not None:
            self._again.cancel()
            await asyncio.gather(self._again, return_exceptions=True)
            self._again = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._here:
            await asyncio.to_thread(here.remove, self._dir)
            self._here = False
