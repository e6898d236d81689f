"""The shop's logo: taken as a picture, opened apart, kept as a small PNG for slips, stands and the counter page."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from kiosk.config import ConfigError
from kiosk.web import fit_out
from kiosk.web.door import Refused
from kiosk.web.staff import toml_edit
from kiosk.web.staff.camera import PROBLEMS, READER, take
from kiosk.web.staff.frame import Visit, done
from ui.marks import N_

MOST = 1024 * 1024
"""What WeChat's campaigns take (merchants' manuals, 1.3): 1 MB, 120 × 120 dots or more."""
LARGE = N_("A logo has at most 1 MB; save it smaller.")


def path_of(visiting: Visit) -> Path:
    """Return where the logo is kept."""
    return fit_out.logo_of(visiting.services)


async def put(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Take a picture as the logo: on slips at once, on the counter page from the next start."""
    t, services = visiting.t, visiting.services
    picture = await take(visiting, MOST, t(LARGE))
    try:
        wrong = await fit_out.keep_logo(services, visiting.request.app[READER], picture)
    except ConfigError as err:
        return done(False, toml_edit.said(err, t))
    if wrong:
        raise Refused(422, wrong, t(PROBLEMS[wrong]))
    await visiting.note("logo")
    if services.config is None:
        return done(True, t("Kept for slips."))
    return done(True, t("Kept. It is on slips now, and on the counter page after a restart."), restart=True)


async def drop(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Take the logo away."""
    t, services = visiting.t, visiting.services
    try:
        if not await fit_out.drop_logo(services):
            return done(False, t("There is no logo."))
    except ConfigError as err:
        return done(False, toml_edit.said(err, t))
    await visiting.note("logo_gone")
    told = t("Removed. The counter page shows none after a restart.")
    return done(True, told, restart=True) if services.config is not None else done(True, told)


async def picture(visiting: Visit) -> web.StreamResponse:
    """Give the logo."""
    path = path_of(visiting)
    if not path.is_file():
        raise Refused(404, "no_logo", visiting.t("There is no logo."))
    return web.FileResponse(path, headers={"Cache-Control": "no-store"})
