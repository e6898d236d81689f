"""/staff: the staff console. A queue stands before whoever uses it: redeem first, everything common one tap away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from kiosk.counter.records import keep_days
from kiosk.web.services import SERVICES
from kiosk.web.staff import (
    camera,
    coupons,
    devices,
    live,
    logo,
    network,
    people,
    phones,
    printers,
    records,
    redeem,
    restart,
    settings,
    signing,
    stands,
)
from kiosk.web.staff.frame import change, own, page
from kiosk.web.staff.wrong import by_status, is_console, refuse

__all__ = ["add_routes", "by_status", "is_console", "page_of", "refuse"]
log = logging.getLogger(__name__)
KEEP_S = 6 * 3600.0
"""Between two looks at the days that are over; their rows are kept for 14 days."""
PAGES = {
    "": redeem.redeem_page,
    "/coupons": coupons.coupons_page,
    "/records": records.records_page,
    "/stands": stands.stands_page,
    "/devices": devices.devices_page,
    "/settings": settings.settings_page,
    "/printer": printers.printer_page,
}
FILES = {
    "/events": live.events,
    "/logo.png": logo.picture,
    "/day.csv": records.day_csv,
    "/month.csv": records.month_csv,
    r"/preview/{template:[0-9a-z-]+}.{look:warm|fresh|plain}.png": stands.preview,
    r"/made/{name:[0-9a-z-]+\.(?:pdf|png)}": stands.made,
}
CLERK = {
    "look": redeem.look,
    "redeem": redeem.redeem,
    "hand-out": coupons.hand_out,
    "reprint": coupons.reprint,
    "settle": coupons.settle,
    "new-code": coupons.new_code,
    "hold-slips": coupons.hold_slips,
    "release-slips": coupons.release_slips,
    "claim-slip": coupons.claim_slip,
    "day-slip": records.day_slip,
    "receipt": records.receipt,
    "poster": stands.poster,
    "office-print": stands.office_print,
    "phone-slip": phones.slip,
    "phone-drop": phones.drop,
    "test-printer": devices.test_printer,
    "status-slip": devices.status_slip,
    "enrolment-slip": devices.enrolment_slip,
    "look-again": devices.look_again,
    "examine": devices.examine,
    "sweep": devices.sweep,
    "reload-page": devices.reload_page,
}
"""What everybody behind the counter may do."""
MANAGER = {
    "rollback": redeem.rollback,
    "hide": coupons.hide,
    "decide": records.decide,
    "person": people.put,
    "person-drop": people.drop,
    "shop": settings.shop,
    "network": network.switch,
    "backup": settings.backup_file,
    "logo-drop": logo.drop,
    "restart": restart.restart,
    "printer": printers.keep,
    "printer-try": printers.attempt,
    "printer-find": printers.find,
    "printer-drop": printers.drop,
}
"""What changes what was, or what others see."""


HOMES = {
    "coupons": "/coupons",
    "records": "/records",
    "stands": "/stands",
    "devices": "/devices",
    "phones": "/devices",
    "printers": "/printer",
    "people": "/settings",
    "settings": "/settings",
    "logo": "/settings",
    "network": "/settings",
    "restart": "/settings",
}
"""The page of what a module changes; the others belong to the first page."""


def page_of(path: str) -> str:
    """Return the page from which an address of a change is asked."""
    name = path.removeprefix("/staff/")
    streams = {"logo": logo.put, "restore": settings.restore}
    handler = {**CLERK, **MANAGER, **streams}.get(name)
    return "/staff" + (HOMES.get(handler.__module__.rpartition(".")[2], "") if handler else "")


def add_routes(app: web.Application) -> None:
    """Add the console."""
    router = app.router
    router.add_post("/staff/sign-in", signing.sign_in)
    router.add_post("/staff/sign-out", signing.sign_out)
    router.add_get("/staff/certificate", camera.certificate)
    router.add_get("/staff/pair/{code:[0-9A-Za-z_-]{10,40}}", phones.opened)
    router.add_post("/staff/pair", phones.pair)
    for path, handler in PAGES.items():
        router.add_get(f"/staff{path}", page(handler))
    router.add_get("/staff/", _first)
    for path, handler in FILES.items():
        router.add_get(f"/staff{path}", own(handler))
    for name, changing in CLERK.items():
        router.add_post(f"/staff/{name}", change(changing))
    for name, changing in MANAGER.items():
        router.add_post(f"/staff/{name}", change(changing, manager=True))
    router.add_post("/staff/read", change(camera.read, stream=True))
    router.add_post("/staff/logo", change(logo.put, manager=True, stream=True))
    router.add_post("/staff/restore", change(settings.restore, manager=True, stream=True))
    router.add_get("/staff/diagnostics.zip", own(settings.bundle, manager=True))
    app.cleanup_ctx.extend((_keep_days, camera.keep_reader))


async def _first(request: web.Request) -> web.StreamResponse:
    """Lead to the first page who types one stroke too many."""
    raise web.HTTPSeeOther("/staff")


async def _keep_days(app: web.Application) -> AsyncIterator[None]:
    """Keep the figures of days that are over, as long as the application runs."""
    task = asyncio.create_task(_for_ever(app), name="day-totals")
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _for_ever(app: web.Application) -> None:
    services = app[SERVICES]
    while True:
        try:
            await keep_days(services.journal, services.clock)
        except Exception:
            log.exception("the figures of past days could not be kept; they are figured again later")
        await asyncio.sleep(KEEP_S)
