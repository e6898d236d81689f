"""The wizard for a printer: find it, print a test slip, look at the paper, keep it in kiosk.toml."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from kiosk.config import ConfigError
from kiosk.counter.notdone import NotDone
from kiosk.printing.printers.clouds import driver
from kiosk.printing.printers.port import Outcome, PrinterError
from kiosk.web import fit_out
from kiosk.web.local_api import answer
from kiosk.web.staff import told, toml_edit
from kiosk.web.staff.frame import Visit, done, show
from ui.marks import N_

PROFILES = {
    "generic-58": N_("58 mm paper"),
    "generic-80": N_("80 mm paper"),
    "graphic-safe": N_("58 mm paper, printed as a picture"),
}
"""The last one prints right whatever font a printer has, and takes longer."""
TROUBLES = {
    "not_present": N_(
        "No printer answers at that address. Look at power, cable and network, then try again."
    ),
    "permission": N_("The kiosk may not use that device; ask who looks after the kiosk."),
    "busy": N_("Something else is printing there; try again in a moment."),
    "blocked": N_("It takes nothing: load paper and close the cover, then try again."),
    "no_answer": N_("It took the slip and fell silent: look whether it came out."),
}
EXAMPLES = {
    "tcp": "tcp://192.168.1.50:9100",
    "socket": "socket://192.168.1.50:9100",
    "virtual": "virtual:///var/lib/kiosk/slips",
    "lp": "lp:///dev/usb/lp0",
    "serial": "serial:///dev/ttyUSB0?baud=9600",
    "usb": "usb://0416:5011",
}
"""What an address of each kind looks like."""
Name = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z][0-9a-z-]{0,19}$")]
Address = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9+]{2,20}://[!-~]{1,200}$")]
Paper = Literal["generic-58", "generic-80", "graphic-safe"]


class Try(msgspec.Struct, frozen=True):
    """POST /staff/printer-try."""

    url: Address
    profile: Paper


class Keep(msgspec.Struct, frozen=True):
    """POST /staff/printer."""

    name: Name
    url: Address
    profile: Paper


class Gone(msgspec.Struct, frozen=True):
    """POST /staff/printer-drop."""

    name: Name


async def printer_page(visiting: Visit) -> web.StreamResponse:
    """Lead through the set-up of a printer, or through a change of one (`?name=`)."""
    services, t = visiting.services, visiting.t
    old = services.settings.printers.get(visiting.request.query.get("name", ""))
    plugged = [
        (d["name"], d["url"])
        for d in await services.devices()
        if d["kind"] == "printer" and d["state"] == "not configured"
    ]
    return await show(
        visiting,
        "staff_printer.html.jinja",
        "devices",
        allowed=visiting.manages and services.config is not None,
        printer=visiting.request.query.get("name", "") if old else _free(list(services.settings.printers)),
        fixed=old is not None,
        url=old.url if old else "",
        profile=old.profile if old else "generic-58",
        plugged=[{"name": t(name), "url": url} for name, url in plugged],
        profiles=[{"id": i, "title": t(title)} for i, title in PROFILES.items()],
        via="hub+" if services.settings.hub.url else "",
    )


def _free(taken: list[str]) -> str:
    """Return a name for a new printer that no other one has."""
    names = ["counter", *(f"counter-{n}" for n in range(2, 100))]
    return next(n for n in names if n not in taken)


async def find(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Look for printers on the shop's network; those that are set up already are left out."""
    found, t = await fit_out.find_printers(visiting.services), visiting.t
    message = t("Found: {n}.", n=len(found)) if found else t("No other printer answers on this network.")
    return answer({"ok": bool(found), "message": message, "found": found})


async def attempt(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print a test slip on a printer that is not in use yet."""
    ask = msgspec.json.decode(raw, type=Try)
    try:
        ended = await fit_out.try_printer(visiting.services, ask.url, ask.profile)
    except (PrinterError, ConfigError) as err:
        return done(False, _cannot(err, ask.url, visiting))
    except NotDone as err:
        return done(False, err.say(visiting.t))
    await visiting.note("test")
    return done(ended.ended != "failed", _said(ended, visiting))


def _cannot(err: Exception, url: str, visiting: Visit) -> str:
    """Return why an address cannot be used, in the words of the page."""
    t, settings = visiting.t, visiting.services.settings
    account = {"feie": settings.feie.user, "yilianyun": settings.yilianyun.client_id}
    if account.get(url.partition("://")[0]) == "":
        return t("A cloud printer needs the shop's account in kiosk.toml first, in [feie] or [yilianyun].")
    scheme = url.partition("://")[0]
    if isinstance(err, ConfigError):
        return t("The account of that cloud cannot be read; look at its file in kiosk.toml.")
    if scheme in EXAMPLES:
        return t("That address cannot be used; write it like {example}.", example=EXAMPLES[scheme])
    if (cloud := driver(scheme.removeprefix("hub+"))) is None:
        return t("No printer has such an address; write one like {example}.", example=EXAMPLES["tcp"])
    if scheme != cloud.scheme and not settings.hub.url:
        return t("A printer through the cloud needs a hub in kiosk.toml first.")
    return t(
        "That address cannot be used; write {scheme}:// and the number on the printer's label.", scheme=scheme
    )


def _said(ended: Outcome, visiting: Visit) -> str:
    t = visiting.t
    if ended.ended == "printed":
        return t("Sent and printed. Look at the paper.")
    return t(TROUBLES.get(ended.trouble, told.JOBS[ended.ended]))


async def keep(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Write a printer into kiosk.toml; one of that name is changed."""
    ask = msgspec.json.decode(raw, type=Keep)
    try:
        visiting.services.open_printer(ask.name, ask.url, ask.profile)
    except (PrinterError, ConfigError) as err:
        return done(False, _cannot(err, ask.url, visiting))
    keeping = fit_out.keep_printer(visiting.services, ask.name, ask.url, ask.profile)
    return await write(
        visiting, keeping, "printer", visiting.t("Kept. It prints after a restart of the kiosk.")
    )


async def drop(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Take a printer out of kiosk.toml."""
    ask = msgspec.json.decode(raw, type=Gone)
    told_ = visiting.t("Removed. It prints until the kiosk restarts.")
    return await write(visiting, fit_out.drop_printer(visiting.services, ask.name), "printer_gone", told_)


async def write(visiting: Visit, change: Awaitable[object], act: str, message: str) -> web.StreamResponse:
    """Change kiosk.toml, checked before it takes the old one's place, and say that a restart is due."""
    try:
        await change
    except NotDone as err:
        return done(False, err.say(visiting.t))
    except ConfigError as err:
        return done(False, toml_edit.said(err, visiting.t))
    await visiting.note(act)
    return done(True, message, restart=True)
