"""Stands and posters of this store."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import msgspec

from kiosk.counter.notdone import NotDone
from kiosk.health.model import Spoken, told
from kiosk.web import own_stands
from kiosk.web.api.operation import Call, File, operation
from kiosk.web.api.people import problem
from kiosk.web.api.problems import Problem
from kiosk.web.own_words import Words, filled, required
from kiosk.web.workshop import Made
from ui.texts import LOCALES

Template = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z-]{1,40}$")]
Look = Literal["warm", "fresh", "plain"]


class TemplateRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be made; sizes in mm."""

    id: str
    title: str
    width_mm: float
    height_mm: float
    faces: int
    fits: bool
    """This store's own data and an offer are enough for it; else it takes `kiosk-posters` and more data."""


class Templates(msgspec.Struct, frozen=True):
    """Templates and looks."""

    templates: list[TemplateRow]
    looks: tuple[str, ...]


class StandAsk(Words, frozen=True, kw_only=True):
    """POST /api/v1/stands; what is empty comes from the template, an offer from the batch that runs."""

    template: Template
    look: Look = "warm"
    profile: Literal["office", "outline"] = "office"
    """`outline` is for a print shop: no fonts left in the file."""
    fresh: bool = False
    """As a new revision, where the material was printed with another link."""


class StandMade(msgspec.Struct, frozen=True):
    """A file whose every code was read back."""

    verdict: str
    """`printable`, or `confirm`: see the findings first."""
    pdf: str
    """Where the PDF is, below /api/v1."""
    preview: str
    findings: tuple[str, ...]


class PreviewPath(msgspec.Struct, frozen=True):
    """A template in a look."""

    template: Template
    look: Look


class FilePath(msgspec.Struct, frozen=True):
    """A file that was made."""

    file: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z-]{1,120}\.(pdf|png)$")]


async def _data(
    call: Call, template: str, words: Words, *, making: bool = False, fresh: bool = False
) -> dict[str, str]:
    try:
        return await filled(call.services, template, words, making=making, fresh=fresh)
    except NotDone as err:
        raise problem(err) from None


def _refused(made: Made) -> Problem:
    return Problem("refused", Spoken("", by={each: made.refusal(each) for each in LOCALES}))


@operation("GET", "stands", "read")
async def stands(call: Call) -> Templates:
    """List what can be made, with sizes in mm."""
    import posters

    zh = call.t.locale == "zh_CN"
    rows = [
        TemplateRow(
            id=i.id,
            title=i.title.zh if zh else i.title.en,
            width_mm=i.width_mm,
            height_mm=i.height_mm,
            faces=i.faces,
            fits=own_stands.fitting(required(i)),
        )
        for i in posters.templates()
    ]
    return Templates(rows, own_stands.LOOKS)


@operation(
    "POST",
    "stands",
    "print",
    "unknown_template",
    "no_store",
    "second_link",
    "no_day",
    "no_offer",
    "over",
    "refused",
    again="repeat",
)
async def make_stand(call: Call, body: StandAsk) -> StandMade:
    """Make a stand or a poster of this store; nothing is left of one whose codes cannot be read back."""
    data = await _data(call, body.template, body, making=True, fresh=body.fresh)
    name, made = await own_stands.make(call.services, body.template, body.look, body.profile, data)
    if made.refusal(call.t.locale):
        raise _refused(made)
    return StandMade(
        made.verdict, f"stands/made/{name}.pdf", f"stands/made/{name}.png", made.findings(call.t.locale)
    )


@operation(
    "GET",
    "stands/{template}/{look}/preview",
    "read",
    "unknown_template",
    "no_store",
    "no_day",
    "no_offer",
    "over",
    "refused",
    media=("image/png",),
)
async def stand_preview(call: Call, path: PreviewPath, query: Words) -> File:
    """Give a small picture of a template in a look with this store's data."""
    data = await _data(call, path.template, query)
    small, made = await own_stands.picture(call.services, path.template, path.look, data)
    if not await asyncio.to_thread(small.is_file):
        raise _refused(made)
    return File(small, "image/png")


@operation("GET", "stands/made/{file}", "read", "unknown_file", media=("application/pdf", "image/png"))
async def stand_file(call: Call, path: FilePath) -> File:
    """Give a file that was made."""
    found = await own_stands.file_of(call.services, path.file)
    if found is None:
        raise Problem("unknown_file", told("there is no file {name}; make it first.", name=path.file))
    return File(found, "application/pdf" if path.file.endswith(".pdf") else "image/png")


class Swept(msgspec.Struct, frozen=True):
    """How many files were removed."""

    removed: int


@operation("DELETE", "stands/made", "print")
async def sweep(call: Call) -> Swept:
    """Remove made PDFs and pictures of stands; they can be made again."""
    removed = await own_stands.sweep(call.services)
    await call.note("sweep")
    return Swept(removed)
