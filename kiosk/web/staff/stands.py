"""Stands and posters of this store: chosen from pictures, made and proved in a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
from aiohttp import web

import posters
from kiosk.web.door import Refused
from kiosk.web.local_api import answer
from kiosk.web.staff.frame import Visit, show
from kiosk.web.workshop import Made
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
    data = await _data(visiting)
    known = {"store_id", "merchant", "url", "store", "address", "category"}
    # What needs more than the store's own data, such as an offer's last day, is made by whoever knows it.
    fitting = [i for i in posters.templates() if {f["name"] for f in i.fields if f["required"]} <= known]
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


async def _data(visiting: Visit) -> dict[str, str] | None:
    """Return the store's own data; None while the cloud has not given this kiosk a store."""
    services = visiting.services
    place, merchant = await services.place(), await services.journal.merchant()
    if place.store is None or merchant is None:
        return None
    return {
        "store_id": place.store.id,
        "merchant": merchant.name,
        "store": place.store.name,
        "address": place.store.address,
        "category": merchant.category,
        "url": place.store.link,
    }


async def _needed(visiting: Visit) -> dict[str, str]:
    if (data := await _data(visiting)) is None:
        raise Refused(409, "no_store", visiting.t("The cloud has not given this kiosk a store yet."))
    return data


async def poster(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Make a stand or a poster of this store."""
    ask, t = msgspec.json.decode(raw, type=Poster), visiting.t
    own = {k: v for k in ("headline", "subline", "phone") if (v := getattr(ask, k).strip())}
    data = {**await _needed(visiting), **own}
    name = f"{ask.template}-{ask.look or 'warm'}-{ask.profile}-{_digest(data)[:8]}"
    result = await _make(visiting, ask.template, ask.look or "warm", ask.profile, data, name)
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
    match = visiting.request.match_info
    template, look, data = match["template"], match["look"], await _needed(visiting)
    if template not in {i.id for i in posters.templates()}:
        raise web.HTTPNotFound
    small = visiting.services.data_dir / "previews" / f"{template}-{look}-{_digest(data)[:12]}.png"
    if not small.is_file():
        result = await _make(visiting, template, look, "screen", data, small.stem, small)
        if not small.is_file():
            raise Refused(422, "refused", result.error or " ".join(result.findings))
    return web.FileResponse(small, headers={"Cache-Control": "private, max-age=86400"})


async def _make(
    visiting: Visit,
    template: str,
    look: str,
    profile: str,
    data: dict[str, str],
    name: str,
    small: Path | None = None,
) -> Made:
    """Make a file in the worker; with `small` only its reduced picture stays."""
    services = visiting.services
    folder = services.data_dir / ("made" if small is None else "previews")
    folder.mkdir(exist_ok=True)
    out = folder / f"{name}.pdf"
    picture = out.with_suffix(".png") if small is None else folder / f"{name}.large"
    result = await services.workshop.make(
        template, data, out, look=look, profile=profile, preview=picture, locale=visiting.t.locale
    )
    if small is not None:
        await asyncio.to_thread(_shrink, picture, small)
        out.unlink(missing_ok=True)
    return result


def _shrink(large: Path, small: Path) -> None:
    """Keep a picture of at most 240 × 320 dots: some 20 KiB."""
    if not large.is_file():
        return
    from PIL import Image

    with Image.open(large) as image:
        image.thumbnail((240, 320))
        fresh = small.with_suffix(".new")
        image.convert("RGB").quantize(64).save(fresh, "PNG", optimize=True)
    os.replace(fresh, small)
    large.unlink()


def _digest(data: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


async def made(visiting: Visit) -> web.StreamResponse:
    """Give a file that was made."""
    path = visiting.services.data_dir / "made" / visiting.request.match_info["name"]
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": "no-store"})
