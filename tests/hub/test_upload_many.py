"""Uploads beside each other and beside decisions: nobody waits for a whole journal, nobody stops another one."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from hub.device_api import JOURNALS
from hub.parts import Parts, now
from hub.schema import attempts, changes, devices
from hub.server import Hub
from hub.store import database, upload
from hub.store.catalog import Catalog
from hub.store.envelope import Envelope, read
from hub.store.facts import Facts
from hub.store.said import Poison
from kiosk.coupons.ids import new_rid

from .test_decide import ask, load, redeemed, uses
from .test_decide import upload as sent
from .test_rights_race import DEADLINE_S, Paused
from .world import SLIP, Journal, Kiosk, batch, encoded, issue, issued, on_both, opened

STOCKS = ("X", "Y", "Z")
RULE = {"policy": "capped", "count": 5000, "value": 10**8, "max_age_s": 86400}


def loaded(parts: Parts) -> None:
    load(parts, *(batch(stock, threshold=0, offline=RULE) for stock in STOCKS))


def enrolled(parts: Parts, name: str) -> None:
    """Let a kiosk in that has no key."""

    def work(c: sa.Connection) -> None:
        values = {"tenant": "main", "id": name, "public_key": name.encode(), "name": name, "state": "pending"}
        c.execute(sa.insert(devices).values(**values, created_at=now(), fingerprint={}))
        parts.devices._accept(c, name, "kjy-south", "t", now())

    parts.database.call(work)


def take(parts: Parts, device: str, run: Envelope) -> Any:
    return parts.database.call(parts.uploads.take, device, run, now())


@on_both
def test_counters_are_written_once_and_in_one_order(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last item, each batch once, by name: a row of a batch is held for the moment of the commit alone."""
    loaded(parts)
    book, seen = Journal(), []
    for stock in ("Z", "X", "Z", "Y", "X"):
        book.record(issue(parts, stock)[0].coupon, stock_id=stock)
    count, store = Catalog.count, parts.uploads._store
    monkeypatch.setattr(Catalog, "count", lambda self, c, s, **m: (seen.append(s), count(self, c, s, **m)))
    monkeypatch.setattr(parts.uploads, "_store", lambda *a: (seen.append("item"), store(*a)))
    take(parts, "kA", read(encoded(book.run())))
    assert seen == ["item"] * 5 + ["X", "Y", "Z"]
    assert [redeemed(parts, stock) for stock in STOCKS] == [2, 1, 2]


@on_both
def test_what_fails_half_way_is_not_counted(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(parts)
    good, bad = issue(parts, "X", 2)
    book = Journal()
    book.record(bad.coupon, rid := new_rid(), stock_id="X")
    book.record(good.coupon, stock_id="X")
    apply = Facts.apply

    def half(self: Facts, c: sa.Connection, device: str, item: Any, at: Any) -> Any:
        told = apply(self, c, device, item, at)
        if item.rid == rid:
            raise Poison("half way")
        return told

    monkeypatch.setattr(Facts, "apply", half)
    told = take(parts, "kA", read(encoded(book.run())))
    assert [v.status for v in told.items] == ["quarantined", "accepted"]
    assert (uses(parts, bad.coupon), redeemed(parts, "X")) == (0, 1)


def test_claims_of_one_upload_are_told_once(parts: Parts) -> None:
    """A roll of slips that were handed out moves its batch in the change log once, not once a slip."""

    enrolled(parts, "kA")
    book = Journal()
    for one in parts.database.call(parts.coupons.pool, "kA", SLIP, new_rid(), 20, now()):
        book.add("claim", body={"coupon": one.coupon, "stock_id": SLIP})

    def last(c: sa.Connection) -> int:
        return int(c.execute(sa.select(sa.func.max(changes.c.id))).scalar_one())

    before = parts.database.call(last)
    take(parts, "kA", read(encoded(book.run())))
    assert parts.database.call(last) == before + 1
    found = parts.database.call(parts.catalog.batch, SLIP)
    assert found is not None
    assert found.claimed == 20


@pytest.mark.parametrize("engine", ["postgresql"])
def test_uploads_side_by_side_never_stop_each_other(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six kiosks with the same coupons of three batches, each in an order of its own: no deadlock, no use too many."""
    loaded(parts)
    kiosks, each = 6, 12
    made = [one for stock in STOCKS for one in issue(parts, stock, each)]
    runs = []
    for n in range(kiosks):
        book = Journal()
        for one in random.Random(n).sample(made, len(made)):
            book.record(one.coupon, stock_id=one.stock_id)
        runs.append(read(encoded(book.run())))
    states: list[Any] = []
    cause = database._cause
    monkeypatch.setattr(
        database, "_cause", lambda err: (states.append(getattr(cause(err), "sqlstate", "")), cause(err))[1]
    )
    begin = threading.Barrier(kiosks)

    def up(n: int) -> list[str]:
        begin.wait(10)
        return [v.status for v in take(parts, f"u{n}", runs[n]).items]

    with ThreadPoolExecutor(kiosks) as pool:
        told = [status for statuses in pool.map(up, range(kiosks)) for status in statuses]
    assert "40P01" not in states, "a deadlock was resolved by force, and its transaction run again"
    assert told.count("accepted") == len(made)
    assert [redeemed(parts, stock) for stock in STOCKS] == [each] * 3
    assert all(uses(parts, one.coupon) == 1 for one in made)


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_decision_does_not_wait_for_an_upload_of_its_batch(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload stands still behind its last item; a coupon of the same batch is decided meanwhile."""
    loaded(parts)
    mine, other = issue(parts, "X", 2)
    book = Journal()
    book.record(mine.coupon, stock_id="X")
    store, done, go = parts.uploads._store, threading.Event(), threading.Event()

    def standing(*args: Any) -> None:
        store(*args)
        done.set()
        assert go.wait(20)

    monkeypatch.setattr(parts.uploads, "_store", standing)
    with ThreadPoolExecutor(2) as pool:
        under_way = pool.submit(take, parts, "kA", read(encoded(book.run())))
        try:
            assert done.wait(10)
            assert pool.submit(ask, parts, other.code, "", "kB").result(10).status == "ok"
        finally:
            go.set()
        assert under_way.result(10).ack_through == 1
    assert redeemed(parts, "X") == 2


def test_an_upload_is_cut_into_runs_that_continue_each_other() -> None:
    book = Journal()
    for _ in range(2 * upload.LOT + 1):
        book.add("attempt_denied", body={"coupon": None})
    whole = msgspec.structs.replace(read(encoded(book.run(3))), parting=True)
    parts = list(upload.lots(whole))
    assert [len(one.items) for one in parts] == [upload.LOT, upload.LOT - 1]
    assert [one.first_seq for one in parts] == [3, 3 + upload.LOT]
    assert parts[1].prev == book.items[upload.LOT + 1].hash
    assert [one.parting for one in parts] == [False, True]
    [empty] = upload.lots(msgspec.structs.replace(whole, items=()))
    assert (empty.items, empty.parting) == ((), True)


@on_both
async def test_a_decision_comes_between_the_runs_of_a_long_upload(
    hub: Hub, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kiosk that brings a day's journal holds nobody up longer than `LOT` items take, and is told to send less."""
    parts = opened(hub)
    await asyncio.to_thread(loaded, parts)
    code = (await issued(hub, "X"))[0].code
    book, decided = Journal(), asyncio.Event()
    for _ in range(2 * upload.LOT + 5):
        book.add("attempt_denied", body={"coupon": None})
    run, sizes, loop = parts.uploads.take, [], asyncio.get_running_loop()

    def counted(c: sa.Connection, device: str, one: Envelope, *more: Any) -> Any:
        sizes.append(len(one.items))
        told = run(c, device, one, *more)
        if len(sizes) == 1:
            loop.call_soon_threadsafe(decided.set)
        return told

    monkeypatch.setattr(parts.uploads, "take", counted)
    under_way = asyncio.create_task(kiosk.upload(book.run()))
    await asyncio.wait_for(decided.wait(), 10)
    assert (await kiosk.ask(code))["status"] == "ok"
    told = await under_way
    assert max(sizes) == upload.LOT
    assert sum(sizes) == len(book.items)
    assert (told["ack_through"], told["max_items"]) == (len(book.items), upload.MAX_ITEMS)
    assert [v["seq"] for v in told["items"]] == [i.seq for i in book.items]
    again = await kiosk.upload(book.run())
    assert {v["status"] for v in again["items"]} == {"duplicate"}
    kept = await parts.database.run(
        lambda c: c.execute(sa.select(sa.func.count()).select_from(attempts)).scalar()
    )
    assert kept == 1


@on_both
async def test_who_only_asks_how_far_the_hub_is_waits_behind_no_upload(hub: Hub, kiosk: Kiosk) -> None:
    assert hub._runner is not None
    turns = hub._runner.app[JOURNALS]
    while not turns.locked():
        await turns.acquire()
    told = await asyncio.wait_for(kiosk.upload(Journal().run()), 10)
    assert told["ack_through"] == 0


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_person_who_undoes_what_is_coming_up_and_the_upload_do_not_stop_each_other(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(parts)
    [made] = issue(parts, "X")
    answer = ask(parts, made.code)
    assert answer.coupon is not None
    book = Journal()
    book.record(answer.coupon, answer.rid, stock_id="X")
    monkeypatch.setattr(database, "TRIES", 1)
    paused = Paused(Facts.apply)
    monkeypatch.setattr(Facts, "apply", lambda *given: paused(*given))

    def waits() -> bool:
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(parts.database.call(lambda c: c.exec_driver_sql(query).scalar()))

    with ThreadPoolExecutor(1) as thread:
        with paused.during(lambda: sent(parts, "kA", book)):
            undone = thread.submit(
                parts.database.call, parts.acts.roll_back, answer.rid, "wrong", "boss", now()
            )
            end = time.monotonic() + DEADLINE_S
            while not undone.done() and not waits():
                assert time.monotonic() < end
        assert undone.result(DEADLINE_S).again is False
