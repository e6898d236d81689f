"""Rights that pass from kiosk to kiosk while another transaction looks at them: PostgreSQL lets two work at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from hub.parts import Parts
from hub.schema import attempts
from hub.store import decide
from hub.store import uses as of_coupons
from kiosk.coupons.ids import new_rid

from .test_decide import ask, upload, uses
from .test_shut_out import home_of, let_in, parted, pooled, revoke
from .world import SLIP, Journal

pytestmark = pytest.mark.parametrize("engine", ["postgresql"])
T = TypeVar("T")
DEADLINE_S = 30.0


class Paused:
    """Stops the first transaction that comes to a step of the work, until it is let go; later ones pass."""

    def __init__(self, step: Callable[..., Any]) -> None:
        self._step, self._taken = step, False
        self._reached, self._go = Event(), Event()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self._taken:
            self._taken = True
            self._reached.set()
            assert self._go.wait(DEADLINE_S), "nobody let it go"
        return self._step(*args, **kwargs)

    @contextmanager
    def during(self, work: Callable[[], T]) -> Iterator[list[T]]:
        """Run work on another thread up to the step, do what is within meanwhile, and let it end; its outcome is in the list."""
        told: list[T] = []
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(work)
            try:
                assert self._reached.wait(DEADLINE_S), "it never came to the step"
                yield told
            finally:
                self._go.set()
            told.append(running.result(DEADLINE_S))


def handed_out(parts: Parts) -> Any:
    """Let kA hand a slip out and be shut out, with kB beside it and kC in another store; return the slip."""
    let_in(parts, "kA")
    slip = pooled(parts, "kA")
    book = Journal()
    book.add("claim", "", {"coupon": slip.coupon, "stock_id": SLIP})
    upload(parts, "kA", book)
    let_in(parts, "kB")
    let_in(parts, "kC", "renmin")
    revoke(parts, "kA")
    assert home_of(parts, slip.coupon) is None
    return slip


def test_a_slip_that_gets_a_home_during_a_decision_is_left_to_it(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: kC looked while any kiosk might have it; from the commit on kB decides for it, also without the hub."""
    slip = handed_out(parts)
    paused = Paused(of_coupons.take_use)
    monkeypatch.setattr(decide, "take_use", paused)
    with paused.during(lambda: ask(parts, slip.code, device="kC", store="renmin")) as told:
        parted(parts, "kA")
        assert home_of(parts, slip.coupon) == "kB"
    assert (told[0].status, told[0].reason) == ("deny", "not_home")
    book = Journal()
    book.record(slip.coupon, "r1", stock_id=SLIP, policy="home")
    upload(parts, "kB", book)
    state = sa.select(attempts.c.state).where(attempts.c.rid == "r1")
    assert parts.database.call(lambda c: c.execute(state).scalar_one()) == "recorded"
    assert uses(parts, slip.coupon) == 1


def test_a_slip_that_is_used_during_a_decision_gets_no_home(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other way round: kC's use is taken first, so the heir, which knows its own uses only, does not get the slip."""
    slip = handed_out(parts)
    paused = Paused(decide._COUNT.run)
    monkeypatch.setattr(decide._COUNT, "run", paused)
    with (
        ThreadPoolExecutor(1) as beside,
        paused.during(lambda: ask(parts, slip.code, new_rid(), "kC", store="renmin")) as told,
    ):
        passing = beside.submit(parted, parts, "kA")
        waits(parts)
    passing.result(DEADLINE_S)
    assert (told[0].status, home_of(parts, slip.coupon)) == ("ok", None)


def waits(parts: Parts) -> None:
    """Return when a transaction waits for another one's lock."""
    query = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    until = time.monotonic() + DEADLINE_S
    while not parts.database.call(lambda c: c.execute(query).scalar_one()):
        assert time.monotonic() < until, "nobody waits"
