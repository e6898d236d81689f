"""`python -m ui.catalog compile|check`: keeps the compiled catalogs (.mo) in step with the written ones (.po)."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from ui.texts import catalog_dir

PACKAGES = ("ui", "kiosk", "hub", "posters")


def catalogs() -> list[Path]:
    """Return every written catalog."""
    return sorted(p for package in PACKAGES for p in catalog_dir(package).rglob("*.po"))


def compiled(po: Path) -> bytes:
    """Return the compiled form of a catalog."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with po.open("rb") as f:
        catalog = read_po(f, abort_invalid=True)
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def stale() -> list[Path]:
    """Return the catalogs whose compiled form is missing or old."""
    return [
        po
        for po in catalogs()
        if not (mo := po.with_suffix(".mo")).is_file() or mo.read_bytes() != compiled(po)
    ]


def main(words: list[str]) -> int:
    """Compile, or check and name what is stale."""
    if words not in (["compile"], ["check"]):
        print("usage: python -m ui.catalog compile|check", file=sys.stderr)
        return 2
    for po in stale():
        if words == ["check"]:
            print(f"{po.name} is not compiled; run python -m ui.catalog compile.", file=sys.stderr)
            return 1
        po.with_suffix(".mo").write_bytes(compiled(po))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
