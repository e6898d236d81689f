"""Did the configuration say what was meant?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, as_is, told


def check(facts: Facts) -> Finding | None:
    """Report unknown keys, and an older configuration in use."""
    if facts.fallback_config:
        return Finding(
            "config",
            "error",
            as_is(facts.config_warnings[0]),
            told("Correct kiosk.toml and restart the service."),
        )
    if facts.config_warnings:
        return Finding(
            "config",
            "warning",
            as_is(" ".join(facts.config_warnings)),
            told("Correct or remove those lines in kiosk.toml."),
        )
    return None
