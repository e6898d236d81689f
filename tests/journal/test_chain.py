"""The chain as a start walks it: from the texts that are stored, with the same result as from the items that they are."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.coupons.record import Stamp
from kiosk.journal import items
from kiosk.journal.database import steps

TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
TIMES = st.datetimes(
    datetime(1970, 1, 2),
    datetime(2199, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))]),
)
STAMPS = st.builds(
    Stamp,
    wall=TIMES,
    mono=st.floats(0, 1e9),
    boot=TEXTS,
    trusted=TIMES,
    error_s=st.none() | st.floats(0, 1e9),
)
ROWS = st.lists(st.tuples(STAMPS, TEXTS, st.dictionaries(TEXTS, VALUES, max_size=5)), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def db() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:", isolation_level=None)
    made.row_factory = sqlite3.Row
    for _, path in steps():
        made.executescript(path.read_text("utf-8"))
    yield made
    made.close()


def fill(db: sqlite3.Connection, rows: list[tuple[Stamp, str, dict[str, object]]]) -> None:
    db.execute("DELETE FROM item")
    for n, (stamp, rid, body) in enumerate(rows):
        items.append(db, "ab"[n % 2], stamp, "state_report", rid, body)


@given(ROWS)
@settings(max_examples=30, deadline=None)
def test_whatever_was_appended_fits(
    db: sqlite3.Connection, rows: list[tuple[Stamp, str, dict[str, object]]]
) -> None:
    fill(db, rows)
    assert items.verify(db) == (len(rows), None)
    assert items.damage(db) == ""


@given(ROWS, st.data())
@settings(max_examples=30, deadline=None)
def test_whatever_was_changed_does_not(
    db: sqlite3.Connection, rows: list[tuple[Stamp, str, dict[str, object]]], data: st.DataObject
) -> None:
    fill(db, rows)
    epoch, seq, body, t = db.execute("SELECT epoch, seq, body, t FROM item").fetchall()[
        data.draw(st.integers(0, len(rows) - 1))
    ]
    change = data.draw(st.sampled_from(["body", "rid", "kind", "t", "hash", "prev", "gone"]))
    values = {
        "body": json.dumps({**json.loads(body), "more": 1}),
        "rid": "other rid that nobody has",
        "kind": "void",
        "t": json.dumps({**json.loads(t), "mono": math.pi}),
        "hash": "f" * 64,
        "prev": "e" * 64,
    }
    where = "WHERE epoch = ? AND seq = ?"
    last = db.execute("SELECT max(seq) FROM item WHERE epoch = ?", (epoch,)).fetchone()[0]
    if change == "gone" and seq < last:
        db.execute(f"DELETE FROM item {where}", (epoch, seq))
    elif change != "gone":
        db.execute(f"UPDATE item SET {change} = ? {where}", (values[change], epoch, seq))
    else:
        db.execute(f"UPDATE item SET seq = seq + 1 {where}", (epoch, seq))
    assert items.damage(db) != ""
