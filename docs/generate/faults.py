"""The faults that the simulators can be told to have, from their FAULTS."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

import simulators


def found() -> dict[str, dict[str, str]]:
    """Return the faults with what they do, by module."""
    known: dict[str, dict[str, str]] = {}
    for info in pkgutil.walk_packages(simulators.__path__, "simulators."):
        if info.name.endswith(".__main__"):
            continue
        module = importlib.import_module(info.name)
        faults = getattr(module, "FAULTS", ())
        # The tour has FAULTS too: the exceptions that fail a step.
        if faults and all(isinstance(name, str) for name in faults):
            known[info.name] = dict(faults) if isinstance(faults, Mapping) else dict.fromkeys(faults, "")
    return known


def block() -> str:
    """Return the faults as tables."""
    lines: list[str] = []
    for module, faults in sorted(found().items()):
        about = (importlib.import_module(module).__doc__ or "").strip().splitlines()[0]
        lines += [
            f"#### `python -m {module}`",
            "",
            about.partition(" `python -m")[0],
            "",
            "| fault | |",
            "|---|---|",
        ]
        lines += [f"| `{name}` | {told} |" for name, told in faults.items()] + [""]
    return "\n".join(lines).rstrip()
