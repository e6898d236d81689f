"""Any history of grants, redemptions, returns and lost journals: no coupon is honoured twice (P3)."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub.parts import Parts, now
from hub.schema import attempts, coupons
from kiosk.coupons.ids import new_rid
from kiosk.coupons.record import LeaseBody

from .lease_world import STOCK, Till, filled
from .test_model import unsafe_but_quick
from .test_upload import noted
from .world import issue, on_both

SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
SHARES = {"sqlite": 400, "postgresql": 200}
"""Histories in a full proof."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lease", "fetch", "offline", "offline", "online", "upload", "return", "later"]),
        st.integers(0, 1),
        st.integers(0, 3),
    ),
    min_size=5,
    max_size=40,
)


class Model(Till):
    """A kiosk that honours what the lease it has heard of permits, and tells the hub when it comes to it."""

    def __init__(self, parts: Parts, name: str) -> None:
        super().__init__(parts, name)
        self.known: dict[str, LeaseBody] = {}
        self.honoured: list[str] = []
        self.returned: set[str] = set()

    def fetch(self) -> None:
        self.known = {name: body for name, body in self.held().items() if name not in self.returned}

    def offline(self, coupon: str, at: datetime) -> None:
        for name, body in self.known.items():
            if coupon in (body.coupons or ()) and at <= body.not_after and coupon not in self.honoured:
                self.honoured.append(coupon)
                self.honour(coupon, name, at=at)
                return


def play(parts: Parts, steps: list[tuple[str, int, int]]) -> None:
    """Let two kiosks do as told, in any order, with the hub hearing of it whenever they upload."""
    stock = issue(parts, STOCK, 4)
    at, kiosks = now(), [Model(parts, f"k{new_rid()[:8]}") for _ in range(2)]
    for what, who, which in steps:
        kiosk, coupon = kiosks[who], stock[which]
        if what == "lease":
            kiosk.lease(at=at)
        elif what == "fetch":
            kiosk.fetch()
        elif what == "offline":
            kiosk.offline(coupon.coupon, at)
        elif what == "online" and coupon.coupon not in kiosk.honoured:
            if kiosk.ask(coupon.code, at).status == "ok":
                kiosk.honoured.append(coupon.coupon)
        elif what == "upload":
            kiosk.upload(at)
        elif what == "return" and kiosk.known:
            name, _ = kiosk.known.popitem()
            kiosk.returned.add(name)
            kiosk.give_back(name)
        elif what == "later":
            at += timedelta(hours=9)
    for kiosk in kiosks:
        kiosk.upload(at)
        for name in kiosk.held():
            kiosk.give_back(name)
        kiosk.upload(at)
    every = [name for kiosk in kiosks for name in kiosk.honoured]
    assert len(every) == len(set(every)), "P3: two kiosks honoured one coupon"
    query = sa.select(sa.func.count()).where(attempts.c.state == "conflict")
    assert parts.database.call(lambda c: c.execute(query).scalar()) == 0
    query = sa.select(sa.func.count()).where(coupons.c.leased_to.is_not(None))
    assert parts.database.call(lambda c: c.execute(query).scalar()) == 0
    assert noted(parts, "lease_breach") == noted(parts, "quarantined") == []


SHARED = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@on_both
@given(steps=STEPS)
@settings(max_examples=20, **SHARED)  # type: ignore[arg-type]
def test_no_history_of_two_kiosks_honours_a_coupon_twice(parts: Parts, steps: list[Any]) -> None:
    filled(parts, 0)
    play(parts, steps)


@pytest.mark.prove
@on_both
def test_no_history_of_many_honours_a_coupon_twice(
    parts: Parts, engine: str, record_property: Callable[[str, object], None]
) -> None:
    wanted, cases = int(SHARES[engine] * min(1.0, SECONDS / 60)), 0
    filled(parts, 0)
    unsafe_but_quick(parts)

    @given(steps=STEPS)
    @settings(max_examples=wanted, database=None, phases=[Phase.generate, Phase.shrink], **SHARED)  # type: ignore[arg-type]
    def many(steps: list[Any]) -> None:
        nonlocal cases
        cases += 1
        play(parts, steps)

    many()
    record_property("cases", cases)
    assert cases >= wanted
