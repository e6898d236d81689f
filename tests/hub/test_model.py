"""T1: the hub against a model that is a dictionary, on both databases: whatever is asked, recorded, voided and undone, in any order."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub.errors import Refused
from hub.parts import Parts, now
from hub.schema import attempts
from hub.store.envelope import read
from hub.store.facts import Facts
from kiosk.coupons.ids import new_rid
from kiosk.sync import protocol as p

from .test_decide import ask, load, redeemed, uses
from .world import Journal, batch, encoded, issue, on_both

SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
SHARES = {"sqlite": 3500, "postgresql": 1500}
"""Examples in a full proof: 5,000 in all."""
STOCK = {1: "ONCE", 2: "TWICE"}
WHAT = ("ask", "ask", "ask other", "record", "record", "void", "rollback", "undo", "again")
STEPS = st.lists(
    st.tuples(st.sampled_from(WHAT), st.integers(0, 1), st.integers(0, 2)), min_size=1, max_size=14
)


@dataclass
class Model:
    """One coupon: what became of each attempt, in the order of arrival, and how many uses are taken."""

    most: int
    used: int = 0
    states: dict[str, str] = field(default_factory=dict)

    def ask(self, rid: str) -> str:
        state = self.states.get(rid)
        if state is None:
            state = self.states[rid] = "ok" if self._take() else "deny"
        elif state in ("void", "rolled_back"):
            return "voided"
        elif state in ("recorded", "conflict"):
            return "any"  # that of its approval, or none where it was honoured without one
        return state

    def record(self, rid: str) -> None:
        state = self.states.get(rid)
        if state == "ok":
            self.states[rid] = "recorded"
        elif state in (None, "deny", "void"):
            self.states[rid] = "recorded" if self._take() else "conflict"

    def void(self, rid: str) -> None:
        state = self.states.get(rid)
        if state in (None, "deny"):
            self.states[rid] = "void"
        elif state == "ok":
            self._end(rid, "void")

    def rollback(self, rid: str) -> None:
        self._end(rid, "rolled_back")

    def undo(self, rid: str) -> bool:
        """Return whether the hub may undo it."""
        if self.states.get(rid) not in ("recorded", "conflict", "rolled_back"):
            return False
        self._end(rid, "rolled_back")
        return True

    def _take(self) -> bool:
        free = self.used < self.most
        self.used += free
        return free

    def _end(self, rid: str, state: str) -> None:
        was = self.states.get(rid)
        self.states[rid] = state
        if was not in ("ok", "recorded"):
            return
        waiting = next((r for r, s in self.states.items() if s == "conflict"), None)
        if waiting is None:
            self.used -= 1
        else:
            self.states[waiting] = "recorded"


class Kiosk:
    """What a kiosk sends: a journal that grows."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.name, self.book = parts, f"k{new_rid()[:12]}", Journal()
        self.last: p.Upload | None = None

    def send(self, kind: str, rid: str, body: dict[str, Any]) -> None:
        self.book.add(kind, rid, body)
        self.last = self.book.run(len(self.book.items))
        self.resend()

    def resend(self) -> None:
        if self.last is not None:
            raw = read(encoded(self.last))
            told = self.parts.database.call(self.parts.uploads.take, self.name, raw, now())
            assert told.items[0].status != "quarantined", told


def play(parts: Parts, most: int, steps: list[tuple[str, int, int]]) -> None:
    [coupon] = issue(parts, STOCK[most])
    model, kiosks, mark = Model(most), [Kiosk(parts) for _ in range(2)], new_rid()[:8]
    before = redeemed(parts, STOCK[most])
    body = {
        "coupon": coupon.coupon, "stock_id": STOCK[most], "store": "kjy-south", "verdict": "offline", "policy": "capped",
        "value": 100, "total": None, "threshold": "unchecked", "source": "scan",
    }  # fmt: skip
    for what, who, which in steps:
        kiosk, rid = kiosks[who], f"{mark}{who}{which}"
        if what == "ask":
            wanted, told = model.ask(rid), ask(parts, coupon.code, rid, kiosk.name)
            assert wanted == "any" or told.status == wanted, (what, wanted, told)
        elif what == "ask other" and rid in model.states:
            assert ask(parts, "NOSUCHCODE", rid, kiosk.name).status != "ok", "the same rid for another code"
        elif what == "record":
            model.record(rid)
            kiosk.send("redeem_record", rid, body)
        elif what == "void":
            model.void(rid)
            kiosk.send("void", rid, {})
        elif what == "rollback":
            model.rollback(rid)
            kiosk.send("rollback", new_rid(), {"of": rid})
        elif what == "undo":
            assert undone(parts, rid) == model.undo(rid)
        elif what == "again":
            kiosk.resend()
        assert uses(parts, coupon.coupon) == model.used, (what, model)
    rids = [f"{mark}{who}{which}" for who in range(2) for which in range(3)]
    query = sa.select(attempts.c.rid, attempts.c.state).where(attempts.c.rid.in_(rids))
    assert parts.database.call(lambda c: {r.rid: r.state for r in c.execute(query)}) == model.states
    assert redeemed(parts, STOCK[most]) - before == model.used
    conflicts = sum(s == "conflict" for s in model.states.values())
    assert conflicts == 0 or model.used == most, "P4: a conflict while a use is free"


def undone(parts: Parts, rid: str) -> bool:
    try:
        parts.database.call(parts.acts.roll_back, rid, "wrong", "boss", now())
    except Refused:
        return False
    return True


def filled(parts: Parts) -> None:
    load(parts, *(batch(name, threshold=0, max_uses=most, stock=10**6) for most, name in STOCK.items()))


def unsafe_but_quick(parts: Parts) -> None:
    """Flush nothing: order is proved here, not durability."""
    if parts.database.sqlite:
        sa.event.listen(
            parts.database.engine, "checkout", lambda raw, *_: raw.execute("PRAGMA synchronous=OFF")
        )


SHARED = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@on_both
@given(most=st.sampled_from([1, 2]), steps=STEPS)
@settings(max_examples=40, **SHARED)  # type: ignore[arg-type]
def test_the_hub_does_as_its_model(parts: Parts, most: int, steps: list[Any]) -> None:
    filled(parts)
    play(parts, most, steps)


@pytest.mark.prove
@on_both
def test_the_hub_does_as_its_model_in_thousands_of_histories(
    parts: Parts, engine: str, record_property: Callable[[str, object], None]
) -> None:
    wanted, cases = int(SHARES[engine] * min(1.0, SECONDS / 60)), 0
    filled(parts)
    unsafe_but_quick(parts)

    @given(most=st.sampled_from([1, 2]), steps=STEPS)
    @settings(max_examples=wanted, database=None, phases=[Phase.generate, Phase.shrink], **SHARED)  # type: ignore[arg-type]
    def many(most: int, steps: list[Any]) -> None:
        nonlocal cases
        cases += 1
        play(parts, most, steps)

    many()
    record_property("cases", cases)
    assert cases >= wanted


def test_the_model_finds_what_is_wrong(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub whose voids free nothing is told from the model at once."""
    filled(parts)
    monkeypatch.setattr(Facts, "_release", lambda *_: None)
    with pytest.raises(AssertionError):
        play(parts, 1, [("ask", 0, 0), ("void", 0, 0)])
