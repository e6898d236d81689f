"""`python -m docs.generate [--check]`: write the generated documents, or name those that are not in step."""

from __future__ import annotations

import argparse
import sys

from docs.generate import licences, reference
from docs.generate.locks import ROOT

DOCS = ROOT / "docs"


def documents() -> dict[str, str]:
    """Return every generated document by its name in docs/."""
    return {"licences.md": licences.page(), "reference.md": reference.page()}


def now(name: str) -> str | None:
    """Return a document as it stands."""
    path = DOCS / name
    return path.read_text("utf-8") if path.exists() else None


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when a document is not in step"
    )
    check = parser.parse_args().check
    stale = {name: text for name, text in documents().items() if now(name) != text}
    for name, text in stale.items():
        if check:
            print(f"docs/{name} is not in step with the code; run make docs.", file=sys.stderr)
        else:
            (DOCS / name).write_text(text, "utf-8")
            print(f"docs/{name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
