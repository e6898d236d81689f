"""Template + store data -> proven files. The one path through the house."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from posters import catalog, layout, merge
from posters.errors import RefusedError, UsageError
from posters.files import write_all
from posters.ops import Draft, Image
from posters.result import Finding, Result, judge
from posters.symbol import BUDGET_VERSION, URL_BUDGET, Symbol, encode

if TYPE_CHECKING:
    from posters.render import Sheet

PROFILES = ("office", "press-x1a", "screen")
LATER_PROFILES = ("press-x4", "outline", "wideformat")
OFFICE_PAPER = (210.0, 297.0)
PREVIEW_DPI = 150
SCREEN_PIXELS = 1080  # width of a picture for chat groups


class Job(msgspec.Struct, frozen=True):
    """One artefact to make."""

    chosen: catalog.Chosen
    data: dict[str, str]
    profile: str = "office"
    base: Path = Path()  # where relative pictures are looked for


class Made(msgspec.Struct, frozen=True):
    """A finished, proven file in memory."""

    pdf: bytes
    result: Result
    sheet: Sheet | None = None


def check_profile(profile: str) -> None:
    """Raise for a profile that is not there."""
    if profile in LATER_PROFILES:
        raise UsageError(
            "the profile {name} is not built yet; there are {known}", name=profile, known=", ".join(PROFILES)
        )
    if profile not in PROFILES:
        raise UsageError(
            "there is no profile {name}; there are {known}", name=profile, known=", ".join(PROFILES)
        )


def build(job: Job) -> Made:
    """Lay out, draw, finish and prove; a refusal has no bytes."""
    from ui.fonts import FontError

    try:
        pdf, sheet, symbol, notes = _draw(job)
    except RefusedError as error:
        return Made(b"", Result("refuse", findings=[Finding.refusal(error)]))
    except FontError as error:
        raise UsageError("{why}", why=error) from error
    from posters.proof import Expect, prove

    expect = Expect(symbol.payload, symbol.level, symbol.version, job.chosen.template.module_mm)
    proof = prove(pdf, expect)
    findings = notes + proof.findings
    verdict = judge(findings)
    if verdict == "refuse":
        return Made(b"", Result("refuse", proof.pages, proof.faces, findings, proof.fonts))
    digest = hashlib.sha256(pdf).hexdigest()
    return Made(pdf, Result(verdict, proof.pages, proof.faces, findings, proof.fonts, sha256=digest), sheet)


def _draw(job: Job) -> tuple[bytes, Sheet, Symbol, list[Finding]]:
    """Return the finished PDF, its sheet, its symbol and what was noticed."""
    from posters import pictures
    from posters.faces import Faces, check_printable
    from posters.finish import Finish, finish
    from posters.render import render

    merged = merge.merged(job.data)
    check_printable({name: text for name, text in merged.items() if merge.FIELDS[name].kind != "file"})
    chosen = job.chosen
    images = {name: pictures.load(name, merged[name], job.base) for name in ("logo", "image") if merged[name]}
    values = layout.values_for(chosen, merged)
    symbol = encode(merged["url"])
    texts = layout.texts_by_weight(chosen, values)
    sheet = sheet_for(chosen, job.profile)
    with Faces(texts) as faces:
        draft = layout.draft(chosen, values, symbol, faces.measure, catalog.drawings())
        images, coarse = _at_size(draft, images)
        raw = render(draft, sheet, faces, min(texts), images)
    title = f"{merged['merchant']} {merged['store']}".strip() + f" - {chosen.template.title.en}"
    how = Finish(title, chosen.template.revised, sheet, job.profile == "press-x1a", len(chosen.faces) > 1)
    return finish(raw, how), sheet, symbol, _notes(symbol, merged["headline"]) + draft.findings + coarse


def _at_size(draft: Draft, images: dict[str, bytes]) -> tuple[dict[str, bytes], list[Finding]]:
    """Return the pictures with as many pixels as their places need, and which have too few."""
    from posters.pictures import LEAST_DPI, at_size

    fitted: dict[str, bytes] = {}
    coarse: list[Finding] = []
    for op in (op for page in draft.pages for op in page.ops if isinstance(op, Image)):
        fitted[op.field], dpi = at_size(images[op.field], op.box[2:], op.fit)
        if dpi < LEAST_DPI:
            sentence = "{field} has only {dpi} dpi at its size and will look coarse; {least} dpi are needed"
            args = {"field": op.field, "dpi": dpi, "least": LEAST_DPI}
            coarse.append(Finding.of("confirm", "dpi", op.field, sentence, **args))
    return fitted, coarse


def sheet_for(chosen: catalog.Chosen, profile: str) -> Sheet:
    """Return the paper of a profile: press has bleed and marks; an office printer where its paper leaves room."""
    from posters.render import Sheet

    width, height = chosen.template.size
    bleed = chosen.template.bleed
    disc = chosen.template.shape == "round"
    with_marks = Sheet(width, height, bleed, True, disc)
    room = all(
        side + 2 * with_marks.margin <= paper
        for side, paper in zip((width, height), OFFICE_PAPER, strict=True)
    )
    if profile == "press-x1a" or (profile == "office" and room):
        return with_marks
    return Sheet(width, height, 0.0, False, disc)


def _notes(symbol: Symbol, headline: str) -> list[Finding]:
    """Return what the data of this store gives a person to think about."""
    notes = []
    if any(char.isdigit() for char in headline):
        sentence = "headline names an amount: print again when the coupon changes ({text})"
        notes.append(Finding.of("note", "amount", "headline", sentence, text=headline))
    if symbol.version <= BUDGET_VERSION:  # figures in a link take less room, so a few bytes more may do
        return notes
    sentence = (
        "url has {length} bytes, more than {budget}: its code is version {version} and reads from less far"
    )
    args = {"length": len(symbol.payload), "budget": URL_BUDGET, "version": symbol.version}
    return [*notes, Finding.of("confirm", "url-budget", "url", sentence, **args)]


def make(
    template_id: str,
    data: Mapping[str, str],
    out: Path,
    *,
    look: str | None = None,
    profile: str = "office",
    proof: Path | None = None,
    preview: Path | None = None,
    base: Path | None = None,
) -> Result:
    """Make one artefact at `out`. On `refuse` nothing is written there and an older file stays as it is."""
    check_profile(profile)
    if Path(out).suffix.lower() == ".png" and profile != "screen":
        raise UsageError(
            "{file}: a picture needs the profile screen; {name} makes a PDF", file=out, name=profile
        )
    chosen = catalog.choose(template_id, look)
    merge.reject_unknown(list(data), "data")
    made = build(Job(chosen, dict(data), profile, base or Path()))
    files: dict[Path, bytes] = {}
    if made.result.verdict != "refuse":
        files.update(_outputs(made, Path(out), preview))
    if proof is not None:
        files[Path(proof)] = proof_json(made.result)
    write_all(files)
    return msgspec.structs.replace(made.result, file=Path(out)) if made.pdf else made.result


def proof_json(result: Result, locale: str = "en") -> bytes:
    """Return the proof file."""
    return (json.dumps(result.as_json(locale), ensure_ascii=False, indent=2) + "\n").encode()


def _outputs(made: Made, out: Path, preview: Path | None) -> dict[Path, bytes]:
    """Return the files of a made artefact: a PDF, or pictures when `out` is a .png."""
    from posters import raster

    assert made.sheet is not None
    box = made.sheet.boxes()
    cut = box["TrimBox"][0]
    crop = (cut, cut, cut, cut)
    files: dict[Path, bytes] = {}
    if out.suffix.lower() == ".png":
        dpi = SCREEN_PIXELS / (made.sheet.width / 25.4)
        for number, image in enumerate(raster.pages(made.pdf, dpi, crop), 1):
            name = out if number == 1 else out.with_stem(f"{out.stem}-{number}")
            files[name] = raster.png(image, dpi)
    else:
        files[out] = made.pdf
    if preview is not None:
        faces = raster.pages(made.pdf, PREVIEW_DPI, crop)
        files[Path(preview)] = raster.png(raster.contact(faces), PREVIEW_DPI)
    return files
