"""Builds the parts from the configuration, starts them, stops them in reverse.

A constructor only reads settings; `start()` does I/O. The journal comes first: a kiosk that cannot write must not redeem.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from kiosk.boot import DaemonError, enrolment_token, later, make_dir, own_identity
from kiosk.clock import SystemClock
from kiosk.config import ConfigError, Settings, fallback
from kiosk.counter.authority import Alone, Authority
from kiosk.counter.backup import BackupError, put_back
from kiosk.counter.baskets import Baskets
from kiosk.counter.drawer import Drawers
from kiosk.counter.dress import dressed, unfit
from kiosk.counter.feedback import Feedback
from kiosk.counter.glass import Glass
from kiosk.counter.hand_out import HandOut, HandOutSettings
from kiosk.counter.notices import ConflictNotices
from kiosk.counter.opening import HoursError
from kiosk.counter.panels import Panels
from kiosk.counter.place import Places
from kiosk.counter.receipts import Receipts
from kiosk.counter.redeem import Redeemer
from kiosk.counter.rest import Rest
from kiosk.counter.screen_watch import ScreenWatch
from kiosk.counter.screen_watch import State as Proof
from kiosk.counter.show import Show, Status
from kiosk.counter.slips import Slips
from kiosk.counter.station import Station
from kiosk.events import Bus, HubLost, HubReached
from kiosk.fittings import Fittings
from kiosk.hardware.ports import HardwareError
from kiosk.hardware.speakers.local import quiet_hours
from kiosk.health.checks.printers import GOOD
from kiosk.health.gather import Gatherer, HubView, Told
from kiosk.health.summary import lines
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal
from kiosk.printing.printers.port import PrinterError
from kiosk.printing.spooler import Spooler
from kiosk.sync.authority import HubAuthority
from kiosk.sync.client import HubClient
from kiosk.sync.identity import Identity
from kiosk.sync.reach import Reach
from kiosk.sync.service import PoolSettings, Sync
from kiosk.tasks import Spawn, alone
from kiosk.toml import Loaded
from kiosk.web.door import Door
from kiosk.web.server import ListenError, Server
from kiosk.web.services import Services
from kiosk.web.workshop import Workshop

log = logging.getLogger(__name__)
STARTING_S = 5.0


class Daemon:
    """One kiosk."""

    def __init__(self, loaded: Loaded[Settings], path: Path | None) -> None:
        s = self.settings = loaded.value
        self._loaded, self._path = loaded, path
        self.data_dir = Path(s.data_dir)
        self.bus, self.clock = Bus(), SystemClock()
        self.journal = Journal(self.data_dir, self.clock, self.bus)
        self.fittings = Fittings(s, self.bus, self.data_dir)
        self.bench = self.fittings.bench
        self.baskets = Baskets(
            self.bus, self.fittings.tills, {name: c.scanner for name, c in s.tills.items()}
        )
        self.spooler = Spooler(
            self.journal,
            self.bus,
            self.fittings.mains,
            self.fittings.mirrors,
            pictures=self.data_dir / "logos",
            locale=s.locale,
            now=lambda: self.clock.trusted().at,
        )
        self.reach = Reach(self.bus, self.clock)
        self.identity: Identity | None = None
        self.glass: Glass | None = None
        self.watch: ScreenWatch | None = None
        self.sync: Sync | None = None
        self.server = Server(s.web, self.data_dir)
        self._warnings = (*loaded.warnings, *unfit(s.screen))
        self.told = Told(config_warnings=self._warnings, fallback_config=loaded.fallback)
        self._begun = self.clock.mono()
        self._stack: AsyncExitStack | None = None
        self.dress = dressed(s.screen, s.shop)
        self.rest = Rest(self.bus, self.fittings.pins.presence, s.screen.nobody, s.screen.nobody_after_s)
        self.drawers = Drawers(
            self.bus, self.journal, self.fittings.pins.drawer, self.fittings.tills, self.baskets
        )
        self.restart: Callable[[], None] | None = None
        """Asks whoever runs this daemon to begin anew; `serve` puts its own here."""
        self.spawn: Spawn = alone
        """Where long tasks are begun; `serve` puts its group here."""

    # -- start and stop --

    async def start(self) -> None:
        """Start every part; what was started is stopped again when one of them fails."""
        async with AsyncExitStack() as stack:
            try:
                await self._start(stack)
            except (JournalError, BackupError) as err:
                raise DaemonError(str(err)) from err
            except ListenError as err:
                raise DaemonError(str(err)) from err
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Stop every part, the last started first."""
        if self._stack is not None:
            await self._stack.aclose()
            self._stack = None

    async def _start(self, stack: AsyncExitStack) -> None:
        make_dir(self.data_dir)
        await asyncio.to_thread(put_back, self.data_dir)
        recovery = await self.journal.start()
        later(stack, self.journal.stop, "journal")
        await self._note(recovery.unclean, recovery.told)
        self.identity = own_identity(self.data_dir)
        place = Places(self.journal, self.bus, lambda: self.device, self.settings.locale)
        authority = self._connect()
        for device in self.fittings.devices:
            await device.start()
            later(stack, device.stop, f"{device.kind} {device.name}")
        await self.fittings.hot_plug.start()
        later(stack, self.fittings.hot_plug.stop, "hot-plug")
        await self.spooler.start()
        later(stack, self.spooler.stop, "printers")
        services = self._serve(place, authority)
        await services.door.settle()
        feedback = Feedback(
            self.bus,
            self.fittings.pins.lights,
            self.fittings.pins.buzzer,
            self.fittings.speakers,
            quiet=quiet_hours(self.settings.sound),
        )
        stack.callback(feedback.stop)
        await services.gatherer.start(self.spawn)
        later(stack, services.gatherer.stop, "health")
        await services.show.start(self.spawn)
        later(stack, services.show.stop, "counter page")
        await services.watch.start(self.spawn)
        later(stack, services.watch.stop, "screen watch")
        panels = Panels(services.show, self.fittings.displays)
        await panels.start(self.spawn)
        later(stack, panels.stop, "displays")
        self.rest.start()
        stack.callback(self.rest.stop)
        self.baskets.start()
        stack.callback(self.baskets.stop)
        self.drawers.start(self.spawn)
        later(stack, self.drawers.stop, "drawer")
        await self._attend(stack, services, place)
        later(stack, services.workshop.stop, "posters")
        later(stack, self.server.stop, "pages")
        await self.server.start(services, self.spawn)
        if self.sync is not None:
            await self.sync.start()
            later(stack, self.sync.stop, "sync")

    async def _attend(self, stack: AsyncExitStack, services: Services, place: Places) -> None:
        """Begin to hear scanners and buttons, and to print what follows by itself."""
        station = Station(
            self.bus,
            services.redeemer,
            services.hand_out,
            list(self.settings.scanners),
            lambda: self._held(services),
            self.baskets,
        )
        await station.start(self.spawn)
        later(stack, station.stop, "counter")
        if self.settings.slips.receipt:
            receipts = Receipts(services.slips, self.bus)
            await receipts.start(self.spawn)
            later(stack, receipts.stop, "receipts")
        if self.settings.slips.conflict:
            notices = ConflictNotices(self.journal, self.spooler, self.bus, self.clock, place)
            await notices.start(self.spawn)
            later(stack, notices.stop, "conflict notices")

    async def _note(self, unclean: bool, told: str) -> None:
        """Count ends that were not clean, keep what was mended, and take the last known time as a lower bound."""
        count = int(await self.journal.get("unclean_boots") or 0)
        if unclean:
            count += 1
            await self.journal.put("unclean_boots", str(count))
        keys = self.settings.feie.user or self.settings.yilianyun.client_id or self.settings.clouds
        self.told = Told(
            config_warnings=self._warnings,
            fallback_config=self._loaded.fallback,
            account_keys_here=bool(keys),
            unclean_boots=count,
            recovered=told,
        )
        if (kept := await self.journal.get("time")) is not None:
            from datetime import UTC, datetime

            self.clock.raise_floor(datetime.fromtimestamp(float(kept), UTC))

    def _connect(self) -> Authority:
        """Build what talks to the hub, where one is configured."""
        hub, hand_out = self.settings.hub, self.settings.hand_out
        assert self.identity is not None
        if not hub.url:
            return Alone()
        self.bus.on(HubLost, lambda lost: log.warning("the hub at %s is away: %s", hub.url, lost.why))
        self.bus.on(HubReached, lambda _: log.info("the hub at %s answers", hub.url))
        client = HubClient(hub.url, self.identity, self.clock)
        self.sync = Sync(
            client,
            self.reach,
            self.journal,
            self.bus,
            self.clock,
            name=hub.name,
            token=enrolment_token(hub.token_file),
            pool=PoolSettings(hand_out.pool, hand_out.refill_at, hand_out.stock_id),
        )
        if self.fittings.via is not None:
            self.fittings.via.attach(client)
        return HubAuthority(client, self.reach)

    def _serve(self, place: Places, authority: Authority) -> Services:
        """Build the counter and what its pages work with."""
        s, journal, bus, clock = self.settings, self.journal, self.bus, self.clock
        slips = Slips(journal, self.spooler, clock, place, self.data_dir / "logos")
        hand_out = HandOut(journal, bus, clock, self._limits, place, slips.coupon)
        glass = self.glass = Glass(clock, lambda: show.view.get("qr"))
        gatherer = self._gatherer()

        async def status() -> Status:
            return await self._status(gatherer, hand_out)

        show = Show(journal, bus, clock, place, status, self.dress, lambda: self.rest.state)
        watch = self.watch = ScreenWatch(
            glass,
            journal,
            clock,
            open_now=lambda: bool(show.view.get("open")),
            link=lambda: str(show.view.get("link", "")),
            reload=show.reload,
            repaint=show.repaint,
        )
        door = Door(journal, clock, self.data_dir, s.web.pin, s.web.hosts)
        door.start()
        return Services(
            settings=s,
            config=self._path,
            version=version("coupon-kiosk"),
            device=self.device,
            data_dir=self.data_dir,
            journal=journal,
            bus=bus,
            clock=clock,
            place=place,
            show=show,
            dress=self.dress,
            glass=glass,
            watch=watch,
            redeemer=Redeemer(journal, authority, bus, clock, place, self.reach.since_sync_s),
            hand_out=hand_out,
            baskets=self.baskets,
            spooler=self.spooler,
            slips=slips,
            gatherer=gatherer,
            devices=self._devices,
            bench=self.fittings.bench,
            door=door,
            workshop=Workshop(),
            pairing=self._pairing,
            open_printer=self.fittings.printer,
            restart=self._restart,
        )

    def _gatherer(self) -> Gatherer:
        """Build what knows how the kiosk is."""

        def page_proof() -> Proof:
            assert self.watch is not None
            return self.watch.state()

        return Gatherer(
            self.journal,
            self.bus,
            self.clock,
            data_dir=self.data_dir,
            printers=self.fittings.mains,
            mirrors=self.fittings.mirrors,
            devices=self.fittings.devices,
            hub=self._hub,
            page_proof=page_proof,
            told=lambda: msgspec.structs.replace(self.told, not_open=self.server.not_open),
        )

    # -- what the parts ask --

    def _restart(self) -> bool:
        """Ask whoever runs this daemon to begin anew; False where nobody would."""
        if self.restart is None:
            return False
        self.restart()
        return True

    @property
    def _limits(self) -> HandOutSettings:
        set_to = self.settings.hand_out
        return HandOutSettings(set_to.cooldown_s, set_to.hourly, set_to.daily, set_to.stock_id)

    @property
    def device(self) -> str:
        """Return the identity of this kiosk."""
        return self.identity.device if self.identity else ""

    def _hub(self) -> HubView:
        if self.sync is None:
            return HubView()
        reach = self.reach
        return HubView(self.settings.hub.url, self.sync.state, reach.away, reach.ever, reach.since_sync_s())

    async def _status(self, gatherer: Gatherer, hand_out: HandOut) -> Status:
        """Say how things are, for the counter page."""
        hub = "none" if self.sync is None else "offline" if self.reach.away else "ok"
        if self.sync is not None and self.sync.state in ("pending", "revoked"):
            hub = self.sync.state
        elif hub == "offline" and not self.reach.ever and self.clock.mono() - self._begun < STARTING_S:
            hub = "starting"
        mains = [p for p in gatherer.printers() if not p.mirror]
        printer = "ok" if any(p.state in GOOD or p.state == "starting" for p in mains) else "no"
        clock = "ok" if self.clock.trusted().certain else "uncertain"
        ready = printer == "ok" and await hand_out.ready()
        return Status(hub, printer, clock, ready, self.sync.code if self.sync else None)

    def _pairing(self) -> str:
        """Return the code that an operator lets this kiosk in by; empty when it is in, or has no hub."""
        waits = self.sync is not None and self.sync.state == "pending"
        return (self.sync.code or "") if waits and self.sync is not None else ""

    async def _held(self, services: Services) -> None:
        """Serve a long press: print the code of a kiosk that waits to be let in, else how it is, for who mends it."""
        if code := self._pairing():
            await services.slips.enrolment(code, self.settings.hub.url)
            return
        facts = await services.gatherer.facts()
        place = await services.place()
        await services.slips.status(
            lines(facts, self.server.url, self.device, services.version, place.locale)
        )

    async def _devices(self) -> list[dict[str, Any]]:
        return self.fittings.rows()


def build(loaded: Loaded[Settings], path: Path | None) -> Daemon:
    """Build the daemon; a configuration whose devices make no sense gives way to the last one that worked."""
    try:
        return Daemon(loaded, path)
    except (HardwareError, PrinterError, ConfigError, HoursError) as err:
        told = f"{path or 'the configuration'}: {err}"
        good = None if loaded.fallback else fallback(path, told)
        if good is None:
            raise DaemonError(told, usage=True) from err
    return Daemon(good, path)
