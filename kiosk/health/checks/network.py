"""Is the console where kiosk.toml opens it?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told


def check(facts: Facts) -> Finding | None:
    """Report an address that could not be listened on; the counter goes on at its own."""
    if not facts.not_open:
        return None
    screen = facts.not_open.startswith("127.")
    return Finding(
        "network",
        "error" if screen else "warning",
        told(
            "The pages cannot be reached at {address}: another program uses that port, this machine has no such address, or the certificate cannot be used; the log says which.",
            address=facts.not_open,
        ),
        told(
            "Remove the cause; the kiosk tries again by itself. The counter's screen asks for its page there."
        )
        if screen
        else told(
            "Remove the cause, then the kiosk opens it by itself; or choose another address in web.lan of kiosk.toml."
        ),
    )
