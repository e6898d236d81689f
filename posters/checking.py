"""Judge a PDF that is already there."""

from __future__ import annotations

import hashlib
from pathlib import Path

from posters.errors import UsageError
from posters.result import Finding, Result, judge

MAX_BYTES = 200 * 2**20
MAX_PAGES = 200


def check(path: Path, expect: str | None = None) -> Result:
    """Read every code of the file back and say whether it can be printed."""
    import pikepdf

    from posters.proof import Expect, prove

    data = _read(path)
    try:
        with pikepdf.Pdf.open(path) as pdf:
            if len(pdf.pages) > MAX_PAGES:
                raise UsageError("{file} has more than {n} pages", file=path, n=MAX_PAGES)
        proof = prove(data, Expect(payloads=[expect] if expect else []))
    except (pikepdf.PdfError, ValueError) as error:
        sentence = "{file} is not a PDF that can be opened: {why}"
        why = str(error).splitlines()[0].removeprefix(f"{path}: ") if str(error) else "damaged"
        return Result(
            "refuse", findings=[Finding.of("refuse", "pdf", str(path), sentence, file=path, why=why)]
        )
    verdict = judge(proof.findings)
    digest = hashlib.sha256(data).hexdigest()
    return Result(verdict, proof.pages, proof.faces, proof.findings, proof.fonts, proof.sheets, path, digest)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError("{file} is larger than 200 MB", file=path)
        return path.read_bytes()
    except OSError as error:
        raise UsageError("{file} cannot be read: {why}", file=path, why=error.strerror or error) from error
