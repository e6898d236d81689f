"""What a stand of this store says: the store's own data, what staff wrote, the offer that runs."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

from kiosk.counter.notdone import NotDone
from kiosk.web import own_stands, stand_ledger
from kiosk.web.services import Services
from posters.catalog import TemplateInfo
from ui.marks import N_
from ui.money import local, offer

AMOUNT_MOST = 16


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What staff write on a stand; what is empty comes from the template."""

    headline: Annotated[str, msgspec.Meta(max_length=24)] = ""
    subline: Annotated[str, msgspec.Meta(max_length=30)] = ""
    phone: Annotated[str, msgspec.Meta(max_length=24)] = ""
    amount: Annotated[str, msgspec.Meta(max_length=AMOUNT_MOST)] = ""
    until: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""


def required(info: TemplateInfo) -> set[str]:
    """Return the fields that a template cannot do without."""
    return {f["name"] for f in info.fields if f["required"]}


async def offers(services: Services) -> list[dict[str, str]]:
    """Return what the batches that run offer, and their last days."""
    now = services.clock.trusted().at
    return [
        {"amount": told, "until": local(b.ends).date().isoformat()}
        for b in await services.journal.batches()
        if b.status == "running" and b.ends > now and b.kind != "exchange"
        if len(told := offer(b.threshold, b.value, "zh_CN", b.kind)) <= AMOUNT_MOST
    ]


async def filled(
    services: Services, template: str, words: Words, *, making: bool = False, fresh: bool = False
) -> dict[str, str]:
    """Return what a template is filled with; NotDone says what is missing. `making`: not for a preview; `fresh`: as a new revision."""
    import posters

    info = next((i for i in posters.templates() if i.id == template), None)
    if info is None:
        raise NotDone("unknown_template", N_("There is no template {name}."), name=template)
    if (data := await own_stands.store_data(services)) is None:
        raise NotDone("no_store", N_("The cloud has not given this kiosk a store yet."))
    data |= {k: v for k in ("headline", "subline", "phone") if (v := getattr(words, k).strip())}
    if not required(info) & own_stands.OFFER:
        return await stand_ledger.revised(services, template, data, making=making, fresh=fresh)
    first = next(iter(await offers(services)), {"amount": "", "until": ""})
    data |= {k: getattr(words, k).strip() or first[k] for k in sorted(own_stands.OFFER)}
    if not all(data[k] for k in own_stands.OFFER):
        raise NotDone("no_offer", N_("Write the offer and its last day first; no batch runs that has them."))
    try:
        date.fromisoformat(data["until"])
    except ValueError:
        sentence = N_("{text} is no day of the calendar; write the last day as 2026-11-24.")
        raise NotDone("no_day", sentence, text=data["until"]) from None
    if data["until"] < local(services.clock.trusted().at).date().isoformat():
        raise NotDone("over", N_("That last day is over; write a later one."))
    return await stand_ledger.revised(services, template, data, making=making, fresh=fresh)
