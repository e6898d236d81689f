"""The shop's logo: taken as a picture, opened apart, kept as a small PNG for slips, stands and the counter page."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path

from aiohttp import web

from kiosk.counter.slips import LOGO
from kiosk.web.door import Refused
from kiosk.web.staff.camera import PROBLEMS, READER, take
from kiosk.web.staff.frame import Visit, done
from kiosk.web.staff.printers import write
from ui.marks import N_

MOST = 1024 * 1024
"""What WeChat's campaigns take (merchants' manuals, 1.3): 1 MB, 120 × 120 dots or more."""
LARGE = N_("A logo has at most 1 MB; save it smaller.")


def path_of(visiting: Visit) -> Path:
    """Return where the logo is kept."""
    return visiting.services.data_dir / "logos" / f"{LOGO}.png"


async def put(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Take a picture as the logo: on slips at once, on the counter page from the next start."""
    t = visiting.t
    picture = await take(visiting, MOST, t(LARGE))
    made = await visiting.request.app[READER].logo(picture)
    if made.problem:
        raise Refused(422, made.problem, t(PROBLEMS[made.problem]))
    path = path_of(visiting)
    await asyncio.to_thread(_store, path, base64.b64decode(made.png))
    told = t("Kept. It is on slips now, and on the counter page after a restart.")
    if visiting.services.config is None:
        await visiting.note("logo")
        return done(True, t("Kept for slips."))
    return await write(visiting, {("screen", "logo"): str(path)}, (), "logo", told)


def _store(path: Path, png: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as f:
        f.write(png)
        f.flush()
        os.fsync(f.fileno())
    os.replace(fresh, path)


async def drop(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Take the logo away."""
    t, path = visiting.t, path_of(visiting)
    if not path.is_file():
        return done(False, t("There is no logo."))
    path.unlink()
    told = t("Removed. The counter page shows none after a restart.")
    if visiting.services.config is None:
        return done(True, told)
    return await write(visiting, {("screen", "logo"): ""}, (), "logo_gone", told)


async def picture(visiting: Visit) -> web.StreamResponse:
    """Give the logo."""
    path = path_of(visiting)
    if not path.is_file():
        raise Refused(404, "no_logo", visiting.t("There is no logo."))
    return web.FileResponse(path, headers={"Cache-Control": "no-store"})
