"""Can slips be printed?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding

GOOD = {"ok", "near_end", "cannot_ask"}
WORDS = {
    "out": "is out of paper",
    "cover": "has its cover open",
    "offline": "is offline",
    "error": "reports an error",
    "nobody_answered": "does not answer",
}


def check(facts: Facts) -> Finding | None:
    """Name the printers that cannot print; an error only when none is left."""
    bad = [p for p in facts.printers if p.state not in GOOD]
    if not bad:
        return None
    told = "; ".join(f"{p.name} {WORDS.get(p.state, p.state)}" for p in bad)
    none_left = not any(p.state in GOOD for p in facts.printers if not p.mirror)
    return Finding(
        "printers",
        "error" if none_left else "warning",
        f"Printer {told}.",
        "Load paper, close the cover, check cable and power.",
    )
