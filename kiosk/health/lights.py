"""Four independent lights, never one "online" (facts: sync-fleet B7)."""

from __future__ import annotations

from kiosk.health.checks.journal import MOST, OLDEST
from kiosk.health.checks.printers import GOOD
from kiosk.health.model import Facts, Light


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
        return Light("unknown", "no hub is configured")
    if facts.enrolled != "accepted":
        return Light("no", f"enrolment: {facts.enrolled}")
    return Light(
        facts.reachable,
        f"last contact {facts.last_sync:%H:%M:%S} UTC" if facts.last_sync else "never reached",
    )


def _in_sync(facts: Facts) -> Light:
    if not facts.hub_url:
        return Light("unknown", "no hub is configured")
    late = facts.backlog > MOST or bool(facts.oldest and facts.now - facts.oldest > OLDEST)
    return Light("no" if late else "ok", f"{facts.backlog} rows wait" if facts.backlog else "all uploaded")


def _service(facts: Facts) -> Light:
    mains = [p for p in facts.printers if not p.mirror]
    if facts.devices_down:
        return Light("no", f"not there: {', '.join(facts.devices_down)}")
    if mains and not any(p.state in GOOD for p in mains):
        return Light("no", f"no printer can print: {', '.join(f'{p.name} {p.state}' for p in mains)}")
    if facts.page_proof == "wrong":
        return Light("no", "the counter page shows another QR")
    return Light("ok", f"{len(mains)} printer(s)")


def _up_to_date(facts: Facts) -> Light:
    if facts.fallback_config:
        return Light("no", "an older configuration is in use")
    if facts.clock_error_s is None:
        return Light("unknown", "the time is not certain")
    return Light("ok", f"time within {facts.clock_error_s:.1f} s")
