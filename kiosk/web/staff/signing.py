"""Signing in by PIN, and out."""

from __future__ import annotations

from aiohttp import web

from kiosk.web.door import COOKIE, LIFE_S, Refused, over_tls, same_site
from kiosk.web.services import SERVICES
from kiosk.web.staff.frame import form, sign_in_page, texts_for, visit
from ui.marks import N_


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Check the PIN and begin a session."""
    services = request.app[SERVICES]
    if not same_site(request):  # a page elsewhere could shut this address out by guessing
        raise Refused(
            403, "csrf", texts_for(request)(N_("That did not come from this console; load the page again."))
        )
    given = await form(request)
    knock = await services.door.knock(given.get("pin", "")[:32], request.remote or "")
    if knock.person is None:
        return sign_in_page(request, knock.end, 429 if knock.end == "blocked" else 403)
    response = web.HTTPSeeOther("/staff")
    response.set_cookie(
        COOKIE,
        services.door.open_session(knock.person),
        max_age=LIFE_S,
        httponly=True,
        samesite="Strict",
        secure=over_tls(request),
        path="/",
    )
    raise response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End the session, on this device and for every copy of its cookie."""
    given = await form(request)
    response = web.HTTPSeeOther("/staff")
    visiting = await visit(request)
    if visiting is not None:
        door = visiting.services.door
        if door.is_ours(request, visiting.visitor, given.get("csrf", "")):
            await door.end_session(visiting.visitor)
            response.del_cookie(COOKIE)
    raise response
