"""Printers and the logo, as staff fit a kiosk out with them: found, tried, written into kiosk.toml."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from kiosk.counter.notdone import NotDone
from kiosk.counter.slips import LOGO
from kiosk.printing.printers.port import Outcome
from kiosk.printing.templates import self_test_slip
from kiosk.web.reading import Reader
from kiosk.web.services import Services
from ui.marks import N_

TRIAL = "test"
NO_FILE = N_("This kiosk runs without a kiosk.toml; there is nothing to write into.")
OUTSIDE = N_(
    "A printer on the screen keeps its slips below the kiosk's own directory: write virtual://{dir}."
)
UNLED = N_(
    "That printer has an address that it gave itself (169.254…): switch on DHCP in its network, or give it an address."
)
NAME_S = 3.0
Values = dict[tuple[str, str], "str | tuple[str, ...] | None"]


async def find_printers(services: Services) -> list[str]:
    """Return the addresses of printers on the shop's network that are not set up yet."""
    from kiosk.web.staff import finder

    known = {p.url for p in services.settings.printers.values()}
    urls = [f"tcp://{host}:{finder.PORT}" for host in await finder.find()]
    return [u for u in urls if u not in known]


async def allow(services: Services, url: str) -> None:
    """Refuse an address that whoever sits at a page may not name: a directory elsewhere, a network's own services. NotDone.

    A person who may write kiosk.toml may: an address that is in use is asked no further.
    """
    if url in {p.url for p in services.settings.printers.values()}:
        return
    parts = urlsplit(url)
    if parts.scheme == "virtual":
        place = Path(f"{parts.netloc}{parts.path}")
        inside = place.is_absolute() and await asyncio.to_thread(_below, place, services.data_dir)
        if not inside:
            raise NotDone("bad_setting", OUTSIDE, dir=services.data_dir.absolute() / "slips")
    elif parts.scheme in ("tcp", "socket") and await _link_local(parts.hostname or ""):
        raise NotDone("bad_setting", UNLED)


def _below(place: Path, data_dir: Path) -> bool:
    """Tell whether a path, links followed, lies below the data directory."""
    return data_dir.resolve() in place.resolve().parents


async def _link_local(host: str) -> bool:
    """Tell whether a host is at an address of this cable alone (RFC 3927): cloud machines keep their secrets there."""
    try:
        async with asyncio.timeout(NAME_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (TimeoutError, OSError, UnicodeError):
        return False  # a name that nobody knows reaches nothing
    return any(ipaddress.ip_address(str(a[4][0]).partition("%")[0]).is_link_local for a in found)


async def try_printer(services: Services, url: str, profile: str) -> Outcome:
    """Print a test slip on a printer that may not be in use yet; PrinterError, ConfigError or NotDone for no address."""
    every = (*services.spooler.printers, *services.spooler.mirrors)
    used = next((p for p in every if p.url == url and p.profile.name == profile), None)
    printer = used or services.open_printer(TRIAL, url, profile)
    await allow(services, url)
    place = await services.place()
    slip = self_test_slip(TRIAL, services.clock.trusted().at, place.locale, printer.profile)
    if used is None:
        await printer.start()
    try:
        return await services.spooler.test(printer, slip)
    finally:
        if used is None:
            await printer.stop()


async def keep_printer(services: Services, name: str, url: str, profile: str) -> None:
    """Write a printer into kiosk.toml; one of that name is changed. PrinterError, ConfigError or NotDone say why not."""
    services.open_printer(name, url, profile)
    await allow(services, url)
    section = f"printers.{name}"
    await change(services, {(section, "url"): url, (section, "profile"): profile})


async def drop_printer(services: Services, name: str) -> None:
    """Take a printer out of kiosk.toml; ConfigError or NotDone say why not."""
    if name not in services.settings.printers:
        raise NotDone("unknown_printer", N_("There is no printer {name} any more."), name=name)
    await change(services, {}, (f"printers.{name}",))


async def change(services: Services, values: Values, gone: tuple[str, ...] = ()) -> None:
    """Change kiosk.toml, checked before it takes the old one's place."""
    from kiosk.web.staff import toml_edit

    if services.config is None:
        raise NotDone("no_config", NO_FILE)
    await asyncio.to_thread(toml_edit.change, services.config, values, gone)


def logo_of(services: Services) -> Path:
    """Return where the logo is kept."""
    return services.data_dir / "logos" / f"{LOGO}.png"


async def keep_logo(services: Services, reader: Reader, picture: bytes) -> str:
    """Take a picture as the logo: on slips at once, on the counter page from the next start. Return what is wrong with it."""
    made = await reader.logo(picture)
    if made.problem:
        return made.problem
    path = logo_of(services)
    fresh = path.with_suffix(".new")
    await asyncio.to_thread(_store, fresh, base64.b64decode(made.png))
    try:  # the file first: where it cannot be changed, the logo of before stays
        if services.config is not None:
            await change(services, {("screen", "logo"): str(path)})
        await asyncio.to_thread(os.replace, fresh, path)
    finally:
        await asyncio.to_thread(fresh.unlink, missing_ok=True)
    return ""


def _store(fresh: Path, png: bytes) -> None:
    fresh.parent.mkdir(mode=0o700, exist_ok=True)
    with fresh.open("wb") as f:
        f.write(png)
        f.flush()
        os.fsync(f.fileno())


async def drop_logo(services: Services) -> bool:
    """Take the logo away; False when there is none."""
    path = logo_of(services)
    if not await asyncio.to_thread(path.is_file):
        return False
    if services.config is not None:
        await change(services, {("screen", "logo"): ""})
    await asyncio.to_thread(path.unlink)
    return True
