"""Many stores on common sheets, and many files in one archive: what goes to a print shop in one piece."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from posters import catalog, making
from posters.drawing import Drawn, Job, art, finished, route_of
from posters.errors import FailedError
from posters.files import write_all
from posters.profiles import Output
from posters.result import Finding, Verdict

if TYPE_CHECKING:
    from posters.ops import Draft

PART = 300  # stores in one file: a part is held in memory whole
EPOCH = (2026, 1, 1, 0, 0, 0)  # a date of its own would make equal archives differ


class Part(msgspec.Struct, frozen=True):
    """One file of sheets as it was judged."""

    file: Path
    stores: int
    verdict: Verdict
    findings: list[Finding]


class Piece(msgspec.Struct, frozen=True):
    """The faces of one store, unfinished."""

    payload: str
    raw: bytes


def together(jobs: Sequence[Job], out: Path, workers: int) -> list[Part]:
    """Put the pieces of all jobs on common sheets, in their order; a file that fails its proof is not written."""
    parts = []
    groups = [jobs[n : n + PART] for n in range(0, len(jobs), PART)]
    for number, group in enumerate(groups, 1):
        name = out if number == 1 else out.with_stem(f"{out.stem}-{number}")
        parts.append(_part(group, name, workers))
    return parts


def _part(jobs: Sequence[Job], out: Path, workers: int) -> Part:
    pieces, draft = list(_pieces(jobs, workers)), art(jobs[0])[1]
    made = _sheets(jobs[0], pieces, draft)
    if made.good:
        write_all({out: made.pdf})
    return Part(out, len(jobs), made.result.verdict, made.result.findings)


def _pieces(jobs: Sequence[Job], workers: int) -> Iterator[Piece]:
    if workers <= 1 or len(jobs) < 2:
        yield from map(piece, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        yield from pool.map(piece, jobs, chunksize=8)


def piece(job: Job) -> Piece:
    """Draw the faces of one store."""
    raw, _, symbol, _ = art(job)
    return Piece(symbol.payload, raw)


def _sheets(job: Job, pieces: list[Piece], draft: Draft) -> making.Made:
    """Assemble, finish and prove one file."""
    from posters.symbol import encode

    template, faces = job.chosen.template, len(job.chosen.faces)
    way = route_of(job, draft, len(pieces))
    title = f"{template.title.en} x {len(pieces)}"
    pdf = finished(joined([p.raw for p in pieces]), job, way, title, len(pieces))
    drawn = Drawn(encode(pieces[0].payload), [], way.boxes(faces), way.codes(faces), pdf=pdf)
    return making.proven(
        drawn, template.module_mm, _expected(way.codes(faces), pieces, faces, bool(template.tent))
    )


def _expected(codes: list[int], pieces: list[Piece], faces: int, tent: bool) -> list[list[str]]:
    """Return the payloads of each page: the pieces in order, the backs of a sheet those of its front."""
    pages: list[list[str]] = []
    done = 0
    per_piece = 2 if tent else 1
    sides = 1 if tent else faces
    for first in range(0, len(codes), sides):
        count = codes[first] // per_piece
        group = [p.payload for p in pieces[done : done + count]] or [pieces[0].payload]
        if len(pieces) == 1:
            group = [pieces[0].payload] * count
        pages += [group * per_piece] * sides
        done += count
    return pages


def joined(raws: list[bytes]) -> bytes:
    """Return one file with the pages of all."""
    import pikepdf

    with pikepdf.Pdf.new() as whole:
        opened = [pikepdf.Pdf.open(BytesIO(raw)) for raw in raws]
        try:
            for pdf in opened:
                whole.pages.extend(pdf.pages)
            out = BytesIO()
            whole.save(out, deterministic_id=True)
        finally:
            for pdf in opened:
                pdf.close()
    return out.getvalue()


def archive(files: Sequence[Path], out: Path) -> None:
    """Write the files into one ZIP, whole or not at all; equal files give equal bytes."""
    handle, name = tempfile.mkstemp(prefix=f".{out.name[:40]}.", suffix=".part", dir=out.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in files:
                entry = zipfile.ZipInfo(path.name, EPOCH)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                packed.writestr(entry, path.read_bytes())
        temporary.chmod(0o644)
        os.replace(temporary, out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FailedError(
            "{file} could not be written: {why}; nothing was changed there",
            file=out,
            why=error.strerror or error,
        ) from error


def jobs_of(
    template_id: str, look: str | None, output: Output, base: Path, rows: Sequence[dict[str, str]]
) -> list[Job]:
    """Return a job a row."""
    chosen = catalog.choose(template_id, look)
    return [Job(chosen, row, output, base) for row in rows]
