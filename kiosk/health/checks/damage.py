"""Does a damaged journal lie aside that nobody has looked after?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told


def check(facts: Facts) -> Finding | None:
    """Tell of journals that were set aside for as long as their files are there: what could not be saved is in them alone."""
    if not facts.set_aside:
        return None
    return Finding(
        "damage",
        "warning",
        told("Set aside because of damage: {files}.", files=", ".join(facts.set_aside)),
        told(
            "Send it to support with a diagnostics bundle; remove it, with its -wal and -shm, once it is no longer wanted."
        ),
    )
