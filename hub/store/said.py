"""What a record says of itself, as far as it can be true: pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from hub.store.envelope import clean
from kiosk.coupons.batch import Batch
from kiosk.sync.protocol import Item

MAX_FEN = 10**12
COUPON = re.compile(r"([0-9]{1,10})-([0-9]{1,10})", re.ASCII)


class Poison(Exception):
    """An item that makes no sense."""


def lateness(batch: Batch, item: Item) -> str:
    """Say when a redemption was honoured: late, or at a time that was possibly still within the period by the kiosk's error."""
    if batch.status != "running":
        return "accepted_late"
    if item.t.trusted <= batch.ends:
        return "accepted"
    error = timedelta(seconds=item.t.error_s or 0.0)
    return "accepted_grace" if item.t.trusted - error <= batch.ends else "accepted_late"


def said(item: Item) -> dict[str, Any]:
    """Return what a record says of itself, as far as the tables can hold it; Poison when it cannot be true."""
    body = item.body
    store = body.get("store")
    if not isinstance(store, str):
        raise Poison("the record names no store")
    money = {"value": body.get("value") or 0, "total": body.get("total")}
    for name, fen in money.items():
        if fen is not None and (type(fen) is not int or not 0 <= fen <= MAX_FEN):
            raise Poison(f"{name} {str(fen)[:40]} is no amount in fen")
    words = {
        name: clean(str(body.get(name) or usual))
        for name, usual in (("policy", ""), ("source", ""), ("threshold", "unchecked"))
    }
    return {
        "store": clean(store)[:32],
        "policy": words["policy"][:16],
        "source": words["source"][:32],
        "threshold": words["threshold"][:16],
        "lease": None if body.get("lease") is None else clean(str(body["lease"]))[:32],
        "at": item.t.trusted,
        "error_s": item.t.error_s,
        **money,
    }
