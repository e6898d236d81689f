"""Did the configuration say what was meant?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told
from kiosk.health.overheard import CONFIGURATION, heard, heard_all


def check(facts: Facts) -> Finding | None:
    """Report unknown keys, and an older configuration in use."""
    if facts.fallback_config:
        return Finding(
            "config",
            "error",
            heard(facts.config_warnings[0], CONFIGURATION),
            told("Correct kiosk.toml and restart the service."),
        )
    if facts.config_warnings:
        return Finding(
            "config",
            "warning",
            heard_all(facts.config_warnings, CONFIGURATION),
            told("Correct or remove those lines in kiosk.toml."),
        )
    return None
