"""What the stands of this store open: one address a material, and another one only as a new revision that somebody asks for.

The ledger is the posters' own (`kiosk-posters --ledger`); the maker of the file checks it again and records what it made.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from kiosk.counter.notdone import NotDone
from kiosk.web.services import Services
from ui.marks import N_

LEDGER = "stands.jsonl"
SECOND = N_(
    "This material was printed with another link ({old}). Two stands of one store that open different pages cannot be told apart; collect the old ones, then make it as a new revision."
)


def place(services: Services) -> Path:
    """Return where it is kept."""
    return services.data_dir / LEDGER


async def revised(
    services: Services, template: str, data: dict[str, str], *, making: bool, fresh: bool
) -> dict[str, str]:
    """Return the data with its revision where it is not the template's own; NotDone when it would open a second address.

    Another offer is another revision by itself: its day ends anyway. Another link is one when it is asked for (`fresh`).
    """
    return await asyncio.to_thread(_revised, place(services), template, data, making and not fresh)


def _revised(path: Path, template: str, data: dict[str, str], strict: bool) -> dict[str, str]:
    from posters import catalog, terms
    from posters.ledger import Ledger, Printed

    chosen = catalog.choose(template, None).template
    asked = Printed(data["store_id"], template, data["url"], chosen.revision, terms.of(chosen, data))
    known = Ledger(path).last(asked)
    if known is None:
        number = asked.revision
    elif (known.payload, known.terms) == (asked.payload, asked.terms):
        number = max(known.revision, chosen.revision)
    elif strict and known.payload != asked.payload:
        raise NotDone("second_link", SECOND, old=known.payload)
    else:
        number = max(known.revision + 1, chosen.revision)
    permanent = chosen.kind != "versioned"
    return data if permanent and number == chosen.revision else {**data, "revision": str(number)}
