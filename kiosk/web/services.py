"""What the pages and the local API work with; handed in by the daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from kiosk.clock import Clock
from kiosk.config import Settings
from kiosk.counter.baskets import Baskets
from kiosk.counter.dress import Dress
from kiosk.counter.glass import Glass
from kiosk.counter.hand_out import HandOut
from kiosk.counter.redeem import Place, Redeemer
from kiosk.counter.screen_watch import ScreenWatch
from kiosk.counter.show import Show
from kiosk.counter.slips import Slips
from kiosk.events import Bus
from kiosk.hardware.sim import SimBench
from kiosk.health.gather import Gatherer
from kiosk.journal.store import Journal
from kiosk.printing.printers.port import Printer
from kiosk.printing.spooler import Spooler
from kiosk.web.door import Door
from kiosk.web.workshop import Workshop
from ui.page import Pages


@dataclass(frozen=True, kw_only=True)
class Services:
    """The rooms below, as far as people and scripts may reach them."""

    settings: Settings
    config: Path | None
    """The file that the settings came from; None: there was none."""
    version: str
    device: str
    data_dir: Path
    journal: Journal
    bus: Bus
    clock: Clock
    place: Callable[[], Awaitable[Place]]
    show: Show
    dress: Dress
    glass: Glass
    watch: ScreenWatch
    redeemer: Redeemer
    hand_out: HandOut
    baskets: Baskets
    spooler: Spooler
    slips: Slips
    gatherer: Gatherer
    devices: Callable[[], Awaitable[list[dict[str, Any]]]]
    bench: SimBench
    door: Door
    workshop: Workshop
    pairing: Callable[[], str]
    """The code that an operator lets this kiosk in by; empty when it waits for nobody."""
    open_printer: Callable[[str, str, str], Printer]
    """Builds the printer of a name, an address and a profile, with the accounts and the hub of this kiosk; PrinterError."""
    restart: Callable[[], bool]
    """Asks for a new beginning with kiosk.toml as it is then; False where nobody would do it."""


SERVICES = web.AppKey("services", Services)
PAGES = web.AppKey("pages", Pages)
