"""Is the right QR on the glass?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told


def check(facts: Facts) -> Finding | None:
    """Report a page that shows something else, or that has stopped to report."""
    if facts.page_proof == "wrong":
        return Finding(
            "page",
            "error",
            told("The counter page shows another QR than it should."),
            told("Restart the browser of the counter screen."),
        )
    if facts.page_proof == "stale":
        return Finding(
            "page",
            "warning",
            told("The counter page has stopped to report what it shows."),
            told("Check the counter screen."),
        )
    return None
