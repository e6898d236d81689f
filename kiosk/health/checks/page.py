"""Is the right QR on the glass?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, Severity, told
from ui.marks import N_

SAYINGS: dict[str, tuple[Severity, str, str]] = {
    "wrong": (
        "error",
        N_("The counter page shows another QR than it should."),
        N_("Restart the browser of the counter screen."),
    ),
    "stale": (
        "warning",
        N_("The counter page has stopped to report what it shows."),
        N_("Check the counter screen."),
    ),
    "unseen": (
        "error",
        N_("The code cannot be read from the counter screen, although the page shows it."),
        N_("Look whether something covers it; restart the service kiosk-screen."),
    ),
    "unplugged": (
        "error",
        N_("No display is connected to the counter screen's output."),
        N_("Check the HDMI cable and the display's power."),
    ),
    "dark": (
        "warning",
        N_("The counter screen's output is switched off during opening hours."),
        N_("Restart the service kiosk-screen."),
    ),
}


def check(facts: Facts) -> Finding | None:
    """Report a page that shows something else or is silent, and a display that cannot be seen."""
    if facts.page_proof not in SAYINGS:
        return None
    severity, problem, remedy = SAYINGS[facts.page_proof]
    return Finding("page", severity, told(problem), told(remedy))
