"""Can slips be printed?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, PrinterFact, Told, told
from ui.marks import N_

GOOD = {"ok", "near_end", "cannot_ask"}
WORDS = {
    "out": N_("{names}: out of paper."),
    "cover": N_("{names}: the cover is open."),
    "offline": N_("{names}: offline."),
    "error": N_("{names}: reports an error."),
    "nobody_answered": N_("{names}: does not answer."),
}


def check(facts: Facts) -> Finding | None:
    """Name the printers that cannot print, the worst state first; an error only when none is left."""
    bad = [p for p in facts.printers if p.state not in GOOD]
    if not bad:
        return None
    none_left = not any(p.state in GOOD for p in facts.printers if not p.mirror)
    state = min((p.state for p in bad), key=lambda s: list(WORDS).index(s) if s in WORDS else len(WORDS))
    names = ", ".join(p.name for p in bad if p.state == state) + _others(bad, state)
    return Finding(
        "printers",
        "error" if none_left else "warning",
        Told(WORDS.get(state, N_("{names}: cannot print.")), {"names": names}),
        told("Load paper, close the cover, check cable and power."),
    )


def _others(bad: list[PrinterFact], state: str) -> str:
    rest = [f"{p.name} {p.state}" for p in bad if p.state != state]
    return f" ({', '.join(rest)})" if rest else ""
