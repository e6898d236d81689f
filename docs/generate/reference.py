"""docs/reference.md: written by hand, but for the blocks between `<!-- made: NAME -->` and `<!-- end -->`."""

from __future__ import annotations

import importlib
import re
import sys
from types import ModuleType

from docs.generate import commands, endpoints, faults, settings
from docs.generate.locks import ROOT

PAGE = ROOT / "docs" / "reference.md"
BLOCK = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def blocks() -> dict[str, str]:
    """Return every made block by its name."""
    import hub.cli
    import hub.config
    import kiosk.cli
    import kiosk.config
    import posters.arguments

    return {
        "kiosk-commands": commands.block(kiosk.cli.build()),
        "posters-commands": commands.block(posters.arguments.parser()),
        "hub-commands": commands.block(hub.cli.build()),
        "kiosk-settings": settings.block(kiosk.config.Settings),
        "hub-settings": settings.block(hub.config.Settings),
        "kiosk-endpoints": endpoints.block(endpoints.kiosk()),
        "hub-endpoints": endpoints.block(endpoints.hub()),
        "faults": faults.block(),
        "later-printers": later(importlib.import_module("kiosk.printing.printers.factory")),
        "displays": displays(),
    }


def later(module: ModuleType) -> str:
    """Say which addresses a factory knows and does not serve yet."""
    schemes = [f"`{scheme}://`" for scheme in getattr(module, "LATER", ())]
    return (
        f"Kept for later versions, and refused with a sentence today: {', '.join(schemes)}."
        if schemes
        else ""
    )


def displays() -> str:
    """List the families of displays with what each module says about itself."""
    from kiosk.hardware.factory import languages

    rows = ["| display | |", "|---|---|"]
    for name, kind in languages().items():
        about = re.split(r"[:.]", sys.modules[kind.__module__].__doc__ or "")[0]
        rows.append(f"| `{name}+serial://`, `{name}+socket://` | {about} |")
    return "\n".join([*rows, "| `sim://` | on the page of simulated devices |"])


def page() -> str:
    """Return the page with its blocks as the code has them; a block that is missing or unknown is an error."""
    made = blocks()
    text = PAGE.read_text("utf-8")
    named = [match[2] for match in BLOCK.finditer(text)]
    if sorted(named) != sorted(made):
        raise ValueError(
            f"docs/reference.md has the blocks {sorted(named)}, the generator makes {sorted(made)}."
        )
    return BLOCK.sub(lambda match: f"{match[1]}{made[match[2]]}\n{match[3]}", text)
