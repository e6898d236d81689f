"""What customers take home: the coupon slip, and the store's link."""

from __future__ import annotations

from collections.abc import Sequence

from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.coupons.record import PoolCode
from kiosk.printing.layout import readable
from kiosk.printing.slip import Code128, Cut, Element, Feed, Logo, Qr, Rule, Slip, Text
from kiosk.printing.templates.parts import centre, cuts, name, pair, period, short, title, under, words
from ui.marks import N_
from ui.money import yuan

SHOWN = 3
"""Stores named on a slip; beyond that their number."""
DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


def coupon_slip(
    merchant: Merchant | None,
    store: Store | None,
    batch: Batch,
    code: PoolCode,
    locale: str,
    *,
    stores: Sequence[Store] = (),
    logo: str = "",
) -> Slip:
    """The slip coupon: what you get, the code three ways, then where, when and the small print.

    `stores` are those of the batch that are known here; `logo` is the name of a stored picture. A signed code has 119
    alphanumeric characters: version 5 at level M, 222 of 384 dots at 6 dots a module; a printer that stores it as bytes
    needs version 7 and 270 dots.
    """
    t = words(locale)
    shop = (merchant.name or merchant.short_name) if merchant else store.name if store else ""
    elements: list[Element] = [
        *([Logo(name=logo)] if logo else []),
        *([name(shop)] if shop else []),
        *([centre(short(store.name))] if store and store.name != shop else []),
        Rule(char="="),
        Feed(),
        *_prize(batch, locale),
        Qr(data=code.code, level="M", module=6),
        Code128(data=code.short, height=72, text=False),
        Text(text=readable(code.short), align="center", width=2, height=2, bold=True),
        Rule(),
        *under(t("Valid"), period(batch.begins, batch.ends, locale)),
        *_when(batch, locale),
        *_where(store, batch, stores, locale),
        Rule(),
        centre(t("Show this slip at the till. One use, no change given, no copy accepted.")),
        Feed(),
        centre(t("See you next time"), bold=True),
        Cut(),
    ]
    named = [s for s in stores if batch.stores is not None and s.id in batch.stores][:SHOWN]
    here = (store.name,) if store else ()
    where = (store.address,) if store and batch.stores == (store.id,) else ()
    notes = cuts(shop, *here, *where, *(s.name for s in named))
    return Slip(kind="coupon", elements=tuple(elements), notes=notes)


def _prize(batch: Batch, locale: str) -> list[Element]:
    """The reason to come back, largest of all: a value, or a thing."""
    t = words(locale)
    if batch.kind == "exchange":
        return [title(batch.name), centre(t("Free gift"))]
    least = (
        t("Spend ¥{threshold} or more", threshold=yuan(batch.threshold))
        if batch.threshold
        else t("No minimum")
    )
    return [title(t("¥{value} off", value=yuan(batch.value))), centre(least)]


def _when(batch: Batch, locale: str) -> list[Element]:
    """Days of the week and hours, where the batch has them."""
    t = words(locale)
    made: list[Element] = []
    if batch.weekdays:
        made.append(pair(t("Days"), _days(batch.weekdays, locale)))
    if batch.hours:
        made.append(pair(t("Hours"), " ".join(f"{h.start}-{h.end}" for h in batch.hours)))
    return made


def _days(weekdays: Sequence[int], locale: str) -> str:
    """Return days of the week; three and more in a row as a span."""
    t = words(locale)
    days = sorted(set(weekdays))
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return t("{first} to {last}", first=t(DAYS[days[0] - 1]), last=t(DAYS[days[-1] - 1]))
    return " ".join(t(DAYS[d - 1]) for d in days)


def _where(store: Store | None, batch: Batch, stores: Sequence[Store], locale: str) -> list[Element]:
    """The stores where it may be used."""
    t = words(locale)
    if batch.stores is None:
        return [pair(t("Store"), t("All our stores"))]
    if store and batch.stores == (store.id,):
        return under(t("Store"), f"{short(store.name)} {short(store.address)}".strip())
    known = [short(s.name) for s in stores if s.id in batch.stores]
    if store and store.id in batch.stores and short(store.name) not in known:
        known.insert(0, short(store.name))
    told = "、".join(known[:SHOWN]) if locale != "en" else ", ".join(known[:SHOWN])
    more = len(batch.stores) - min(len(known), SHOWN)
    if not known:
        return [pair(t("Stores"), t("{n} of our stores", n=more))]
    return under(t("Stores"), t("{names} and {n} more", names=told, n=more) if more else told)


def claim_slip(merchant: Merchant | None, store: Store, locale: str, *, logo: str = "") -> Slip:
    """The store's link on paper."""
    t = words(locale)
    shop = merchant.name if merchant else store.name
    elements: list[Element] = [
        *([Logo(name=logo)] if logo else []),
        name(shop),
        *([centre(short(store.name))] if store.name != shop else []),
        Rule(char="="),
        Feed(),
        title(t("Scan for coupons")),
        Qr(data=store.link, level="M", module=8),
        centre(t("Open WeChat, scan, claim; pay with the coupon.")),
        Cut(),
    ]
    return Slip(kind="claim", elements=tuple(elements), notes=cuts(shop, store.name))
