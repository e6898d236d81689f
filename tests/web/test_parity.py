"""Everything the console can do, a program can do at the local API: this table is whole, on both sides, for ever."""

from __future__ import annotations

import re

from kiosk.web.api import operations
from kiosk.web.services import SERVICES
from tests.web.rig import Rig

PERSONS = {
    "POST /staff/sign-in",
    "POST /staff/sign-out",
    "POST /staff/pair",
    "GET /staff/pair/{code}",
    "GET /staff/",
}
"""A session is a person's: the PIN, and the code on the slip that pairs a phone; the last one leads to the first page."""
SAME = {
    # what is done
    "POST /staff/look": "POST look",
    "POST /staff/redeem": "POST redeem",
    "POST /staff/rollback": "POST rollback",
    "POST /staff/read": "POST read",
    "POST /staff/hand-out": "POST batches/{stock_id}/hand-out",
    "POST /staff/hide": "POST batches/{stock_id}/hide",
    "POST /staff/reprint": "POST jobs/{job}/reprint",
    "POST /staff/settle": "POST jobs/{job}/settle",
    "POST /staff/new-code": "POST jobs/{job}/new-code",
    "POST /staff/hold-slips": "POST printing/hold",
    "POST /staff/release-slips": "POST printing/release",
    "POST /staff/claim-slip": "POST slips/claim",
    "POST /staff/day-slip": "POST slips/day",
    "POST /staff/receipt": "POST slips/receipt",
    "POST /staff/status-slip": "POST slips/status",
    "POST /staff/enrolment-slip": "POST slips/enrolment",
    "POST /staff/phone-slip": "POST slips/phone",
    "POST /staff/phone-drop": "DELETE phones/{id}",
    "POST /staff/test-printer": "POST printers/{name}/test",
    "POST /staff/look-again": "GET printers",
    "POST /staff/examine": "GET doctor",
    "POST /staff/sweep": "DELETE stands/made",
    "POST /staff/reload-page": "POST counter/reload",
    "POST /staff/decide": "POST conflicts/{epoch}/{seq}/let-stand",
    "POST /staff/poster": "POST stands",
    "POST /staff/office-print": "POST stands/made/{file}/print",
    "POST /staff/person": "POST people",
    "POST /staff/person-drop": "DELETE people/{id}",
    "POST /staff/shop": "POST settings/shop",
    "POST /staff/network": "POST settings/network",
    "POST /staff/logo": "PUT settings/logo",
    "POST /staff/logo-drop": "DELETE settings/logo",
    "POST /staff/printer": "POST settings/printers",
    "POST /staff/printer-drop": "DELETE settings/printers/{name}",
    "POST /staff/printer-try": "POST settings/try-printer",
    "POST /staff/printer-find": "POST settings/find-printers",
    "POST /staff/backup": "POST backup",
    "POST /staff/restore": "PUT restore",
    "POST /staff/restart": "POST restart",
    # what is seen
    "GET /staff": "GET records",
    "GET /staff/coupons": "GET batches",
    "GET /staff/records": "GET decisions",
    "GET /staff/stands": "GET stands",
    "GET /staff/devices": "GET devices",
    "GET /staff/settings": "GET settings",
    "GET /staff/printer": "GET settings",
    "GET /staff/events": "GET counter/events",
    "GET /staff/certificate": "GET settings/certificate",
    "GET /staff/logo.png": "GET settings/logo",
    "GET /staff/day.csv": "GET day.csv",
    "GET /staff/month.csv": "GET month.csv",
    "GET /staff/preview/{template}.{look}.png": "GET stands/{template}/{look}/preview",
    "GET /staff/made/{name}": "GET stands/made/{file}",
    "GET /staff/slip/{kind}.png": "GET slips/{kind}/picture",
    "GET /staff/diagnostics.zip": "GET diagnostics",
}
SHOWN = {
    "GET month",
    "GET day",
    "GET jobs",
    "GET status",
    "GET people",
    "GET phones",
    "GET lockouts",
    "GET office",
    "GET settings/shop",
    "GET settings/network",
}
"""What the pages show besides."""
PROGRAMS = {
    "POST tokens", "GET tokens", "DELETE tokens/{token}",  # of programs: a command makes them
    "POST basket", "GET basket", "DELETE basket",  # the till's own
    "GET journal", "GET journal/verify", "GET /healthz",  # of commands and supervisors
    "GET counter", "POST counter/proof", "POST counter/screen",  # of the counter's screen
}  # fmt: skip
"""What no person does at the console."""


async def test_every_address_of_the_console_has_its_like_in_the_api(alone: Rig) -> None:
    app = alone.daemon.server._runner.app  # type: ignore[union-attr]
    assert app[SERVICES] is not None
    console = {
        f"{route.method} {re.sub(r':[^{}]*(?:{[^}]*}[^{}]*)*}', '}', route.resource.canonical)}"
        for route in app.router.routes()
        if route.resource is not None
        and route.method in ("GET", "POST")
        and re.match(r"/staff(/|$)", route.resource.canonical)
    }
    assert console - PERSONS == set(SAME), "an address came or went: give it its like, in both directions"
    api = {f"{op.method} {op.path}" for op in operations()}
    assert set(SAME.values()) | SHOWN | PROGRAMS == api, (set(SAME.values()) | SHOWN | PROGRAMS) ^ api
