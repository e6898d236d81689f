"""Template + store data -> proven files. The one path through the house."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from posters import catalog, lint, merge, profiles
from posters.drawing import Drawn, Job, draw
from posters.errors import RefusedError, UsageError
from posters.files import write_all
from posters.imposition import Flip
from posters.ledger import Ledger, Printed, printed
from posters.profiles import Output
from posters.result import Finding, Result, judge

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from posters.finish import Boxes

PREVIEW_DPI = 150
PROOF_DPI = 60
PREVIEW_PIXELS = 700_000  # a face: drawn and packed in 15 ms, and wider than a phone shows
SCREEN_PIXELS = 1080  # width of a picture for chat groups


class Made(msgspec.Struct, frozen=True):
    """A finished, proven file in memory."""

    result: Result
    pdf: bytes = b""
    pictures: list[Picture] = []
    dpi: int = 0
    boxes: list[Boxes] = []

    @property
    def good(self) -> bool:
        """Say whether there is something to keep."""
        return self.result.verdict != "refuse"


def build(job: Job) -> Made:
    """Lay out, draw, finish and prove; a refusal has no bytes."""
    from ui.fonts import FontError

    profiles.check(job.output, len(job.chosen.faces))
    lint.demand_sound(job.chosen)
    try:
        drawn = draw(job)
    except RefusedError as error:
        return Made(Result("refuse", findings=[Finding.refusal(error)]))
    except FontError as error:
        raise UsageError("{why}", why=error) from error
    return proven(drawn, job.chosen.template.module_mm)


def proven(drawn: Drawn, module_mm: float, by_page: list[list[str]] | None = None) -> Made:
    """Read every code back; what fails has no bytes. `by_page` are the addresses of sheets that stores share."""
    from posters.proof import Expect, prove, prove_pictures

    symbol = drawn.symbol
    expect = Expect([symbol.payload], symbol.level, symbol.version, module_mm, drawn.codes, drawn.sketches)
    if by_page:
        expect = msgspec.structs.replace(expect, payloads=[], version=None, by_page=by_page)
    proof = prove_pictures(drawn.pictures, drawn.dpi, expect) if drawn.pictures else prove(drawn.pdf, expect)
    findings = drawn.notes + proof.findings
    verdict = judge(findings)
    result = Result(verdict, proof.pages, proof.faces, findings, proof.fonts, proof.sheets, drawn.shrunk)
    if verdict == "refuse":
        return Made(result)
    digest = hashlib.sha256(drawn.pdf or b"".join(p.tobytes() for p in drawn.pictures)).hexdigest()
    return Made(
        msgspec.structs.replace(result, sha256=digest), drawn.pdf, drawn.pictures, drawn.dpi, drawn.boxes
    )


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
    icc: Path | None = None,
    sheet: str = "",
    flip: Flip = "long",
    offset: tuple[float, float] = (0.0, 0.0),
    tile: str = "",
    ledger: Path | None = None,
    guides: bool = False,
) -> Result:
    """Make one artefact at `out`. On `refuse` nothing is written there and an older file stays as it is.

    Lengths are mm. `sheet` puts as many as fit on a4, a3 or sra3, the paper turned on its `flip` edge and the backs
    moved by `offset` (right, down); `tile` spreads a poster over many sheets; `icc` is the profile of press-x4;
    `ledger` remembers which address each material of a store opens and refuses a second one; with `guides` the
    preview shows the bleed and the lines of bleed, trim and safe area.
    """
    chosen = catalog.choose(template_id, look)
    output = Output(profile, Path(icc) if icc else None, sheet, flip, offset, tile)
    profiles.check(output, len(chosen.faces), Path(out))
    merge.reject_unknown(list(data), "data")
    pixels = Path(out).suffix.lower() in profiles.PICTURES["wideformat"]
    made = build(Job(chosen, dict(data), output, Path(base or ""), pixels))
    known = Ledger(Path(ledger)) if ledger is not None and made.good else None
    asked = printed(chosen.id, chosen.template, merge.merged(data)) if known else None
    if known and asked:
        made = _allowed(made, known, asked)
    files: dict[Path, bytes] = {}
    if made.good:
        files.update(_outputs(made, Path(out)))
        if preview is not None:
            safe = chosen.template.safe if guides else None
            alone = chosen.template.shape == "round" and not (sheet or tile)
            files[Path(preview)] = _preview(made, safe, cut_round=alone)
    if proof is not None:
        files[Path(proof)] = _proof(made, Path(proof), chosen, dict(data))
    write_all(files)
    if known and asked and made.good:
        known.record(asked)
    return msgspec.structs.replace(made.result, file=Path(out)) if made.good else made.result


def _proof(made: Made, path: Path, chosen: catalog.Chosen, data: dict[str, str]) -> bytes:
    """Return the proof as JSON, or as a page for people when the file is named .pdf."""
    if path.suffix.lower() != ".pdf":
        return proof_json(made.result)
    from posters.fontchain import missing
    from posters.report import proof_pdf

    locale = "zh_CN" if chosen.lang == "zh-CN" else "en"
    title = chosen.template.title.zh if locale == "zh_CN" else chosen.template.title.en
    named = " · ".join(part for part in (data.get("merchant", ""), data.get("store", ""), title) if part)
    printable = "".join(char for char in merge.clean(named) if char not in missing(named))
    shots = _shots(made, PROOF_DPI) if made.good else []
    return proof_pdf(made.result, shots, printable, locale, chosen.template.revised)


def _allowed(made: Made, known: Ledger, asked: Printed) -> Made:
    """Return the piece, or the refusal of a second address for it."""
    try:
        known.check(asked)
    except RefusedError as error:
        return Made(Result("refuse", findings=[Finding.refusal(error)]))
    return made


def proof_json(result: Result, locale: str = "en") -> bytes:
    """Return the proof file."""
    return (json.dumps(result.as_json(locale), ensure_ascii=False, indent=2) + "\n").encode()


def _outputs(made: Made, out: Path) -> dict[Path, bytes]:
    """Return the files of a made artefact: a PDF, or pictures when `out` is named like one."""
    from posters import raster

    files: dict[Path, bytes] = {}
    if made.pictures:
        from posters.separations import tiff

        files.update(
            zip(_names(out, len(made.pictures)), (tiff(p, made.dpi) for p in made.pictures), strict=True)
        )
    elif out.suffix.lower() == ".png":
        dpi = SCREEN_PIXELS / (made.boxes[0].trim[2] / 25.4)
        shots = raster.pages(made.pdf, dpi)
        files.update(zip(_names(out, len(shots)), (raster.png(shot, dpi) for shot in shots), strict=True))
    else:
        files[out] = made.pdf
    return files


def _names(out: Path, count: int) -> list[Path]:
    """Return a name a face: the second has -2."""
    return [out if n == 1 else out.with_stem(f"{out.stem}-{n}") for n in range(1, count + 1)]


def _shots(made: Made, dpi: float) -> list[Picture]:
    """Return a picture of each face or sheet, cut to its trim."""
    from posters import raster

    if not made.pictures:
        return raster.trimmed(made.pdf, dpi)
    share = dpi / made.dpi
    sizes = [(round(p.width * share), round(p.height * share)) for p in made.pictures]
    return [p.resize(size).convert("RGB") for p, size in zip(made.pictures, sizes, strict=True)]


def preview_dpi(sizes: list[tuple[float, float]]) -> float:
    """Return the resolution at which faces of `sizes` in mm are shown: large ones and many sheets coarser."""
    largest = max(width * height for width, height in sizes) / 25.4**2
    return min(PREVIEW_DPI, math.sqrt(PREVIEW_PIXELS / largest) / max(1.0, len(sizes) / 4))


def _preview(made: Made, safe: float | None, *, cut_round: bool = False) -> bytes:
    from posters import raster

    dpi = preview_dpi([box.trim[2:] for box in made.boxes])
    if safe is None or made.pictures:
        shots = _shots(made, dpi)
        return raster.png(raster.contact([raster.rounded(s) for s in shots] if cut_round else shots), dpi)
    from posters.guides import guided

    return raster.png(raster.contact(guided(made.pdf, made.boxes, safe, dpi)), dpi)
