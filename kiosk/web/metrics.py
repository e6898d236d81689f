"""/metrics for Prometheus: the facts behind the lights."""

from __future__ import annotations

from aiohttp import web

from kiosk.web.api.callers import demand, who
from kiosk.web.services import SERVICES


def add_routes(app: web.Application) -> None:
    """Add the route."""
    app.router.add_get("/metrics", metrics)


async def metrics(request: web.Request) -> web.Response:
    """Give the figures, to this machine, or to a program whose token may read."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    services = request.app[SERVICES]
    demand(await who(request, services), "read")
    facts = await services.gatherer.facts()
    registry = CollectorRegistry()

    def gauge(name: str, told: str, value: float | None) -> None:
        if value is not None:
            Gauge(f"kiosk_{name}", told, registry=registry).set(value)

    gauge("hub_reachable", "1 when the hub answers", {"ok": 1.0, "no": 0.0}.get(facts.reachable))
    gauge("journal_backlog_rows", "Rows that wait for upload", facts.backlog)
    gauge("journal_conflicts", "Redemptions in conflict", facts.conflicts)
    gauge("clock_error_seconds", "Bound of the trusted time's error", facts.clock_error_s)
    gauge("disk_free_bytes", "Free space of the data directory", facts.free_bytes)
    gauge("prints_unknown", "Slips of which nobody knows whether they were printed", facts.unknown_prints)
    gauge("pool_left", "Slip coupons ready", facts.pool_left)
    gauge("devices_down", "Configured devices that are not there", len(facts.devices_down))
    gauge("unclean_boots", "Starts after an end that was not clean", facts.unclean_boots)
    printer = Gauge(
        "kiosk_printer_state", "1 for the state a printer is in", ["printer", "state"], registry=registry
    )
    for p in facts.printers:
        printer.labels(p.name, p.state).set(1)
    return web.Response(body=generate_latest(registry), content_type="text/plain")
