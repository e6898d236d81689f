"""The journal against a model of a few dictionaries: whatever is done in whatever order, through crashes and new epochs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kiosk.clock import ManualClock
from kiosk.coupons.record import ItemVerdict
from kiosk.events import Bus
from kiosk.journal.rows import Busy, Used
from kiosk.journal.store import Journal

from .conftest import NOW
from .rows import body, intent

R = TypeVar("R")
MANY = 300
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where a flush costs nothing: this is about order, the drills are about disks."""
COUPONS = st.sampled_from(["1-1", "1-2", "1-3"])
USES = {"1-1": 1, "1-2": 1, "1-3": 2}


class JournalModel(RuleBasedStateMachine):
    """`open`: rid -> coupon; `held`: rid -> (coupon, verdict, value, acknowledged)."""

    histories = 0
    """How many were played."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.dir = Path(tempfile.mkdtemp(prefix="journal-model-", dir=MEMORY))
        self.clock = ManualClock(NOW)
        self.rid = 0
        self.open: dict[str, str] = {}
        self.held: dict[str, list[Any]] = {}
        self.waiting = 0

    def do(self, work: Coroutine[Any, Any, R]) -> R:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        type(self).histories += 1
        self.journal = Journal(self.dir / "data", self.clock, Bus())
        self.do(self.journal.start())

    def teardown(self) -> None:
        self.do(self.journal._db.close())
        self.loop.close()
        shutil.rmtree(self.dir)

    def uses(self, coupon: str) -> set[str]:
        return {rid for rid, (c, *_) in self.held.items() if c == coupon}

    # -- what happens at a counter --

    @rule(coupon=COUPONS)
    def intend(self, coupon: str) -> None:
        self.rid += 1
        rid = f"r{self.rid}"
        wanted: type[Exception] | None = None
        if coupon in self.open.values():
            wanted = Busy
        elif len(self.uses(coupon)) >= USES[coupon]:
            wanted = Used
        work = self.journal.intend(intent(rid, coupon, max_uses=USES[coupon]))
        if wanted is None:
            self.do(work)
            self.open[rid] = coupon
        else:
            with pytest.raises(wanted):
                self.do(work)

    @precondition(lambda self: self.open)
    @rule(verdict=st.sampled_from(["confirmed", "offline"]), value=st.integers(0, 500))
    def record(self, verdict: str, value: int) -> None:
        rid, coupon = self.open.popitem()
        self.do(
            self.journal.record(
                rid, body=body(coupon, verdict, value), code_key=coupon, store_name="x", value=value, result={},
                max_uses=USES[coupon],
            )
        )  # fmt: skip
        self.held[rid] = [coupon, verdict, value, False]
        self.waiting += 1

    @precondition(lambda self: self.open)
    @rule(how=st.sampled_from(["void", "deny"]))
    def refuse(self, how: str) -> None:
        rid, coupon = self.open.popitem()
        if how == "void":
            self.do(self.journal.void(rid, "no"))
        else:
            self.do(self.journal.deny(rid, reason="used", by="hub", coupon=coupon, stock_id="S1"))
        self.waiting += 1

    @rule(n=st.integers(0, 5))
    def rollback(self, n: int) -> None:
        rid = f"r{n}"
        assert self.do(self.journal.rollback(rid, f"b{self.rid}-{n}", "x", "staff")) == (rid in self.held)
        if self.held.pop(rid, None) is not None:
            self.waiting += 1

    # -- what happens to the kiosk --

    @rule(seconds=st.sampled_from([1, 3600, -7200, 86_400 * 20]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(limit=st.integers(1, 4))
    def upload(self, limit: int) -> None:
        run = self.do(self.journal.pending(limit))
        assert (run is None) == (self.waiting == 0)
        if run is None:
            return
        last = run.items[-1].seq
        self.do(self.journal.acknowledge(run.epoch, last, [ItemVerdict(last, "accepted")]))
        self.waiting -= len(run.items)
        for item in run.items:
            if item.rid in self.held and item.kind == "redeem_record":
                self.held[item.rid][3] = True

    @rule()
    def new_epoch(self) -> None:
        before = self.journal.epoch
        assert self.do(self.journal.begin_epoch()) != before

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        self.do(self.journal.stop() if clean else self.journal._db.close())
        self.journal = Journal(self.journal.dir, self.clock, Bus())
        recovery = self.do(self.journal.start())
        assert (recovery.voided, recovery.unclean, recovery.told) == (len(self.open), not clean, "")
        self.waiting += len(self.open)
        self.open.clear()

    # -- what must hold --

    @invariant()
    def the_journal_is_what_the_model_is(self) -> None:
        if not hasattr(self, "journal"):
            return
        for coupon in USES:
            assert {u.rid for u in self.do(self.journal.uses(coupon))} == self.uses(coupon)
        offline = [h for h in self.held.values() if h[1] == "offline" and not h[3]]
        exposure = self.do(self.journal.exposure("S1"))
        assert (exposure.count, exposure.value) == (len(offline), sum(h[2] for h in offline))
        assert self.do(self.journal.backlog()).count == self.waiting
        assert self.do(self.journal.verify()).ok


def test_the_journal_follows_its_model() -> None:
    run_state_machine_as_test(JournalModel, settings=settings(max_examples=25, stateful_step_count=30))


@pytest.mark.prove
def test_the_journal_follows_its_model_for_long(record_property: Callable[[str, object], None]) -> None:
    JournalModel.histories = 0
    run_state_machine_as_test(JournalModel, settings=settings(max_examples=MANY, stateful_step_count=60))
    record_property("cases", JournalModel.histories)
    assert JournalModel.histories >= MANY
