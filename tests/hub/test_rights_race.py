"""Rights that pass from kiosk to kiosk while another transaction looks at them: PostgreSQL lets two work at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from hub.parts import Parts, now
from hub.schema import attempts, coupons
from hub.store import decide
from hub.store import uses as of_coupons
from kiosk.coupons.ids import new_rid

from .lease_world import STOCK, STORE, Till, filled, row
from .test_decide import ask, upload, uses
from .test_shut_out import by_hand, home_of, let_in, parted, pooled, revoke
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
        assert waiting(parts, passing)
    passing.result(DEADLINE_S)
    assert (told[0].status, home_of(parts, slip.coupon)) == ("ok", None)


def waiting(parts: Parts, running: Future[Any]) -> bool:
    """Return when work waits for another transaction's lock, or has ended: whether it waits."""
    query = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    until = time.monotonic() + DEADLINE_S
    while not running.done():
        if parts.database.call(lambda c: c.execute(query).scalar_one()):
            return True
        assert time.monotonic() < until, "it neither waits nor ends"
    return False


def claim(parts: Parts) -> str:
    return parts.database.call(parts.coupons.claim, "o1", STOCK, STORE, None, now())


def leased(parts: Parts, coupon: str) -> Any:
    """Return the lease that a coupon is in, or None."""
    number, _, serial = coupon.partition("-")
    where = (coupons.c.batch == int(number), coupons.c.serial == int(serial))
    name = parts.database.call(lambda c: c.execute(sa.select(coupons.c.lease).where(*where)).scalar_one())
    return None if name is None else row(parts, name)


@pytest.fixture
def till(parts: Parts) -> Till:
    """A kiosk with a lease that has room, and another kiosk."""
    filled(parts, 2)
    let_in(parts, "kA")
    let_in(parts, "kB")
    till = Till(parts, "kA")
    assert till.lease().amount == 2
    return till


def test_a_lease_is_renewed_after_the_coupon_that_joins_it(
    parts: Parts, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What joined the lease before would belong to none: no renewal takes it, and it never lapses."""
    paused = Paused(parts.coupons._leases._reserve)
    monkeypatch.setattr(parts.coupons._leases, "_reserve", paused)
    with ThreadPoolExecutor(1) as beside, paused.during(lambda: claim(parts)) as told:
        renewing = beside.submit(till.lease)
        assert waiting(parts, renewing)
    assert renewing.result(DEADLINE_S).amount == 3
    assert leased(parts, told[0]).state == "held"
    assert told[0] in till.names()


def test_a_lease_that_is_being_renewed_takes_no_coupon(
    parts: Parts, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its kiosk would be told of a coupon that the renewal, which has counted, then lets go to everybody."""
    paused = Paused(parts.leases._give)
    monkeypatch.setattr(parts.leases, "_give", paused)
    with ThreadPoolExecutor(1) as beside, paused.during(till.lease):
        claiming = beside.submit(claim, parts)
        if not waiting(parts, claiming):
            assert leased(parts, claiming.result()) is None, "it passed the lease over"
    coupon = claiming.result(DEADLINE_S)
    assert leased(parts, coupon) is None
    assert till.lease().amount == 3
    assert coupon in till.names()


def test_a_kiosk_is_shut_out_after_what_it_is_being_given(
    parts: Parts, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease ends with the others, and lapses in its time."""
    paused = Paused(parts.leases._give)
    monkeypatch.setattr(parts.leases, "_give", paused)
    with ThreadPoolExecutor(1) as beside, paused.during(lambda: till.lease("L2")) as told:
        revoking = beside.submit(revoke, parts, "kA")
        assert waiting(parts, revoking)
    revoking.result(DEADLINE_S)
    assert (told[0].amount, row(parts, "L2").state) == (2, "ending")


@pytest.mark.parametrize("by", ["pool", "hand"])
def test_slips_given_while_their_home_is_shut_out_are_released_too(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    let_in(parts, "kA")
    paused = Paused(parts.coupons.issue)
    monkeypatch.setattr(parts.coupons, "issue", paused)
    give: Callable[[], Any] = (
        (lambda: pooled(parts, "kA")) if by == "pool" else (lambda: by_hand(parts, STORE))
    )
    with ThreadPoolExecutor(1) as beside, paused.during(give) as told:
        revoking = beside.submit(revoke, parts, "kA")
        assert waiting(parts, revoking)
    revoking.result(DEADLINE_S)
    let_in(parts, "kB")
    answer = ask(parts, told[0].code, device="kB")
    assert (answer.status, answer.reason) == (("deny", "revoked") if by == "pool" else ("ok", ""))
