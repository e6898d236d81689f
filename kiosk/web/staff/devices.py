"""Devices and health: each with a picture, its state in words and the one thing to do."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any

import msgspec
from aiohttp import web

from kiosk.health.checks.printers import GOOD
from kiosk.health.model import Finding, PrinterFact
from kiosk.health.overheard import DEVICES, heard
from kiosk.health.remedies import RISKS
from kiosk.health.summary import LIGHTS
from kiosk.web import own_stands
from kiosk.web.staff import phones, told
from kiosk.web.staff.frame import Visit, done, show
from ui.marks import N_
from ui.texts import Texts

KINDS = {
    "printer": N_("Slip printer"),
    "scanner": N_("Scanner"),
    "display": N_("Display"),
    "button": N_("Button"),
    "lights": N_("Lights"),
    "buzzer": N_("Buzzer"),
    "drawer": N_("Cash drawer"),
    "speaker": N_("Speaker"),
    "presence": N_("Presence sensor"),
    "power": N_("Power supply"),
    "serial": N_("Serial line"),
    "keyboard": N_("Keyboard"),
    "till": N_("Cash register"),
}
ICONS = {kind: kind for kind in KINDS} | {"printer": "printed", "scanner": "scan"}
"""A picture of our own for each kind."""
STATES: dict[str, tuple[str, str]] = {
    "ok": (N_("Ready"), ""),
    "near_end": (N_("Paper is running low"), N_("Have a new roll at hand.")),
    "out": (N_("Out of paper"), N_("Load a new roll, printed side up, and close the cover.")),
    "cover": (N_("The cover is open"), N_("Close the cover until it clicks.")),
    "offline": (N_("Offline"), N_("Switch it on and look at its network or cable.")),
    "error": (
        N_("Reports an error"),
        N_("Switch it off and on; if that does not help, print a test slip and look."),
    ),
    "cannot_ask": (N_("Ready; this model tells no more"), ""),
    "nobody_answered": (N_("Does not answer"), N_("Switch it on and look at its network or cable.")),
    "starting": (N_("Starting"), ""),
    "absent": (N_("Not plugged in"), N_("Plug it in; it is found by itself.")),
    "not configured": (N_("Found, not set up"), N_("Add this address to kiosk.toml:")),
    "not supported": (N_("Found, not supported yet"), N_("Use a model of the list in the manual.")),
}
UNTOLD = re.compile(r"[A-Za-z]{2,} +[a-z]{2,} +[a-z]{2,}")
"""A sentence in English."""
PROMPTS = {"absent", "error", "out", "cover", "offline", "nobody_answered"}

AGAIN = (N_("Check again"), "/staff/examine")
BUTTONS = {
    "prints": (N_("Go to the slips"), "/staff/records#decide"),
    "printers": (N_("Look again"), "/staff/look-again"),
    "devices": (N_("Look again"), "/staff/look-again"),
    "page": (N_("Load the counter page anew"), "/staff/reload-page"),
    "config": (N_("Go to the settings"), "/staff/settings"),
    "keys": (N_("Go to the settings"), "/staff/settings"),
    "network": (N_("Go to the settings"), "/staff/settings"),
    "disk": (N_("Remove made PDFs"), "/staff/sweep"),
}
NOTES = (
    N_("serial line of the board"),
    N_("keyboard"),
    N_("USB printer"),
    N_(
        "the system's own console is on this line; free it first (raspi-config, Interface Options, Serial Port)"
    ),
    N_("a serial line of the board; kiosk.toml says what hangs on it"),
    N_("types like a keyboard; if it is a scanner, it reads through this address"),
    N_("a printer that the table does not know yet"),
    N_("a serial bridge; kiosk.toml says what hangs on it"),
    N_("scan the code for 'USB serial' (virtual COM) in its manual"),
    N_("not supported yet"),
)
"""Sentences of `kiosk.hardware.discovery` and its table, and their Chinese."""
PLACES = ("/staff/settings", "/staff/records#decide")
"""What a button leads to; the others are asked for."""


class Named(msgspec.Struct, frozen=True):
    """POST /staff/test-printer."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


async def devices_page(visiting: Visit) -> web.StreamResponse:
    """Show the devices, what the doctor found and the four lights."""
    services, t = visiting.services, visiting.t
    findings, lights = await services.gatherer.examine()
    rows = [_printer(p, services.settings.printers, t) for p in services.gatherer.printers()]
    rows += [
        _device(d, t)
        for d in await services.devices()
        if d["kind"] != "printer" or "configured" in d["state"]
    ]
    return await show(
        visiting,
        "staff_devices.html.jinja",
        "devices",
        devices=[d for d in rows if not d["found"]],
        found=[d for d in rows if d["found"]],
        findings=[_finding(f, visiting) for f in findings],
        lights=[{**light.as_json(t.locale), "title": t(LIGHTS[n])} for n, light in lights.items()],
        held=services.spooler.paused,
        printers=bool(services.settings.printers),
        pairing=bool(services.pairing()),
        phones=await phones.listed(visiting),
        people=await phones.people_for(visiting),
    )


def _printer(p: PrinterFact, names: Collection[str], t: Texts) -> dict[str, Any]:
    good = p.state in GOOD or p.state == "starting"
    shown = _shown("printer", p.name, p.state, p.detail, p.url, t)
    return {**shown, "good": good, "test": True, "editable": p.name in names}


def _device(d: dict[str, Any], t: Texts) -> dict[str, Any]:
    return {**_shown(d["kind"], d["name"], d["state"], d["detail"], d["url"], t), "test": False}


def _shown(kind: str, name: str, state: str, detail: str, url: str, t: Texts) -> dict[str, Any]:
    words, todo = STATES.get(state, STATES["error"])
    found = state in ("not configured", "not supported")
    return {
        "kind": t(KINDS[kind]) if kind in KINDS else t("Device"),
        "icon": ICONS.get(kind, "info"),
        "name": t(name) if found else name,
        "told": t(words),
        "todo": t(todo) if todo else "",
        "detail": _detail(detail, t) if state in PROMPTS or found else "",
        "url": url,
        "good": state in ("ok", "starting"),
        "found": found,
    }


def _detail(detail: str, t: Texts) -> str:
    """Return what a device says of itself in the words of the page; what is known in English alone is left to `kiosk devices`."""
    told_ = heard(detail, DEVICES).say(t.locale)
    if told_ == detail:
        told_ = ": ".join(map(t, detail.split(": ")))
    return "" if t.locale == "zh_CN" and UNTOLD.search(told_) else told_


def _finding(f: Finding, visiting: Visit) -> dict[str, Any]:
    t, risk = visiting.t, RISKS.get(f.name, "")
    return {
        **f.as_json(t.locale),
        "risk": t(risk) if risk and f.severity != "info" else "",
        "button": _button(f, visiting),
    }


def _button(f: Finding, visiting: Visit) -> dict[str, str]:
    """Return what can be done about a finding at once: a place to go, or a change to ask for."""
    t, services = visiting.t, visiting.services
    if f.name == "hub" and services.pairing():
        return {"title": t("Print the enrolment slip"), "post": "/staff/enrolment-slip"}
    if f.name == "journal" and f.severity == "warning":
        return {"title": t("Go to what waits"), "to": "/staff/records#decide"}
    if f.name in ("journal", "damage") and visiting.manages:
        return {"title": t("Download diagnostics (no secrets)"), "to": "/staff/diagnostics.zip"}
    title, address = BUTTONS.get(f.name, AGAIN)
    return {"title": t(title), "to" if address in PLACES else "post": address}


async def test_printer(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print a self-test slip on one printer."""
    ask, services, t = msgspec.json.decode(raw, type=Named), visiting.services, visiting.t
    ended = await services.slips.self_test(ask.name)
    if ended is None:
        return done(False, t("There is no printer {name} any more.", name=ask.name))
    await visiting.note("test", "")
    return done(ended.ended == "printed", f"{ask.name}: {t(told.JOBS[ended.ended])}")


async def status_slip(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print how the kiosk is: addresses, lights, version."""
    from kiosk.health.summary import lines

    services = visiting.services
    facts, place = await services.gatherer.facts(), await services.place()
    address = str(visiting.request.url.origin())
    job = await services.slips.status(lines(facts, address, services.device, services.version, place.locale))
    return done(job.state == "printed", told.job_state(job, visiting.t))


async def enrolment_slip(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print the code that lets this kiosk into its fleet, as long as it waits for that."""
    services, t = visiting.services, visiting.t
    if not (code := services.pairing()):
        return done(False, t("This kiosk does not wait to be let in."))
    job = await services.slips.enrolment(code, services.settings.hub.url)
    return done(job.state == "printed", told.job_state(job, t))


async def look_again(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Ask every printer now how it is."""
    await visiting.services.gatherer.ask_printers()
    bad = [p.name for p in visiting.services.gatherer.printers() if p.state not in GOOD]
    t = visiting.t
    return done(
        not bad, t("Still not ready: {names}.", names=", ".join(bad)) if bad else t("All printers are ready.")
    )


async def examine(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Look at everything again and say whether something is still wrong."""
    await visiting.services.gatherer.ask_printers()
    findings, _ = await visiting.services.gatherer.examine()
    t = visiting.t
    bad = [f for f in findings if f.severity in ("warning", "error")]
    return done(
        not bad,
        t("Still so: {what}", what=bad[0].as_json(t.locale)["sentence"]) if bad else t("Nothing is wrong."),
    )


async def sweep(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Remove made PDFs and pictures of stands; they can be made again."""
    removed = await own_stands.sweep(visiting.services)
    await visiting.note("sweep")
    return done(removed > 0, visiting.t("Files removed: {n}.", n=removed))


async def reload_page(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Tell the counter page to load itself anew."""
    visiting.services.show.reload()
    return done(True, visiting.t("The counter page loads itself anew."))
