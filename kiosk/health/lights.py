"""Four independent lights, never one "online" (facts: sync-fleet B7)."""

from __future__ import annotations

from kiosk.health.checks.journal import MOST, OLDEST
from kiosk.health.checks.printers import GOOD
from kiosk.health.model import Facts, Light, told
from ui.money import local


def lights(facts: Facts) -> dict[str, Light]:
    """Return reachable, in sync, service, up to date."""
    return {
        "reachable": _reachable(facts),
        "in_sync": _in_sync(facts),
        "service": _service(facts),
        "up_to_date": _up_to_date(facts),
    }


def _reachable(facts: Facts) -> Light:
    if not facts.hub_url:
        return Light("unknown", told("no hub is configured"))
    if facts.enrolled != "accepted":
        return Light("no", told("not let in yet") if facts.enrolled != "revoked" else told("revoked"))
    if facts.last_sync is None:
        return Light(facts.reachable, told("never reached"))
    return Light(facts.reachable, told("last contact {at}", at=f"{local(facts.last_sync):%H:%M:%S}"))


def _in_sync(facts: Facts) -> Light:
    if not facts.hub_url:
        return Light("unknown", told("no hub is configured"))
    late = facts.backlog > MOST or bool(facts.oldest and facts.now - facts.oldest > OLDEST)
    detail = told("rows waiting: {n}", n=facts.backlog) if facts.backlog else told("all uploaded")
    return Light("no" if late else "ok", detail)


def _service(facts: Facts) -> Light:
    mains = [p for p in facts.printers if not p.mirror]
    if facts.devices_down:
        return Light("no", told("not there: {names}", names=", ".join(facts.devices_down)))
    if mains and not any(p.state in GOOD for p in mains):
        return Light("no", told("no printer can print: {names}", names=", ".join(p.name for p in mains)))
    if facts.page_proof == "wrong":
        return Light("no", told("the counter page shows another QR"))
    if facts.page_proof in ("unseen", "unplugged", "dark"):
        return Light("no", told("the code on the counter screen cannot be seen"))
    if facts.page_proof == "stale":
        return Light("unknown", told("the counter page has fallen silent"))
    return Light("ok", told("printers: {n}", n=len(mains)))


def _up_to_date(facts: Facts) -> Light:
    if facts.fallback_config:
        return Light("no", told("an older configuration is in use"))
    if facts.clock_error_s is None:
        return Light("unknown", told("the time is not certain"))
    return Light("ok", told("time within {seconds} s", seconds=f"{facts.clock_error_s:.1f}"))
