"""Stands and posters of this store: chosen from pictures, made and proved in a process of its own."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from aiohttp import web

import posters
from kiosk.counter.notdone import NotDone
from kiosk.web import office, own_stands
from kiosk.web.api.operation import answer
from kiosk.web.door import Refused
from kiosk.web.own_words import Words, filled, offers, required
from kiosk.web.staff.frame import Visit, done, show
from posters.catalog import TemplateInfo
from ui.marks import N_

LOOKS = {"warm": N_("Warm"), "fresh": N_("Fresh"), "plain": N_("Plain")}
TEMPLATE, LOOK = r"^[0-9a-z-]{1,40}$", r"^(warm|fresh|plain)?$"


class Poster(Words, frozen=True, kw_only=True):
    """POST /staff/poster."""

    template: Annotated[str, msgspec.Meta(pattern=TEMPLATE)]
    look: Annotated[str, msgspec.Meta(pattern=LOOK)] = ""
    profile: Annotated[str, msgspec.Meta(pattern=r"^(office|outline)$")] = "office"
    """`outline` is for a print shop: no fonts left in the file."""
    fresh: bool = False
    """As a new revision, where the material was printed with another link."""


class Send(msgspec.Struct, frozen=True):
    """POST /staff/office-print."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z-]{1,120}$")]
    queue: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][\w.-]{0,126}$")]
    copies: Annotated[int, msgspec.Meta(ge=1, le=99)] = 1


async def stands_page(visiting: Visit) -> web.StreamResponse:
    """Show what can be made, each with a picture of this store's own."""
    t = visiting.t
    data = await own_stands.store_data(visiting.services)
    infos = [i for i in posters.templates() if own_stands.fitting(required(i))]
    infos.sort(
        key=lambda i: (i.id != "stand-a6", bool(required(i) & own_stands.OFFER), i.width_mm * i.height_mm)
    )
    return await show(
        visiting,
        "staff_stands.html.jinja",
        "stands",
        ready=data is not None,
        templates=[_template(i, t.locale) for i in infos],
        looks=[{"id": i, "title": t(title)} for i, title in LOOKS.items()],
        offers=await offers(visiting.services),
        queues=await office.queues(),
    )


def _template(i: TemplateInfo, locale: str) -> dict[str, Any]:
    return {
        "id": i.id,
        "title": i.title.zh if locale == "zh_CN" else i.title.en,
        "size": f"{i.width_mm:g} × {i.height_mm:g} mm",
        "faces": i.faces,
        "offer": bool(required(i) & own_stands.OFFER),
    }


async def _data(
    visiting: Visit, template: str, words: Words, *, making: bool = False, fresh: bool = False
) -> dict[str, str]:
    """Return what a template is filled with: the store's own data, what staff wrote, the offer that runs."""
    try:
        return await filled(visiting.services, template, words, making=making, fresh=fresh)
    except NotDone as err:
        raise Refused(
            409 if err.code in ("no_store", "second_link") else 422, err.code, err.say(visiting.t)
        ) from None


async def poster(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Make a stand or a poster of this store."""
    ask, t = msgspec.json.decode(raw, type=Poster), visiting.t
    data = await _data(visiting, ask.template, ask, making=True, fresh=ask.fresh)
    name, result = await own_stands.make(
        visiting.services, ask.template, ask.look or "warm", ask.profile, data
    )
    if why := result.refusal(t.locale):
        raise Refused(422, "refused", why)
    return answer(
        {
            "name": name,
            "pdf": f"/staff/made/{name}.pdf",
            "preview": f"/staff/made/{name}.png",
            "findings": result.findings(t.locale),
            "message": t("Made and proved: every code in it was read back."),
            "mail": _mail(visiting, ask, data),
        }
    )


def _mail(visiting: Visit, ask: Poster, data: dict[str, str]) -> dict[str, str]:
    """Return subject and text for a print shop; the files go along where the phone can share them."""
    t = visiting.t
    info = next(i for i in posters.templates() if i.id == ask.template)
    told = _template(info, t.locale)
    sides = t("two sides, turn on the long edge") if info.faces == 2 else t("one side")
    lines = (
        t("Please print the attached PDF:"),
        t("{title}, {size}, {sides}", title=told["title"], size=told["size"], sides=sides),
        t("Print at 100 %, do not scale, keep black codes black; bleed and crop marks are in the file."),
        t("Before the run, please send a photo of the proof; we scan it."),
        f"{data['merchant']} {data['store']} {data.get('phone', '')}".strip(),
    )
    return {"subject": f"{data['merchant']} {told['title']}", "body": "\n".join(lines)}


async def office_print(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Hand a PDF that was made to the office printer."""
    ask, t = msgspec.json.decode(raw, type=Send), visiting.t
    path = await own_stands.file_of(visiting.services, f"{ask.name}.pdf")
    if path is None:
        return done(False, t("That file is not there any more; make it again."))
    if ask.queue not in await office.queues():
        return done(False, t("There is no printer {name} any more.", name=ask.queue))
    taken, said = await office.send(path, ask.queue, ask.copies, t.locale)
    if taken:
        await visiting.note("office_print")
        return done(True, t("The office printer has taken it. Look at the first sheet before you cut."))
    return done(False, said or t("The office printer did not take it; look at it and try again."))


async def preview(visiting: Visit) -> web.StreamResponse:
    """Give a small picture of a template in a look with the store's data and words; made once, then kept."""
    match, query = visiting.request.match_info, visiting.request.query
    words = msgspec.convert({k: query[k] for k in Words.__struct_fields__ if k in query}, Words)
    data = await _data(visiting, match["template"], words)
    small, result = await own_stands.picture(
        visiting.services,
        match["template"],
        match["look"],
        data,
        own_stands.LARGE if "large" in query else own_stands.SMALL,
    )
    if not small.is_file():
        raise Refused(422, "refused", result.refusal(visiting.t.locale))
    return web.FileResponse(small, headers={"Cache-Control": "private, max-age=86400"})


async def made(visiting: Visit) -> web.StreamResponse:
    """Give a file that was made."""
    path = await own_stands.file_of(visiting.services, visiting.request.match_info["name"])
    if path is None:
        gone = visiting.t("That file is not there any more; make it again.")
        raise Refused(404, "unknown_file", gone)
    return web.FileResponse(path, headers={"Cache-Control": "no-store"})
