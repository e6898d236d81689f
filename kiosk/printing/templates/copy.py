"""A slip that is printed once more."""

from __future__ import annotations

from datetime import datetime

import msgspec

from kiosk.printing.slip import Cut, Drawer, Rule, Slip
from kiosk.printing.templates.parts import centre, moment, words


def as_copy(slip: Slip, at: datetime, locale: str, *, worth: bool = True) -> Slip:
    """Return a slip marked as a copy; the drawer stays shut.

    `worth`: it carries a code, which is the same, so that both papers are worth once; a record carries none.
    """
    t = words(locale)
    mark = [Rule(), centre(t("Copy, {at}", at=moment(at, locale)), bold=True)]
    if worth:
        mark.append(centre(t("Same code, valid once.")))
    body = [e for e in slip.elements if not isinstance(e, Drawer)]
    end = next((n for n in reversed(range(len(body))) if isinstance(body[n], Cut)), len(body))
    return msgspec.structs.replace(slip, elements=(*body[:end], *mark, *body[end:]))
