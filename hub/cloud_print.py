"""Prints for kiosks on the fleet's cloud printers: accounts and token stay here (facts: cloud-printers 1.6).

A print is written down before it goes out and goes out once: the same `rid` again waits for, or gets, the first one's end. One
whose end was never written (the hub was killed) is *unknown*, never sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from aiohttp import web

from hub.config import Settings
from hub.device_api import STORE, answer, decode, signed
from hub.errors import HubError, Refused
from hub.parts import Parts, now
from hub.schema import prints
from kiosk.printing.printers.cloud_printer import CloudPrinter
from kiosk.printing.printers.clouds import MODULES, AccountError, account, driver
from kiosk.printing.printers.port import Outcome, Printer
from kiosk.printing.profiles import PROFILES
from kiosk.sync import protocol as p

log = logging.getLogger(__name__)
GRACE_S = 10.0
"""After its deadline a print whose end is not written counts as unknown."""
LOOK_S = 0.3
KEEP = timedelta(days=7)
"""A kiosk asks again within seconds; a fleet of ten thousand prints a million slips a day."""
STOP_S = 2.0


class CloudPrinters:
    """The printers of the accounts in hub.toml, opened when they are first used."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._open: dict[str, Printer] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def stop(self) -> None:
        """Let prints under way end, for a moment; what has not ended then is unknown."""
        tasks = list(self._under_way.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for printer in self._open.values():
            await printer.stop()
        self._open.clear()

    async def print(self, device: str, store: str, ask: p.PrintAsk) -> p.Printed:
        """Print once and return how it ended; Refused when the printer is another store's or has no account."""
        printer = self._of_store(ask.printer, store)
        until = now() + timedelta(seconds=ask.deadline_s + GRACE_S)
        database, tenant = self._parts.database, self._parts.tenant
        if await database.run(_claim, tenant, device, ask, now(), until):
            task = asyncio.create_task(self._do(printer, ask), name=f"cloud-print-{ask.rid}")
            self._under_way[ask.rid] = task
            task.add_done_callback(lambda _: self._under_way.pop(ask.rid, None))
        return await self._wait(ask.rid)

    async def ended(self, device: str, rid: str) -> p.Printed:
        """Return how a print of a device ended; one that never arrived has failed, and is refused when it still comes."""
        await self._parts.database.run(_bury, self._parts.tenant, device, rid, now())
        return await self._wait(rid)

    async def _wait(self, rid: str) -> p.Printed:
        if (task_here := self._under_way.get(rid)) is not None:
            await asyncio.wait([task_here])
        while True:
            row = await self._parts.database.run(_end_of, self._parts.tenant, rid, now())
            if row is not None:
                return p.Printed(rid, row.state, row.trouble, row.detail, row.sent, now())
            await asyncio.sleep(LOOK_S)

    async def status(self, store: str, url: str) -> p.PrinterState:
        """Ask how a printer of a store is."""
        told = await self._of_store(url, store).status()
        return p.PrinterState(told.state, told.detail, now())

    async def _do(self, printer: Printer, ask: p.PrintAsk) -> None:
        try:
            outcome = await printer.send(
                ask.content.encode(), rid=ask.rid, deadline_s=ask.deadline_s, copies=ask.copies
            )
        except Exception:
            log.exception("print %s on %s broke", ask.rid, ask.printer)
            outcome = Outcome("unknown", "io", "the hub broke off while it printed")
        try:
            await self._parts.database.run(_finish, self._parts.tenant, ask.rid, outcome)
        except HubError as err:
            log.warning("the end of print %s could not be written: %s", ask.rid, err)

    def told(self, scheme: str) -> None:
        """Have the orders under way at a cloud looked at, since it says that one was printed."""
        for url, printer in self._open.items():
            if url.startswith(f"{scheme}://") and isinstance(printer, CloudPrinter):
                printer.told()

    def _of_store(self, url: str, store: str) -> Printer:
        if not store or self._parts.settings.printers.get(url) != store:
            raise Refused(
                "not_yours",
                f"{url} is not a printer of this kiosk's store; add it to [printers] in hub.toml.",
                403,
            )
        if url not in self._open:
            self._open[url] = open_cloud_printer(url, self._parts.settings)
        return self._open[url]


def open_cloud_printer(url: str, settings: Settings) -> Printer:
    """Build a printer of the hub's own account; Refused `no_account` names the settings that lack."""
    scheme, _, number = url.partition("://")
    cloud = driver(scheme)
    if cloud is None:
        known = ", ".join(MODULES)
        raise Refused("no_account", f"the hub knows no cloud of printers {scheme}; there are {known}.", 409)
    try:
        own = account(cloud, settings, settings.secret_path.parent)
    except AccountError as err:
        raise Refused(
            "no_account", f"the hub has no account at {cloud.title}; it needs {err} in hub.toml.", 409
        ) from err
    return cloud.open(url, url, PROFILES["generic-58"], number, own)


# -- transactions --


def _claim(
    c: sa.Connection, tenant: str, device: str, ask: p.PrintAsk, at: datetime, until: datetime
) -> bool:
    """Write a print down before it goes out; False when it was written before. Refused when that was another one."""
    digest = hashlib.sha256(msgspec.json.encode((device, ask.printer, ask.content, ask.copies))).hexdigest()
    known = c.execute(
        sa.select(prints.c.digest).where(prints.c.tenant == tenant, prints.c.rid == ask.rid)
    ).scalar()
    if known is not None:
        if known != digest:
            raise Refused("rid_reused", "that id belongs to another print; use a fresh one.", 409)
        return False
    c.execute(prints.delete().where(prints.c.tenant == tenant, prints.c.at < at - KEEP))
    c.execute(
        prints.insert().values(
            tenant=tenant, rid=ask.rid, device=device, printer=ask.printer, digest=digest, state="sending", at=at, until=until
        )
    )  # fmt: skip
    return True


def _bury(c: sa.Connection, tenant: str, device: str, rid: str, at: datetime) -> None:
    """Take the name of a print that has not arrived, so that it never prints; Refused when it is another kiosk's."""
    known = c.execute(
        sa.select(prints.c.device).where(prints.c.tenant == tenant, prints.c.rid == rid)
    ).scalar()
    if known is None:
        c.execute(
            prints.insert().values(
                tenant=tenant, rid=rid, device=device, printer="", digest="", state="failed", trouble="",
                detail="the kiosk stopped before the hub had this slip", sent=0, at=at, until=at
            )
        )  # fmt: skip
    elif known != device:
        raise Refused("rid_reused", "that id belongs to another kiosk's print.", 409)


def _finish(c: sa.Connection, tenant: str, rid: str, outcome: Outcome) -> None:
    c.execute(
        prints.update()
        .where(prints.c.tenant == tenant, prints.c.rid == rid)
        .values(state=outcome.ended, trouble=outcome.trouble, detail=outcome.detail[:400], sent=outcome.sent)
    )


def _end_of(c: sa.Connection, tenant: str, rid: str, at: datetime) -> Any:
    """Return a print that has ended, one that has outlived its time as unknown; None while it goes on."""
    mine = sa.and_(prints.c.tenant == tenant, prints.c.rid == rid)
    c.execute(
        prints.update()
        .where(mine, prints.c.state == "sending", prints.c.until < at)
        .values(state="unknown", trouble="no_answer", detail="the hub was stopped while it printed")
    )
    row = c.execute(sa.select(prints).where(mine)).one()
    return None if row.state == "sending" else row


# -- HTTP --

CLOUD = web.AppKey("cloud_printers", CloudPrinters)


def add_routes(app: web.Application, parts: Parts) -> None:
    """Add the routes, and what they need for as long as the application lives."""
    app[CLOUD] = CloudPrinters(parts)
    app.router.add_post("/v1/device/slip", signed(_print))
    app.router.add_post("/v1/device/slip/end", signed(_ended))
    app.router.add_get("/v1/device/printer", signed(_state))
    for method in ("GET", "POST"):
        app.router.add_route(method, "/v1/clouds/{scheme}", _told)
    app.on_cleanup.append(_stop)


async def _stop(app: web.Application) -> None:
    await app[CLOUD].stop()


async def _told(request: web.Request) -> web.StreamResponse:
    """Take a cloud's call, or its probe, with the words that it wants.

    Anybody may call: Yilianyun's signature covers no field, and Feie's proves only what is asked for anyway. So nothing of it is
    read; the order is looked at. With several workers a call may reach another one, which knows of no order: then it is asked for
    in its turn.
    """
    cloud = driver(scheme := request.match_info["scheme"])
    if cloud is None or not cloud.can.calls_back:
        raise web.HTTPNotFound
    request.app[CLOUD].told(scheme)
    kind = "application/json" if cloud.thanks.startswith("{") else "text/plain"
    return web.Response(text=cloud.thanks, content_type=kind)


async def _print(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Print a slip."""
    del parts
    return answer(await request.app[CLOUD].print(device, request[STORE], decode(raw, p.PrintAsk)))


async def _ended(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Tell how a slip ended, or refuse it for ever."""
    del parts
    return answer(await request.app[CLOUD].ended(device, decode(raw, p.PrintEnd).rid))


async def _state(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Tell how a printer is."""
    del parts, device, raw
    return answer(await request.app[CLOUD].status(request[STORE], request.query.get("url", "")))
