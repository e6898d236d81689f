"""What only PostgreSQL can do wrong: transactions that overlap, connections that are lost, servers that are replaced."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config import Settings
from hub.errors import HubError, Refused
from hub.parts import Parts, now
from hub.schema import attempts, changes, stores
from hub.store import facts, feed
from hub.store.envelope import read
from kiosk.coupons.ids import new_rid

from .test_decide import ask, uses
from .world import CAPPED, Journal, encoded, issue

pytestmark = pytest.mark.parametrize("engine", ["postgresql"])
WRITERS, EACH = 6, 25


def names(parts: Parts, pos: str) -> tuple[str, list[str]]:
    """Read everything after a position, as a kiosk does."""
    found, more = [], True
    while more:
        pos, more, items = parts.database.call(feed.since, "main", "kA", pos, 7)
        found += [i.id for i in items]
    return pos, found


def put(c: sa.Connection, name: str) -> None:
    feed.put(c, "main", "setting", name, {"value": name})


def test_what_commits_late_is_not_passed_over(parts: Parts) -> None:
    pos, _ = names(parts, "")
    with parts.database.engine.connect() as slow:
        put(slow, "first")
        parts.database.call(put, "second")
        pos, found = names(parts, pos)
        assert found == [], "the second one is held back: a reader that took it would never see the first"
        slow.commit()
    pos, found = names(parts, pos)
    assert found == ["first", "second"]
    assert names(parts, pos)[1] == []


def test_parallel_writers_lose_no_entry(parts: Parts) -> None:
    pos, _ = names(parts, "")
    done, seen = Event(), list[str]()

    def write(n: int) -> list[str]:
        rng, made = random.Random(n), []
        for i in range(EACH):
            with parts.database.engine.begin() as c:
                for part in range(rng.randint(1, 3)):
                    name = f"w{n}-{i}-{part}"
                    put(c, name)
                    c.execute(sa.text("SELECT pg_sleep(:s)"), {"s": rng.random() / 200})
                    made.append(name)
        return made

    def read() -> None:
        nonlocal pos
        last = False
        while not last:
            last = done.is_set()  # once more after the end
            pos, found = names(parts, pos)
            seen.extend(found)

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(read)
        try:
            written = [name for some in pool.map(write, range(WRITERS)) for name in some]
        finally:
            done.set()
        reader.result()
    assert sorted(seen) == sorted(written)


def kill_all(parts: Parts) -> None:
    """End every connection to the database but this one."""
    other = sa.create_engine(parts.database.url)
    with other.connect() as c:
        c.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    other.dispose()


def test_a_decision_survives_connections_that_were_lost(parts: Parts) -> None:
    made = issue(parts, CAPPED, 2)
    assert ask(parts, made[0].code).status == "ok"
    kill_all(parts)
    assert ask(parts, made[1].code).status == "ok"
    kill_all(parts)
    assert ask(parts, made[1].code).reason == "used"


def test_a_transaction_that_is_cut_in_the_middle_is_run_once_more(parts: Parts) -> None:
    runs = 0

    def work(c: sa.Connection) -> int:
        nonlocal runs
        runs += 1
        put(c, "cut")
        if runs == 1:
            kill_all(parts)
        return int(c.execute(sa.select(sa.func.count()).where(changes.c.obj == "cut")).scalar_one())

    assert parts.database.call(work) == 1
    assert runs == 2


def test_a_server_that_stays_away_is_told_after_one_more_try(parts: Parts) -> None:
    runs = 0

    def work(c: sa.Connection) -> None:
        nonlocal runs
        runs += 1
        kill_all(parts)
        c.execute(sa.select(stores.c.id))

    with pytest.raises(HubError, match="does not work") as caught:
        parts.database.call(work)
    assert (caught.value.code, runs) == (4, 2)


def test_a_commit_whose_answer_is_lost_is_not_done_twice(parts: Parts) -> None:
    runs = 0

    def work(c: sa.Connection) -> None:
        nonlocal runs
        runs += 1
        put(c, "lost")

    def cut(_: sa.Connection) -> None:
        kill_all(parts)

    sa.event.listen(parts.database.engine, "commit", cut)
    with pytest.raises(HubError):
        parts.database.call(work)
    sa.event.remove(parts.database.engine, "commit", cut)
    assert runs == 1, "whether it was committed nobody knows: the one who asked decides, by the same rid"


@pytest.fixture
def replaced(parts: Parts, settings: Settings) -> Iterator[tuple[Parts, str]]:
    """A hub whose database came from a server that had counted further, and a position of a kiosk there."""
    ahead = 2**40

    def move(c: sa.Connection) -> Any:
        c.execute(sa.update(changes).values(xid=ahead))
        return c.execute(sa.select(sa.func.max(changes.c.id))).scalar()

    last = parts.database.call(move)
    assert names(parts, "")[1] == []
    fresh = Parts(settings)
    fresh.open()
    yield fresh, f"{fresh.database.call(feed.fact, 'main', 'database')}.{ahead}.{last}"
    fresh.close()


def test_after_a_move_to_another_server_everything_is_seen_again(replaced: tuple[Parts, str]) -> None:
    parts, pos = replaced
    found = names(parts, "")[1]
    assert {CAPPED, "kjy-south", "merchant"} <= set(found)
    with pytest.raises(Refused) as caught:
        names(parts, pos)
    assert (caught.value.error, caught.value.status) == ("resync_required", 410)
    pos, _ = names(parts, "")
    parts.database.call(put, "after")
    assert names(parts, pos)[1] == ["after"]
    assert parts.database.call(feed.mend) == 0


def waiting(parts: Parts) -> bool:
    """Tell whether a connection of this database waits for a lock that another one has."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(parts.database.call(lambda c: c.exec_driver_sql(query).scalar_one()))


def test_a_use_that_is_freed_while_a_conflict_is_being_written_goes_to_it(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a look for a use in vain and the conflict's row another kiosk gives that use back, and would find no conflict."""
    [made] = issue(parts, CAPPED)
    approved, alone = new_rid(), new_rid()
    assert ask(parts, made.code, approved, "kA").status == "ok"
    giving, excess = Journal(), Journal()
    giving.add("void", approved)
    excess.record(made.coupon, alone)
    take, looked, go = facts.take_use, Event(), Event()

    def slow(*args: Any, **more: Any) -> bool:
        told = take(*args, **more)
        if not looked.is_set():
            looked.set()
            assert go.wait(20)
        return told

    def send(device: str, book: Journal) -> str:
        run = read(encoded(book.run()))
        return parts.database.call(parts.uploads.take, device, run, now()).items[0].status

    monkeypatch.setattr(facts, "take_use", slow)
    with ThreadPoolExecutor(2) as pool:
        conflict = pool.submit(send, "kB", excess)
        try:
            assert looked.wait(20)
            void = pool.submit(send, "kA", giving)
            end = time.monotonic() + 20
            while not (void.done() or waiting(parts)):
                assert time.monotonic() < end, "the void neither ends nor waits"
        finally:
            go.set()
        assert (conflict.result(), void.result()) == ("conflict", "accepted")
    query = sa.select(attempts.c.rid, attempts.c.state).where(attempts.c.coupon == made.coupon)
    states = parts.database.call(lambda c: {r.rid: r.state for r in c.execute(query)})
    assert states == {approved: "void", alone: "recorded"}, "P4: a conflict while a use is free"
    assert uses(parts, made.coupon) == 1
