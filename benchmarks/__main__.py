"""`python -m benchmarks [NAME ...]`: runs every benchmark, or those named, one after another."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def names() -> list[str]:
    """Return the benchmarks that there are."""
    return sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py") if p.stem != "figures")


def main(words: list[str]) -> int:
    """Run them; exit 2 for a name that is none."""
    unknown = [w for w in words if w not in names()]
    if unknown:
        print(f"there is no benchmark {unknown[0]}; there are {', '.join(names())}.", file=sys.stderr)
        return 2
    for name in words or names():
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
