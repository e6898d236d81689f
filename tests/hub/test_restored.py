"""A database that was put back from an older backup: kiosks learn it, and nothing is given away twice (P3, P6)."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.config import Settings
from hub.errors import HubError, Refused
from hub.parts import Parts, now
from hub.schema import audit, batches, meta, openings
from hub.store import database, feed, restored
from hub.store import openings as log
from hub.store.coupons import Issued
from kiosk.coupons.ids import new_rid

from .command import Run
from .test_decide import ask, load
from .test_rights_race import DEADLINE_S, Paused
from .world import CAPPED, NEVER, SLIP, batch, issue, on_both

Put = Callable[[], Parts]
STOCK = 3000


@pytest.fixture
def put_back(parts: Parts, settings: Settings, tmp_path: Path) -> Iterator[tuple[Callable[[], None], Put]]:
    """Two steps: make a backup, and put it back into the same server as an operator does; the hub is opened anew then."""
    made: list[Parts] = []
    kept: dict[str, Any] = {}

    def backup() -> None:
        if parts.database.sqlite:
            with closing(sqlite3.connect(tmp_path / "hub.db")) as db:
                db.execute(f"VACUUM INTO '{tmp_path / 'backup.db'}'")
            return
        kept.update(parts.database.call(_dump))

    def back() -> Parts:
        if parts.database.sqlite:
            for suffix in ("", "-wal", "-shm"):
                (tmp_path / f"hub.db{suffix}").unlink(missing_ok=True)
            shutil.copy2(tmp_path / "backup.db", tmp_path / "hub.db")
        else:
            parts.database.call(_load, kept)
        made.append(Parts(settings))
        made[-1].open()
        return made[-1]

    yield backup, back
    for one in made:
        one.close()


def _dump(c: sa.Connection) -> dict[str, Any]:
    """Return every row and the state of every sequence, as pg_dump writes them."""
    found: dict[str, Any] = {
        t.name: [dict(r._mapping) for r in c.execute(sa.select(t))] for t in meta.sorted_tables
    }
    for name in ("changes", "audit"):
        query = f"SELECT last_value FROM pg_sequences WHERE sequencename = '{name}_id_seq'"
        found[f"{name}_id_seq"] = c.exec_driver_sql(query).scalar_one()
    return found


def _load(c: sa.Connection, kept: dict[str, Any]) -> None:
    for table in meta.sorted_tables:
        c.execute(sa.delete(table))
        if kept[table.name]:
            c.execute(sa.insert(table), kept[table.name])
    for name in ("changes_id_seq", "audit_id_seq"):
        c.exec_driver_sql(f"SELECT setval('{name}', {int(kept[name] or 1)})")


def position(parts: Parts) -> str:
    pos, more = "", True
    while more:
        pos, more, _ = parts.database.call(feed.since, "main", "kA", pos)
    return pos


def news(parts: Parts, pos: str) -> int:
    """Return how many batches are new since a position."""
    return sum(item.type == "batch" for item in parts.database.call(feed.since, "main", "kA", pos)[2])


def pooled(parts: Parts, device: str, count: int = 1) -> list[str]:
    made = parts.database.call(parts.coupons.pool, device, SLIP, new_rid(), count, now())
    return [one.code for one in made]


def must_resync(parts: Parts, pos: str) -> None:
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            parts.database.call(feed.since, "main", "kA", pos)
        assert (caught.value.error, caught.value.status) == ("resync_required", 410)


def settled(parts: Parts) -> list[Any]:
    query = sa.select(audit).where(audit.c.what == "hub_restored").order_by(audit.c.id)
    return parts.database.call(lambda c: list(c.execute(query)))


@on_both
def test_a_position_that_was_lost_is_known_however_far_the_log_goes_again(
    put_back: Any, parts: Parts
) -> None:
    backup, back = put_back
    before = position(parts)
    backup()
    load(parts, batch("LOST"))
    lost = position(parts)
    again = back()
    assert news(again, before) == 0, "what it had stands"
    load(again, *(batch(f"N{n}") for n in range(30)))
    must_resync(again, lost)
    assert news(again, before) == 30
    assert len(settled(again)) == 1, "once, however many kiosks come"


@on_both
def test_a_command_before_the_first_start_does_not_hide_it(
    put_back: Any, parts: Parts, settings: Settings
) -> None:
    backup, back = put_back
    backup()
    load(parts, batch("LOST"))
    lost = position(parts)
    again = back()
    load(again, *(batch(f"N{n}") for n in range(5)))
    for _ in range(3):
        later = Parts(settings)
        later.open()
        later.close()
    must_resync(again, lost)


@on_both
def test_positions_of_every_opening_since_the_backup_are_lost(
    put_back: Any, parts: Parts, settings: Settings
) -> None:
    """The hub was started a few times between the backup and its loss; as often afterwards."""
    backup, back = put_back
    backup()
    lost = []
    for n in range(3):
        load(parts, batch(f"LOST{n}"))
        lost.append(position(parts))
        parts.database.call(log.begin, "main")
    again = back()
    for pos in (lost[2], lost[0], lost[1]):
        must_resync(again, pos)
    for _ in range(4):
        again.database.call(log.begin, "main")
        for pos in lost:
            must_resync(again, pos)
    assert len(settled(again)) == 1
    stands = position(again)
    again.database.call(log.begin, "main")
    assert news(again, stands) == 0


@on_both
def test_a_second_restore_is_known_too(put_back: Any, parts: Parts) -> None:
    backup, back = put_back
    backup()
    again = back()
    load(again, batch("LOST"))
    lost = position(again)
    third = back()
    load(third, batch("N1"), batch("N2"))
    must_resync(third, lost)
    assert len(settled(third)) == 1


@on_both
def test_positions_of_a_hub_that_goes_on_stay_good(parts: Parts) -> None:
    """However often it is opened, and however long a kiosk was away."""
    first = position(parts)
    for n in range(5):
        load(parts, batch(f"N{n}"))
        parts.database.call(log.begin, "main")
        pos = position(parts)
        assert news(parts, pos) == 0
        assert news(parts, first) == n + 1
    assert settled(parts) == []


@pytest.mark.parametrize("engine", ["postgresql"])
def test_what_is_read_while_a_program_opens_the_database_stays_good(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    end, read = log._end, []

    def meanwhile(c: sa.Connection) -> int:
        """Let another worker write an entry and a kiosk read it just as the end of the log was looked up."""
        known = end(c)
        load(parts, batch("MEANWHILE"))
        read.append(position(parts))
        return known

    monkeypatch.setattr(log, "_end", meanwhile)
    log.opened(parts.database, "main")
    monkeypatch.undo()
    log.opened(parts.database, "main")
    assert [news(parts, pos) for pos in read] == [0]
    assert settled(parts) == []


@pytest.mark.parametrize("engine", ["postgresql"])
def test_workers_that_open_the_database_at_once_take_a_number_each(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "TRIES", 1)
    paused = Paused(log.secrets.token_hex)
    monkeypatch.setattr(log.secrets, "token_hex", paused)
    before = parts.database.call(log.newest, "main")
    assert before is not None

    def waits() -> bool:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool(parts.database.call(lambda c: c.exec_driver_sql(query).scalar()))

    with ThreadPoolExecutor(1) as thread:
        with paused.during(lambda: log.opened(parts.database, "main")):
            second = thread.submit(log.opened, parts.database, "main")
            end = time.monotonic() + DEADLINE_S
            while not second.done() and not waits():
                assert time.monotonic() < end
        second.result(DEADLINE_S)
    after = parts.database.call(log.newest, "main")
    assert after is not None
    assert after.number == before.number + 2


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_database_that_moves_to_another_server_has_lost_nothing(parts: Parts) -> None:
    """Its transactions are counted from anew there, so kiosks load the snapshot, and no serial is left out."""
    load(parts, batch("MOVED"))
    of, _, rest = position(parts).partition(".")
    _, _, number = rest.partition(".")
    moved = f"{of}.{10**12}.{number}"
    log.opened(parts.database, "main")
    must_resync(parts, moved)
    assert settled(parts) == []


@on_both
def test_made_up_positions_use_up_no_serials(parts: Parts) -> None:
    """A kiosk that shows them is named, and costs a day's skip at most, however often the hub is opened."""
    for _ in range(3):
        must_resync(parts, position(parts).rpartition("-")[0] + "-00000000")
        log.opened(parts.database, "main")
    assert [row.actor for row in settled(parts)] == ["kA"]


@on_both
def test_openings_that_are_forgotten_cost_no_resync(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "KEPT", 3)
    first = position(parts)
    load(parts, batch("N"))
    for _ in range(6):
        parts.database.call(log.begin, "main")
    query = sa.select(sa.func.count()).select_from(openings)
    assert parts.database.call(lambda c: c.execute(query).scalar()) == 3
    assert news(parts, first) == 1


@on_both
@pytest.mark.parametrize("how", ["told", "noticed"])
def test_no_code_is_given_twice(put_back: Any, parts: Parts, how: str) -> None:
    backup, back = put_back
    pooled(parts, "kA", 3)
    backup()
    old = [*pooled(parts, "kA", 2), *(made.code for made in issue(parts, CAPPED, 2))]
    lost = position(parts)
    again = back()
    if how == "told":
        again.database.call(restored.settle, "main", "operator", "told", now())
    must_resync(again, lost)
    assert [row.detail["how"] for row in settled(again)] == [how]
    fresh: list[Issued] = issue(again, CAPPED, 2)
    new = [*pooled(again, "kB", 2), *(made.code for made in fresh)]
    assert set(old).isdisjoint(new)
    assert ask(again, fresh[0].code).status == "ok"
    assert ask(again, old[2]).reason == "unknown_code", "the lost one is not taken for another"


@on_both
def test_serials_left_out_are_no_stock(put_back: Any, parts: Parts) -> None:
    load(parts, batch("FEW", stock=5))
    issue(parts, "FEW", 2)
    parts.database.call(restored.settle, "main", "operator", "told", now())
    [one, *_] = issue(parts, "FEW", 3)
    assert int(one.coupon.split("-")[1]) == 2 + restored.SKIP + 1
    with pytest.raises(HubError, match="stock for 0 more"):
        issue(parts, "FEW", 1)
    query = sa.select(batches.c.issued).where(batches.c.stock_id == "FEW")
    assert parts.database.call(lambda c: c.execute(query).scalar()) == 5


def test_a_large_stock_is_left_out_whole(parts: Parts) -> None:
    load(parts, batch("MANY", stock=30_000_000))
    [before] = issue(parts, "MANY")
    parts.database.call(restored.settle, "main", "operator", "told", now())
    [after] = issue(parts, "MANY")
    assert int(after.coupon.split("-")[1]) - int(before.coupon.split("-")[1]) == 30_000_000


def test_serials_never_run_out_by_being_left_out(parts: Parts) -> None:
    for _ in range(3):
        parts.database.call(
            lambda c: c.execute(sa.update(batches).values(skipped=restored.LAST_SERIAL - restored.SKIP))
        )
        parts.database.call(restored.settle, "main", "operator", "told", now())
        assert issue(parts, NEVER)[0].code


def test_codes_taken_in_have_serials_of_their_own(parts: Parts) -> None:
    issue(parts, CAPPED)
    parts.database.call(restored.settle, "main", "operator", "told", now())
    assert parts.database.call(parts.coupons.take_in, CAPPED, ["1234567890123456789012"], now()) == 1
    query = "SELECT max(serial) FROM coupons WHERE stock_id = '" + CAPPED + "'"
    assert parts.database.call(lambda c: int(c.exec_driver_sql(query).scalar_one())) > restored.SKIP


@on_both
def test_a_batch_loaded_anew_has_another_number_than_a_lost_one(put_back: Any, parts: Parts) -> None:
    backup, back = put_back
    backup()
    load(parts, batch("LOST"))
    [old] = issue(parts, "LOST")
    again = back()
    again.database.call(restored.settle, "main", "operator", "told", now())
    load(again, batch("OTHER"))
    [new] = issue(again, "OTHER")
    assert old.coupon.split("-")[0] != new.coupon.split("-")[0]
    assert ask(again, old.code).reason == "unknown_code"


def test_the_command_says_what_it_did(loaded: Run) -> None:
    code, out, err = loaded("restored")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    assert f"{restored.SKIP:,}" in out
    [made] = loaded("coupon", "issue", CAPPED)[1].split()
    assert made
