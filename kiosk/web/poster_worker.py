"""The process that makes stands and posters: a line of JSON in, a line of JSON out, until its input ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from posters import PosterError, make
from ui.texts import LOCALES


def work(ask: dict[str, Any]) -> dict[str, Any]:
    """Make one artefact."""
    try:
        result = make(
            ask["template"],
            ask["data"],
            Path(ask["out"]),
            look=ask["look"] or None,
            profile=ask["profile"],
            preview=Path(ask["preview"]),
            ledger=Path(ask["ledger"]) if ask["ledger"] else None,
        )
    except PosterError as err:
        return {"error": {locale: err.say(locale) for locale in LOCALES}}
    told = {locale: [f.say(locale) for f in result.findings] for locale in LOCALES}
    return {"verdict": result.verdict, "told": told}


def main() -> None:
    """Serve until the other side hangs up."""
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
