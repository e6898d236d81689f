"""How the kiosk is: lights, findings with their remedies, devices, settings, the bundle for support."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from kiosk.config import describe
from kiosk.health.model import Finding, Severity, State
from kiosk.health.remedies import RISKS, remedy
from kiosk.web.api.operation import Call, File, operation
from ui.texts import Texts


class Healthy(msgspec.Struct, frozen=True):
    """The daemon can do its work."""

    ok: bool
    version: str


class LightState(msgspec.Struct, frozen=True):
    """One of the four lights."""

    state: State
    detail: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Who this kiosk is and how it is."""

    name: str
    device: str
    store: str | None
    store_name: str | None
    version: str
    epoch: str
    page: str
    """What the counter page proves: `ok`, `wrong`, `stale` or `none`."""
    lights: dict[str, LightState]


class Remedy(msgspec.Struct, frozen=True):
    """What mends a finding: a request to this API."""

    method: str
    path: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of the doctor."""

    name: str
    severity: Severity
    sentence: str
    suggestion: str
    risk: str = ""
    """What does not work until then; empty: nothing."""
    remedy: Remedy | None = None


class Findings(msgspec.Struct, frozen=True):
    """What the doctor has found, the worst first."""

    findings: tuple[Found, ...]


class DeviceRow(msgspec.Struct, frozen=True):
    """A device: configured, or found and not configured."""

    kind: str
    name: str
    state: str
    url: str
    detail: str
    experimental: bool


class DeviceList(msgspec.Struct, frozen=True):
    """Devices."""

    devices: list[DeviceRow]


class Reloaded(msgspec.Struct, frozen=True):
    """The counter page was told to load itself anew."""

    reload: int
    """How often it was told so in this run."""


@operation("GET", "/healthz", None)
async def healthz(call: Call) -> Healthy:
    """Tell whether the daemon can do its work: its journal answers."""
    await call.services.journal.backlog()
    return Healthy(True, call.services.version)


@operation("GET", "status", "read")
async def status(call: Call) -> Status:
    """Give the lights."""
    services = call.services
    place = await services.place()
    _, lights = await services.gatherer.examine()
    return Status(
        name=services.settings.hub.name,
        device=services.device,
        store=place.store.id if place.store else None,
        store_name=place.store.name if place.store else None,
        version=services.version,
        epoch=services.journal.epoch,
        page=services.glass.state(),
        lights={n: LightState(li.state, li.detail.say(call.t.locale)) for n, li in lights.items()},
    )


@operation("GET", "doctor", "read")
async def doctor(call: Call) -> Findings:
    """Give the findings, each with what is at risk and the request that mends it, where there is one."""
    await call.services.gatherer.ask_printers()
    findings, _ = await call.services.gatherer.examine()
    return Findings(tuple(_found(f, call.t) for f in findings))


def _found(f: Finding, t: Texts) -> Found:
    risk, asks = RISKS.get(f.name, ""), remedy(f.name)
    return Found(
        name=f.name,
        severity=f.severity,
        sentence=f.what.say(t.locale),
        suggestion=f.todo.say(t.locale),
        risk=t(risk) if risk and f.severity != "info" else "",
        remedy=Remedy(*asks) if asks else None,
    )


@operation("GET", "devices", "read")
async def devices(call: Call) -> DeviceList:
    """List devices, configured and found."""
    return DeviceList(msgspec.convert(await call.services.devices(), list[DeviceRow]))


@operation("GET", "settings", "read")
async def settings(call: Call) -> dict[str, Any]:
    """Give the settings in use, without secrets."""
    return describe(call.services.settings)


@operation("POST", "counter/reload", "print", again="repeat")
async def reload_page(call: Call) -> Reloaded:
    """Tell the counter page to load itself anew."""
    call.services.show.reload()
    return Reloaded(call.services.show.view.get("reload", 0))


@operation("GET", "diagnostics", "manage", media=("application/zip",))
async def diagnostics(call: Call) -> File:
    """Give the diagnostics bundle: how the kiosk is, without secrets and without codes."""
    from kiosk.web.staff import diagnostics as bundle

    services = call.services
    parts = await bundle.gather(services)
    known = await asyncio.to_thread(bundle.secrets_of, services.settings, services.data_dir)
    made = await asyncio.to_thread(bundle.pack, parts, known)
    await call.note("diagnostics")
    return File(made, "application/zip", "kiosk-diagnostics.zip")
