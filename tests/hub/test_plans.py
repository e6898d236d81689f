"""How both databases find what is asked all the time: by an index that leads there, however long the hub has run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import admin
from hub.parts import Parts, now
from hub.schema import attempts, audit, changes, coupons, leases
from hub.store import report, upload
from hub.store.envelope import read
from hub.store.prepared import Prepared
from kiosk.coupons.ids import new_rid

from . import lease_world as world
from .test_decide import ask
from .test_upload_many import enrolled
from .world import CAPPED, Journal, encoded, issue, on_both

BIG = ("attempts", "audit", "changes", "coupons", "journal", "leases", "nonces")
FEW = ("ix_attempts_ok", "ix_attempts_conflict", "ix_journal_quarantined", "ix_leases_held")
"""Indexes of a few rows: to read such a one whole is what it is for."""
NEWEST = ('max(attempts."order")', 'BY attempts."order" DESC')
IN_ORDER = ("ix_attempts_order", "ix_changes_read", "pk_changes")
"""Read from one end, as far as a page goes: what a statement of these words may do, and the change log."""
Statement = tuple[str, Any]
pytestmark = on_both


@pytest.fixture
def asked(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """Every statement that the hub runs from here on, with its values, as it goes to the driver."""
    found: list[Statement] = []
    run = Prepared.run

    def noted(self: Prepared, c: sa.Connection, **values: Any) -> Any:
        sql, order, fixed = self._compiled.get(c.dialect.name) or self._compile(c.dialect)
        given = {**(fixed or {}), **values}
        found.append((sql, given if order is None else [given[name] for name in order]))
        return run(self, c, **values)

    def seen(c: Any, cursor: Any, sql: str, given: Any, context: Any, many: bool) -> None:
        if not many:
            found.append((sql, given))

    monkeypatch.setattr(Prepared, "run", noted)
    sa.event.listen(parts.database.engine, "before_cursor_execute", seen)
    return found


def fill(parts: Parts, count: int = 3000) -> None:
    """Put a past into the tables: other kiosks' leases, redemptions, slips and notes, none of which matters any more."""
    old = now() - timedelta(days=300)
    number = parts.database.call(parts.catalog.batch, world.STOCK).number  # type: ignore[union-attr]

    def work(c: sa.Connection) -> None:
        many = range(count)
        told = {"tenant": "main", "stock_id": world.STOCK}
        lease = {**told, "epoch": "e", "amount": 4, "begins": old, "not_after": old, "state": "renewed"}
        c.execute(sa.insert(leases), [{**lease, "id": f"L{n}", "device": f"k{n % 50}"} for n in many])
        use = {**told, "digest": "", "store": "s", "state": "recorded", "at": old, "value": 1}
        c.execute(
            sa.insert(attempts),
            [
                {**use, "rid": new_rid(), "device": f"k{n % 50}", "coupon": f"999-{n}", "order": n}
                for n in many
            ],
        )
        one = {
            **told, "batch": number, "slot": 0, "short": b"", "state": "live", "uses": 1, "max_uses": 1, "issued_at": old,
            "store": world.STORE,
        }  # fmt: skip
        c.execute(sa.insert(coupons), [{**one, "serial": 10_000 + n, "short_hash": f"h{n}"} for n in many])
        said = {"tenant": "main", "at": old, "what": "lease_granted", "detail": {}}
        c.execute(sa.insert(audit), [{**said, "actor": f"k{n % 50}"} for n in many])
        gone = {"tenant": "main", "xid": 0, "type": "lease", "op": "del"}
        c.execute(sa.insert(changes), [{**gone, "device": f"k{n % 50}", "obj": f"L{n}"} for n in many])

    parts.database.call(work)
    if not parts.database.sqlite:
        parts.database.call(lambda c: c.exec_driver_sql("ANALYZE"))


def _sqlite(c: sa.Connection, statement: Statement) -> list[str]:
    """Return the steps of a plan that go through a big table, or through all of a tenant."""
    rows = c.connection.cursor().execute("EXPLAIN QUERY PLAN " + statement[0], statement[1]).fetchall()
    found = []
    for step in (str(row[3]) for row in rows):
        named = re.match(r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?INDEX (\w+))?(.*)", step)
        if named is None or named[2] not in (*BIG, "mine", "other") or named[3] in FEW:
            continue
        if named[1] == "SCAN" or named[4].strip() == "(tenant=?)":
            found.append(step)
    return found


def _postgres(c: sa.Connection, statement: Statement) -> list[str]:
    cursor = c.connection.cursor()
    cursor.execute("SET LOCAL enable_seqscan = off")  # small tables: is there another way at all?
    cursor.execute("EXPLAIN (FORMAT JSON) " + statement[0], statement[1])
    [plan] = cursor.fetchone()
    steps = [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]]
    found = []
    while steps:
        step = steps.pop()
        steps += step.get("Plans", [])
        if (big := step.get("Relation Name") in BIG) and step["Node Type"] == "Seq Scan":
            found.append(f"{step['Node Type']} {step['Relation Name']}")
        cond = step.get("Index Cond", "")
        only = re.fullmatch(r"\(+tenant\)?::text = '\w+'::text\)+", cond)
        if big and only and step["Index Name"] not in FEW:
            found.append(f"{step['Index Name']} {cond}")
    return found


def through(parts: Parts, asked: list[Statement]) -> dict[str, list[str]]:
    """Return the statements that go through a whole table, with the steps that do."""
    plan: Callable[[sa.Connection, Statement], list[str]] = _sqlite if parts.database.sqlite else _postgres
    wanted = [one for one in asked if re.match(r"\s*(SELECT|UPDATE|DELETE)", one[0])]
    assert wanted
    found = parts.database.call(lambda c: {one[0]: plan(c, one) for one in wanted})
    for sql, bad in found.items():
        if "FROM changes" in sql or any(words in sql for words in NEWEST):
            bad[:] = [step for step in bad if not any(name in step for name in IN_ORDER)]
    return {" ".join(sql.split())[-300:]: bad for sql, bad in found.items() if bad}


def test_what_kiosks_ask_goes_through_no_table(parts: Parts, asked: list[Statement]) -> None:
    made = world.filled(parts, 20)
    for name in ("kA", "kB"):
        enrolled(parts, name)
    fill(parts)
    mine, other = world.Till(parts, "kA"), world.Till(parts, "kB")
    asked.clear()
    assert mine.lease().amount == 4
    leased = next(one for one in made if one.coupon in mine.names())
    assert other.ask(leased.code).reason == "leased_elsewhere"
    assert mine.ask(leased.code).status == "ok"
    [good] = issue(parts, CAPPED)
    rid = new_rid()
    assert ask(parts, good.code, rid).status == "ok"
    assert ask(parts, good.code).reason == "used"
    book = Journal()
    book.record(good.coupon, rid)
    book.add("rollback", body={"of": rid})
    book.add("void", new_rid())
    parts.database.call(parts.uploads.take, "kA", read(encoded(book.run())), now())
    twice = Journal()
    twice.record(leased.coupon, stock_id=world.STOCK)
    parts.database.call(parts.uploads.take, "kC", read(encoded(twice.run())), now())
    parts.database.call(upload.own_uses, "main", "kA", "")
    parts.database.call(parts.coupons.claim, "customer", world.STOCK, world.STORE, None, now())
    assert through(parts, asked) == {}


def test_what_operators_look_at_goes_through_no_table(parts: Parts, asked: list[Statement]) -> None:
    world.filled(parts, 4)
    fill(parts)
    asked.clear()
    for work in (report.conflicts, report.unconfirmed, report.notes, report.troubles):
        parts.database.call(work, "main")
    parts.database.call(admin._load, parts)
    assert through(parts, asked) == {}
