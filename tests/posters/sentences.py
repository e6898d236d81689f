"""Every sentence of posters that a person may read, found in its source."""

from __future__ import annotations

import ast
from pathlib import Path

import posters

SAYERS = {"UsageError", "FailedError", "RefusedError", "of", "say", "add", "_refused"}


def sentences() -> set[str]:
    """Return the constants that are handed to what speaks, and those kept in `sentence` first."""
    found: set[str] = set()
    for path in Path(posters.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in SAYERS:
                    found |= {_text(a) for a in node.args}
            elif isinstance(node, ast.Assign) and any(
                getattr(t, "id", "") == "sentence" for t in node.targets
            ):
                found.add(_text(node.value))
    from posters.cli import VERDICTS
    from posters.report import LEVELS

    return (
        {s for s in found if " " in s.strip()}
        | set(VERDICTS.values())
        | set(LEVELS.values())
        | {"proof", "findings"}
    )


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


if __name__ == "__main__":
    print("\n".join(sorted(sentences())))
