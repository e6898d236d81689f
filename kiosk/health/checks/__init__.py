"""One check a file: `check(facts) -> Finding | None`."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.health.checks import (
    clock,
    config,
    damage,
    devices,
    disk,
    hub,
    journal,
    keys,
    network,
    page,
    printers,
    prints,
)
from kiosk.health.model import Facts, Finding

CHECKS: tuple[Callable[[Facts], Finding | None], ...] = (
    config.check,
    hub.check,
    journal.check,
    damage.check,
    clock.check,
    disk.check,
    printers.check,
    prints.check,
    devices.check,
    page.check,
    keys.check,
    network.check,
)


def examine(facts: Facts) -> tuple[Finding, ...]:
    """Run every check, the worst findings first."""
    found = [finding for check in CHECKS if (finding := check(facts)) is not None]
    order = {"error": 0, "warning": 1, "info": 2, "ok": 3}
    return tuple(sorted(found, key=lambda f: order[f.severity]))
