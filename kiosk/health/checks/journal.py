"""Does the journal go up, and was it whole at the start?"""

from __future__ import annotations

from datetime import timedelta

from kiosk.health.model import Facts, Finding, told
from kiosk.health.overheard import JOURNAL, PUT_BACK, heard

OLDEST = timedelta(hours=1)
MOST = 500
"""One upload's worth (facts: sync-fleet B7)."""


def check(facts: Facts) -> Finding | None:
    """Warn about rows that wait too long, about mended journals and about conflicts."""
    if facts.recovered:
        restored = facts.recovered == PUT_BACK
        return Finding(
            "journal",
            "info" if restored else "error",
            heard(facts.recovered, JOURNAL),
            told("Connect the kiosk to the hub; it tells what was used meanwhile.")
            if restored
            else told("Keep the file that was set aside and send a diagnostics bundle to support."),
        )
    if facts.backlog > MOST or (facts.oldest and facts.now - facts.oldest > OLDEST):
        return Finding(
            "journal",
            "warning",
            told("Rows that wait to be uploaded: {n}.", n=facts.backlog),
            told("Connect the kiosk to the hub; nothing is lost meanwhile."),
        )
    if facts.conflicts:
        return Finding(
            "journal",
            "warning",
            told("Redemptions in conflict with another kiosk: {n}.", n=facts.conflicts),
            told("See the day report in the staff console."),
        )
    return None
