"""Many stores on common sheets, and many files in one archive: what goes to a print shop in one piece."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from posters import catalog, making
from posters.drawing import Drawn, Job, art_of_many, finished, route_of
from posters.errors import FailedError
from posters.files import write_all
from posters.profiles import Output
from posters.result import Finding, Verdict

PART = 300  # stores in one file: a part is held in memory whole
EPOCH = (2026, 1, 1, 0, 0, 0)  # a date of its own would make equal archives differ


class Part(msgspec.Struct, frozen=True):
    """One file of sheets as it was judged."""

    file: Path
    stores: int
    verdict: Verdict
    findings: list[Finding]


def together(jobs: Sequence[Job], out: Path) -> list[Part]:
    """Put the pieces of all jobs on common sheets, in their order; a file that fails its proof is not written."""
    parts = []
    groups = [jobs[n : n + PART] for n in range(0, len(jobs), PART)]
    for number, group in enumerate(groups, 1):
        name = out if number == 1 else out.with_stem(f"{out.stem}-{number}")
        parts.append(_part(group, name))
    return parts


def _part(jobs: Sequence[Job], out: Path) -> Part:
    made = sheets(jobs)
    if made.good:
        write_all({out: made.pdf})
    return Part(out, len(jobs), made.result.verdict, made.result.findings)


def sheets(jobs: Sequence[Job]) -> making.Made:
    """Draw the pieces of all jobs with common fonts, assemble, finish and prove one file."""
    job = jobs[0]
    template, faces = job.chosen.template, len(job.chosen.faces)
    raw, draft, symbols = art_of_many(jobs)
    way = route_of(job, draft, len(jobs))
    title = f"{template.title.en} x {len(jobs)}"
    pdf = finished(raw, job, way, title, len(jobs))
    drawn = Drawn(symbols[0], [], way.boxes(faces), way.codes(faces), pdf=pdf)
    payloads = [symbol.payload for symbol in symbols]
    expected = _expected(way.codes(faces), payloads, faces, tent=bool(template.tent))
    return making.proven(drawn, template.module_mm, expected)


def _expected(codes: list[int], payloads: list[str], faces: int, *, tent: bool) -> list[list[str]]:
    """Return the payloads of each page: the pieces in order, the backs of a sheet those of its front."""
    pages: list[list[str]] = []
    done = 0
    per_piece = 2 if tent else 1
    sides = 1 if tent else faces
    for first in range(0, len(codes), sides):
        count = codes[first] // per_piece
        group = payloads[done : done + count] or [payloads[0]]
        if len(payloads) == 1:
            group = [payloads[0]] * count
        pages += [group * per_piece] * sides
        done += count
    return pages


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
