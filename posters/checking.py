"""Judge a PDF that is already there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from posters.errors import UsageError
from posters.result import Finding, Result, judge

if TYPE_CHECKING:
    from posters.proof import Expect

MAX_BYTES = 200 * 2**20
MAX_PAGES = 200


def check(path: Path, expect: str | None = None) -> Result:
    """Read every code of the file back and say whether it can be printed."""
    import pikepdf

    from posters.finish import CODES
    from posters.proof import prove

    path = Path(path)
    data = _read(path)
    try:
        with pikepdf.Pdf.open(path) as pdf:
            pages = len(pdf.pages)
            if pages > MAX_PAGES:
                raise UsageError("{file} has more than {n} pages", file=path, n=MAX_PAGES)
            told = str(pdf.docinfo.get(CODES, "")).split()
        proof = prove(data, _expected(expect, told, pages))
    except (pikepdf.PdfError, ValueError) as error:
        sentence = "{file} is not a PDF that can be opened: {why}"
        why = str(error).splitlines()[0].removeprefix(f"{path}: ") if str(error) else "damaged"
        return Result(
            "refuse", findings=[Finding.of("refuse", "pdf", str(path), sentence, file=path, why=why)]
        )
    verdict = judge(proof.findings)
    digest = hashlib.sha256(data).hexdigest()
    return Result(
        verdict,
        proof.pages,
        proof.faces,
        proof.findings,
        proof.fonts,
        proof.sheets,
        file=path,
        sha256=digest,
    )


def _expected(payload: str | None, told: list[str], pages: int) -> Expect:
    """Return what to look for; the file's own word on its sheets counts only when every page has one."""
    from posters.proof import Expect

    counted = any(word.isdecimal() and int(word) for word in told)
    if (
        len(told) != pages
        or not counted
        or not all(word == "s" or (word.isdecimal() and len(word) < 4) for word in told)
    ):
        return Expect(payloads=[payload] if payload else [])
    return Expect(
        payloads=[payload] if payload else [],
        codes=[0 if word == "s" else int(word) for word in told],
        sketches=[number for number, word in enumerate(told, 1) if word == "s"],
    )


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError("{file} is larger than 200 MB", file=path)
        return path.read_bytes()
    except OSError as error:
        raise UsageError("{file} cannot be read: {why}", file=path, why=error.strerror or error) from error
