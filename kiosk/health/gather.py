"""Gathers the facts that the checks look at. Printers are asked once in a while, never by whoever looks at the lights."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from kiosk.clock import Clock
from kiosk.coupons.machine import SHUT_OUT
from kiosk.events import Bus, DeviceState, PrintDone
from kiosk.hardware.ports import Device
from kiosk.health.checks import examine
from kiosk.health.lights import lights
from kiosk.health.model import Facts, Finding, Glass, Light, PrinterFact
from kiosk.journal.store import Journal
from kiosk.printing.printers.port import Printer, Status
from kiosk.tasks import Spawn, alone

log = logging.getLogger(__name__)
ASK_S = 30.0
"""Between two looks at the printers: a status costs a connection, and idle printers fall asleep."""
ANSWER_S = 10.0
"""Longer than any printer's own deadline."""


class HubView(msgspec.Struct, frozen=True):
    """What `sync` says of the hub."""

    url: str = ""
    enrolled: Literal["accepted", "pending", "revoked", "none"] = "none"
    away: bool = True
    ever: bool = False
    since_sync_s: float | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the daemon found of itself, at its start for the most part."""

    config_warnings: tuple[str, ...] = ()
    fallback_config: bool = False
    account_keys_here: bool = False
    unclean_boots: int = 0
    recovered: str = ""
    not_open: str = ""
    """An address at which the pages cannot be reached although kiosk.toml opens it."""


async def _ask(printer: Printer) -> Status:
    """Return a printer's state; one that breaks its promise to answer takes no other with it."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await printer.status()
    except TimeoutError:
        return Status("nobody_answered", f"no answer within {ANSWER_S:g} s")
    except Exception as err:
        log.exception("printer %s could not be asked", printer.name)
        return Status("error", f"{type(err).__name__}: {err}"[:200])


class Gatherer:
    """Keeps the state of printers and puts all facts together."""

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        clock: Clock,
        *,
        data_dir: Path,
        printers: Sequence[Printer],
        mirrors: Sequence[Printer],
        devices: Sequence[Device],
        hub: Callable[[], HubView],
        page_proof: Callable[[], Glass],
        told: Callable[[], Told],
    ) -> None:
        self._journal, self._bus, self._clock, self._dir = journal, bus, clock, data_dir
        self._mains, self._mirrors, self._devices = list(printers), list(mirrors), list(devices)
        self._hub, self._page_proof, self._told = hub, page_proof, told
        self._states: dict[str, Status] = {}
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._off: Callable[[], None] | None = None

    async def start(self, spawn: Spawn = alone) -> None:
        """Begin to ask the printers."""
        self._off = self._bus.on(
            PrintDone, lambda done: self._look.set() if done.outcome != "printed" else None
        )
        self._task = spawn(self._for_ever(), name="printer-states")

    async def stop(self) -> None:
        """Ask no more."""
        if self._off is not None:
            self._off()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _for_ever(self) -> None:
        while True:
            await self.ask_printers()
            try:
                async with asyncio.timeout(ASK_S):
                    await self._look.wait()
            except TimeoutError:
                continue
            self._look.clear()

    async def ask_printers(self) -> None:
        """Ask every printer now, side by side, and tell who watches what has changed."""
        printers = [*self._mains, *self._mirrors]
        for printer, status in zip(printers, await asyncio.gather(*map(_ask, printers)), strict=True):
            if self._states.get(printer.name) != status:
                self._states[printer.name] = status
                self._bus.publish(
                    DeviceState(device=f"printer:{printer.name}", state=status.state, detail=status.detail)
                )

    def printers(self) -> tuple[PrinterFact, ...]:
        """Return every printer as it was last seen; `starting` until it was asked."""
        mirrors = {p.name for p in self._mirrors}
        facts = []
        for p in (*self._mains, *self._mirrors):
            status = self._states.get(p.name)
            state, detail = (status.state, status.detail) if status else ("starting", "not asked yet")
            facts.append(PrinterFact(p.name, p.url, state, detail, p.name in mirrors))
        return tuple(facts)

    async def facts(self) -> Facts:
        """Return everything the checks look at."""
        journal, told, hub = self._journal, self._told(), self._hub()
        backlog = await journal.backlog()
        trusted = self._clock.trusted()
        disk = await asyncio.to_thread(shutil.disk_usage, self._dir)
        reachable: Literal["ok", "no", "unknown"] = "unknown" if not hub.url else "no" if hub.away else "ok"
        return Facts(
            now=trusted.at,
            hub_url=hub.url,
            enrolled=hub.enrolled,
            reachable=reachable,
            last_sync=self._last_sync(hub, trusted.at),
            backlog=backlog.count if hub.url else 0,
            oldest=backlog.oldest if hub.url else None,
            conflicts=await journal.conflicts(),
            clock_error_s=trusted.error_s,
            free_bytes=disk.free,
            free_share=disk.free / disk.total,
            unclean_boots=told.unclean_boots,
            recovered=told.recovered,
            set_aside=await asyncio.to_thread(journal.set_aside),
            printers=tuple(p for p in self.printers() if p.state != "starting"),
            devices_down=tuple(f"{d.kind} {d.name}" for d in self._devices if d.state in ("absent", "error")),
            unknown_prints=len(await journal.jobs(("unknown",))),
            pool_left=await self._pool_left(),
            config_warnings=told.config_warnings,
            fallback_config=told.fallback_config,
            account_keys_here=told.account_keys_here,
            not_open=told.not_open,
            shut_out=await journal.get("unreconciled") == SHUT_OUT,
            page_proof=self._page_proof(),
        )

    @staticmethod
    def _last_sync(hub: HubView, now: datetime) -> datetime | None:
        return None if hub.since_sync_s is None else now - timedelta(seconds=hub.since_sync_s)

    async def _pool_left(self) -> int | None:
        """Return the slips that are ready; None when no slip batch is running."""
        for batch in await self._journal.batches():
            if batch.product == "slip_coupon" and batch.status == "running":
                return await self._journal.pool_left(batch.stock_id)
        return None

    async def examine(self) -> tuple[tuple[Finding, ...], dict[str, Light]]:
        """Return findings and lights of the same moment."""
        facts = await self.facts()
        return examine(facts), lights(facts)
