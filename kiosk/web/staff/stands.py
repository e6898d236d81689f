"""Stands and posters of this store: chosen from pictures, made and proved in a process of its own."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from aiohttp import web

import posters
from kiosk.web import own_stands
from kiosk.web.api.operation import answer
from kiosk.web.door import Refused
from kiosk.web.staff.frame import Visit, show
from posters.catalog import TemplateInfo
from ui.marks import N_

LOOKS = {"warm": N_("Warm"), "fresh": N_("Fresh"), "plain": N_("Plain")}
TEMPLATE, LOOK = r"^[0-9a-z-]{1,40}$", r"^(warm|fresh|plain)?$"


class Poster(msgspec.Struct, frozen=True):
    """POST /staff/poster."""

    template: Annotated[str, msgspec.Meta(pattern=TEMPLATE)]
    look: Annotated[str, msgspec.Meta(pattern=LOOK)] = ""
    profile: Annotated[str, msgspec.Meta(pattern=r"^(office|outline)$")] = "office"
    """`outline` is for a print shop: no fonts left in the file."""
    headline: Annotated[str, msgspec.Meta(max_length=24)] = ""
    subline: Annotated[str, msgspec.Meta(max_length=30)] = ""
    phone: Annotated[str, msgspec.Meta(max_length=24)] = ""


async def stands_page(visiting: Visit) -> web.StreamResponse:
    """Show what can be made, each with a picture of this store's own."""
    t = visiting.t
    data = await own_stands.store_data(visiting.services)
    # What needs more than the store's own data, such as an offer's last day, is made by whoever knows it.
    fitting = [
        i for i in posters.templates() if {f["name"] for f in i.fields if f["required"]} <= own_stands.KNOWN
    ]
    infos = sorted(fitting, key=lambda i: (i.id != "stand-a6", i.width_mm * i.height_mm))
    return await show(
        visiting,
        "staff_stands.html.jinja",
        "stands",
        ready=data is not None,
        templates=[_template(i, t.locale) for i in infos],
        looks=[{"id": i, "title": t(title)} for i, title in LOOKS.items()],
    )


def _template(i: TemplateInfo, locale: str) -> dict[str, Any]:
    return {
        "id": i.id,
        "title": i.title.zh if locale == "zh_CN" else i.title.en,
        "size": f"{i.width_mm:g} × {i.height_mm:g} mm",
        "faces": i.faces,
    }


async def _needed(visiting: Visit) -> dict[str, str]:
    if (data := await own_stands.store_data(visiting.services)) is None:
        raise Refused(409, "no_store", visiting.t("The cloud has not given this kiosk a store yet."))
    return data


async def poster(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Make a stand or a poster of this store."""
    ask, t = msgspec.json.decode(raw, type=Poster), visiting.t
    own = {k: v for k in ("headline", "subline", "phone") if (v := getattr(ask, k).strip())}
    data = {**await _needed(visiting), **own}
    name, result = await own_stands.make(
        visiting.services, ask.template, ask.look or "warm", ask.profile, data, t.locale
    )
    if result.error or result.verdict == "refuse":
        raise Refused(422, "refused", result.error or " ".join(result.findings))
    return answer(
        {
            "pdf": f"/staff/made/{name}.pdf",
            "preview": f"/staff/made/{name}.png",
            "findings": result.findings,
            "message": t("Made and proved: every code in it was read back."),
        }
    )


async def preview(visiting: Visit) -> web.StreamResponse:
    """Give a small picture of a template in a look with the store's data; made once, then kept."""
    match, data = visiting.request.match_info, await _needed(visiting)
    if match["template"] not in {i.id for i in posters.templates()}:
        raise web.HTTPNotFound
    small, result = await own_stands.picture(
        visiting.services, match["template"], match["look"], data, visiting.t.locale
    )
    if not small.is_file():
        raise Refused(422, "refused", result.error or " ".join(result.findings))
    return web.FileResponse(small, headers={"Cache-Control": "private, max-age=86400"})


async def made(visiting: Visit) -> web.StreamResponse:
    """Give a file that was made."""
    path = visiting.services.data_dir / "made" / visiting.request.match_info["name"]
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": "no-store"})
