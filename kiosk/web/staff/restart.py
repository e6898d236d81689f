"""The button after a change of kiosk.toml: the kiosk begins anew, the pages come back by themselves."""

from __future__ import annotations

from aiohttp import web

from kiosk.web.staff.frame import Visit, done


async def restart(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Begin anew with kiosk.toml as it is now; what is under way is finished first."""
    t = visiting.t
    if not visiting.services.restart():
        return done(False, t("Nobody restarts this kiosk by a button; restart its service by hand."))
    await visiting.note("restart")
    return done(True, t("The kiosk restarts; this page comes back within a few seconds."))
