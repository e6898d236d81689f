"""`python -m ui.catalog compile|check`: keeps the catalogs in step with the sources, and the compiled (.mo) with the written (.po)."""

from __future__ import annotations

import string
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from ui.texts import catalog_dir

PACKAGES = ("ui", "kiosk", "hub", "posters")
MARKED = ("ui", "kiosk", "hub")
"""Packages whose sentences are marked by a call. Those of posters travel in findings; its own tests find them."""
MARKS: dict[str, tuple[int, ...] | None] = {"t": None, "_": None, "N_": None, "told": None}
METHODS = [("**.py", "python"), ("**.jinja", "jinja2")]
TIMELESS = datetime(2026, 1, 1, tzinfo=UTC)
"""The date in every compiled header, so that the same sentences make the same bytes."""
OPTIONS = {"**.jinja": {"silent": "false"}}
"""A template that does not parse is an error, not a template without texts."""


def catalogs() -> list[Path]:
    """Return every written catalog."""
    return sorted(p for package in PACKAGES for p in catalog_dir(package).rglob("*.po"))


def compiled(po: Path) -> bytes:
    """Return the compiled form of a catalog."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with po.open("rb") as f:
        catalog = read_po(f, abort_invalid=True)
    catalog.creation_date = catalog.revision_date = TIMELESS
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def stale() -> list[Path]:
    """Return the catalogs whose compiled form is missing or says something else; their headers name tools and are no matter."""
    from babel.messages.mofile import read_mo

    found = []
    for po in catalogs():
        mo = po.with_suffix(".mo")
        if not mo.is_file() or _said(read_mo(BytesIO(mo.read_bytes()))) != _said(
            read_mo(BytesIO(compiled(po)))
        ):
            found.append(po)
    return found


def _said(catalog: Iterable[Any]) -> dict[str, str]:
    return {str(m.id): str(m.string) for m in catalog if m.id and m.string}


def used(package: str) -> dict[str, str]:
    """Return every marked sentence of a package's sources with the place of its first use, `file:line`."""
    from babel.messages.extract import extract_from_dir

    root = catalog_dir(package).parent
    found: dict[str, str] = {}
    for file, line, msgid, _, _ in extract_from_dir(root, METHODS, OPTIONS, keywords=MARKS):
        if isinstance(msgid, str) and msgid:
            found.setdefault(msgid, f"{package}/{file}:{line}")
    return found


def written(package: str) -> dict[str, str]:
    """Return the sentences of a package's catalog and what they are in Chinese; none when it has no catalog yet."""
    from babel.messages.pofile import read_po

    po = catalog_dir(package) / "zh_CN" / "LC_MESSAGES" / f"{package}.po"
    if not po.is_file():
        return {}
    with po.open("rb") as f:
        return _said(read_po(f, abort_invalid=True))


def places(text: str) -> set[str]:
    """Return the names of a sentence's `{places}`."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def missing(packages: Iterable[str] = MARKED) -> list[str]:
    """Return one line for each sentence without Chinese, with other places in Chinese, or that nobody says any more.

    A page of a program may use a sentence of `ui`, so those count as said when any package says them.
    """
    shared, said = written("ui"), {name: used(name) for name in MARKED}
    found: list[str] = []
    for package in packages:
        own = written(package)
        for msgid, where in said[package].items():
            told = own.get(msgid) or shared.get(msgid)
            if not told:
                found.append(f'{where}: "{msgid}" has no Chinese')
        everywhere = (
            said[package] if package != "ui" else {m: w for name in MARKED for m, w in said[name].items()}
        )
        for msgid, told in own.items():
            if msgid not in everywhere:
                found.append(f'{package}.po: "{msgid}" is said nowhere')
            elif places(told) != places(msgid):
                found.append(f'{package}.po: "{msgid}" and "{told}" have different places')
    return found


def main(words: list[str]) -> int:
    """Compile, or check and name what is stale or missing."""
    if words == ["compile"]:
        for po in stale():
            po.with_suffix(".mo").write_bytes(compiled(po))
        return 0
    if words == ["check"]:
        wrong = [
            f"{po.name} is not compiled; run python -m ui.catalog compile." for po in stale()
        ] + missing()
        for line in wrong:
            print(line, file=sys.stderr)
        return 1 if wrong else 0
    print("usage: python -m ui.catalog compile|check", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
