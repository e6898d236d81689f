"""Template + store data -> the finished file in memory, not yet proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from posters import catalog, icc, layout, merge, terms
from posters.ops import Draft, Image, Page
from posters.profiles import Output
from posters.result import Finding, Shrunk
from posters.symbol import BUDGET_VERSION, URL_BUDGET, Symbol, encode

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from posters.faces import Faces
    from posters.finish import Boxes
    from posters.pictures import Loaded
    from posters.sheets import Route


class Job(msgspec.Struct, frozen=True):
    """One artefact to make."""

    chosen: catalog.Chosen
    data: dict[str, str]
    output: Output = Output()
    base: Path = Path()  # where relative pictures are looked for
    pixels: bool = False  # wideformat as a TIFF


class Drawn(msgspec.Struct, frozen=True):
    """A finished file and what it should hold: a PDF, or pictures of its faces."""

    symbol: Symbol
    notes: list[Finding]
    boxes: list[Boxes]
    codes: list[int]
    sketches: list[int] = []
    shrunk: list[Shrunk] = []
    pdf: bytes = b""
    pictures: list[Picture] = []
    dpi: int = 0


def draw(job: Job) -> Drawn:
    """Lay out, draw, impose and finish."""
    faces = len(job.chosen.faces)
    if job.pixels:
        return _pixels(job)
    raw, draft, symbol, notes = art(job)
    way = route_of(job, draft)
    pdf = finished(raw, job, way, title_of(job.chosen, merge.merged(job.data)))
    return Drawn(symbol, notes, way.boxes(faces), way.codes(faces), way.sketches(), draft.shrunk, pdf)


def route_of(job: Job, draft: Draft, count: int = 1) -> Route:
    """Return the way of a job's faces to their sheets; `count` pieces share them in a batch."""
    from posters import sheets

    return sheets.route(job.chosen, job.output, draft, count)


def art(job: Job) -> tuple[bytes, Draft, Symbol, list[Finding]]:
    """Return the faces, a page each, unfinished, and what was decided on the way."""
    from posters.faces import Faces
    from posters.render import render

    plan = planned(job)
    with Faces(plan.texts) as faces:
        draft, images, notes = _composed(plan, faces)
        raw = render(draft, route_of(job, draft).sheet, faces, min(plan.texts), images)
    return raw, draft, plan.symbol, notes


def art_of_many(jobs: Sequence[Job]) -> tuple[bytes, Draft, list[Symbol]]:
    """Return the faces of many jobs in one file that shares its fonts and pictures, the first layout, the codes."""
    from posters.faces import Faces
    from posters.render import render

    plans = [planned(job) for job in jobs]
    texts: dict[int, str] = {}
    for plan in plans:
        for weight, text in plan.texts.items():
            texts[weight] = "".join(sorted(set(texts.get(weight, "")) | set(text)))
    pages: list[Page] = []
    images: dict[str, bytes] = {}
    with Faces(texts) as faces:
        drafts: list[Draft] = []
        for number, plan in enumerate(plans):
            draft, found, _ = _composed(plan, faces)
            drafts += [draft] if not drafts else []
            pages += [_numbered(page, number) for page in draft.pages]
            images |= {f"{number}/{name}": data for name, data in found.items()}
        sheet = route_of(jobs[0], drafts[0], len(jobs)).sheet
        raw = render(Draft(pages, []), sheet, faces, min(texts), images)
    return raw, drafts[0], [plan.symbol for plan in plans]


def _numbered(page: Page, number: int) -> Page:
    """Return the page with its pictures named after the job that they belong to."""
    ops = [
        msgspec.structs.replace(op, field=f"{number}/{op.field}") if isinstance(op, Image) else op
        for op in page.ops
    ]
    return Page(ops)


def _pixels(job: Job) -> Drawn:
    from posters import separations
    from posters.faces import Faces

    plan = planned(job)
    with Faces(plan.texts) as faces:
        draft, images, notes = _composed(plan, faces)
        way = route_of(job, draft)
        found = separations.pages(draft, way.sheet, faces, min(plan.texts), images)
    number = len(job.chosen.faces)
    dpi = separations.dpi(way.sheet)
    return Drawn(
        plan.symbol, notes, way.boxes(number), way.codes(number), shrunk=draft.shrunk, pictures=found, dpi=dpi
    )


class Plan(msgspec.Struct, frozen=True):
    """What is known of a job before its type is set: the template in its colours, the words, the code."""

    job: Job
    chosen: catalog.Chosen
    merged: dict[str, str]
    values: list[dict[str, str]]
    symbol: Symbol
    texts: dict[int, str]
    told: list[Finding]


def planned(job: Job) -> Plan:
    """Return the plan of a job; refuse what cannot be printed."""
    from posters.faces import check_printable

    merged = merge.merged(job.data)
    check_printable({name: text for name, text in merged.items() if merge.FIELDS[name].kind != "file"})
    dated = terms.demand(job.chosen.template, job.chosen.id, merged)
    chosen, recoloured = branded(job.chosen.pictured() if merged["image"] else job.chosen, merged["brand"])
    values = layout.values_for(chosen, merged)
    texts = layout.texts_by_weight(chosen, values)
    return Plan(job, chosen, merged, values, encode(merged["url"]), texts, [*dated, *recoloured])


def _composed(plan: Plan, faces: Faces) -> tuple[Draft, dict[str, bytes], list[Finding]]:
    """Return the layout in its fonts, the pictures at their size, and all that is to be told."""
    from posters import pictures, sheets

    job, merged = plan.job, plan.merged
    names = [name for name, rule in merge.FIELDS.items() if rule.kind == "file" and merged[name]]
    files = [name for name in names if name != "merchant_image"]
    loaded = {name: pictures.load(name, merged[name], job.base) for name in files}
    limit = sheets.code_limit(job.output)
    draft = layout.draft(plan.chosen, plan.values, plan.symbol, faces.measure, catalog.drawings(), limit)
    images, coarse = _at_size(draft, loaded, max(plan.chosen.template.size))
    notes = [
        *_notes(plan.symbol, merged),
        *_faint(loaded),
        *_left_out(job.chosen, draft, merged),
        *plan.told,
        *draft.findings,
        *coarse,
    ]
    return _adapted(draft, job.output.profile, faces), images, notes


def title_of(chosen: catalog.Chosen, merged: Mapping[str, str]) -> str:
    """Return the title of the file."""
    return f"{merged['merchant']} {merged['store']}".strip() + f" - {chosen.template.title.en}"


def finished(raw: bytes, job: Job, way: Route, title: str, count: int = 1) -> bytes:
    """Put the faces on their sheets and finish the file."""
    from posters.finish import Finish, finish

    template, faces = job.chosen.template, len(job.chosen.faces)
    profile = icc.read(job.output.icc) if job.output.icc else b""
    how = Finish(
        title,
        template.revised,
        way.boxes(faces),
        job.output.pdfx,
        profile,
        way.flip(faces),
        way.told_codes(),
        job.output.profile != "outline",
    )
    if way.plans:
        from posters.assembly import assemble

        outline = job.output.profile == "outline"
        for plan in way.plans[:-1]:
            raw = assemble(raw, plan, template.bleed, outline=outline, times=count)
        raw = assemble(raw, way.plans[-1], template.bleed, outline=outline)
    return finish(raw, how)


def _adapted(draft: Draft, profile: str, faces: Faces) -> Draft:
    """Return the draft as a profile wants it drawn."""
    if profile == "outline":
        from posters.outlines import outlined

        return outlined(draft, faces)
    if profile == "wideformat":
        from posters.separations import widened

        return widened(draft)
    return draft


def _at_size(
    draft: Draft, loaded: Mapping[str, Loaded], longest_mm: float
) -> tuple[dict[str, bytes], list[Finding]]:
    """Return the pictures with as many pixels as their places need, and which have too few."""
    from posters.pictures import at_size, dpi_range

    least, most = dpi_range(longest_mm)
    fitted: dict[str, bytes] = {}
    coarse: list[Finding] = []
    for op in (op for page in draft.pages for op in page.ops if isinstance(op, Image)):
        fitted[op.field], dpi = at_size(loaded[op.field], op.box[2:], op.fit, most)
        if dpi < least:
            sentence = "{field} has only {dpi} dpi at its size and will look coarse; {least} dpi are needed"
            args = {"field": op.field, "dpi": dpi, "least": least}
            coarse.append(Finding.of("confirm", "dpi", op.field, sentence, **args))
    return fitted, coarse


def _faint(loaded: Mapping[str, Loaded]) -> list[Finding]:
    """Return which marks are white, as they are made for dark grounds: ours stand on white."""
    from posters.pictures import unseen

    sentence = "{field} is almost white and would not be seen: give it in its colours"
    marks = [name for name in loaded if name in ("logo", "partner_mark", "code_logo")]
    return [
        Finding.of("confirm", "faint", name, sentence, field=name) for name in marks if unseen(loaded[name])
    ]


def branded(chosen: catalog.Chosen, brand: str) -> tuple[catalog.Chosen, list[Finding]]:
    """Return the template in the merchant's colour, and what was done to it."""
    if not brand:
        return chosen, []
    from posters.branding import parse, recoloured

    look, findings = recoloured(chosen.look, parse(brand))
    return msgspec.structs.replace(chosen, look=look), findings


def _left_out(chosen: catalog.Chosen, draft: Draft, merged: Mapping[str, str]) -> list[Finding]:
    """Return what to tell of pictures that found no place."""
    placed = {op.field for page in draft.pages for op in page.ops if isinstance(op, Image)}
    notes = []
    for name in ("logo", "image", "partner_mark"):
        if not merged[name] or name in placed:
            continue
        sentence = (
            "{field} was left out: {template} needs its room for a code that reads; take a larger format"
        )
        notes.append(Finding.of("note", "unused", name, sentence, field=name, template=chosen.id))
    return notes


def _notes(symbol: Symbol, merged: Mapping[str, str]) -> list[Finding]:
    """Return what the data of this store gives a person to think about."""
    notes = []
    headline = merged["headline"]
    if merged["partner_mark"]:
        sentence = "partner_mark belongs to its owner: print it only with their permission, as they gave it"
        notes.append(Finding.of("note", "mark", "partner_mark", sentence))
    if any(char.isdigit() for char in headline) and not merged["revision"]:
        sentence = "headline names an amount: print again when the coupon changes ({text})"
        notes.append(Finding.of("note", "amount", "headline", sentence, text=headline))
    if symbol.version <= BUDGET_VERSION:  # figures in a link take less room, so a few bytes more may do
        return notes
    sentence = (
        "url has {length} bytes, more than {budget}: its code is version {version} and reads from less far"
    )
    args = {"length": len(symbol.payload), "budget": URL_BUDGET, "version": symbol.version}
    return [*notes, Finding.of("confirm", "url-budget", "url", sentence, **args)]
