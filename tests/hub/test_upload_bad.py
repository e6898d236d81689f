"""Journals with poison in them: what is authentic is kept aside, what is not is refused, and neither blocks the rest."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.errors import Refused
from hub.parts import Parts
from hub.schema import journal
from kiosk.coupons.ids import new_rid
from kiosk.sync import protocol as p

from .test_decide import redeemed, uses
from .test_upload import noted, take
from .world import CAPPED, Journal, issue, on_both, stamp

POISON: list[tuple[str, dict[str, Any]]] = [
    ("redeem_record", {}),
    ("redeem_record", {"coupon": None, "store": "kjy-south"}),
    ("redeem_record", {"coupon": "1-99999999999999999999", "store": "kjy-south"}),
    ("redeem_record", {"coupon": "4-1_0", "store": "kjy-south"}),
    ("redeem_record", {"coupon": "４-１", "store": "kjy-south"}),
    ("redeem_record", {"coupon": "COUPON"}),
    ("redeem_record", {"coupon": "COUPON", "store": "kjy-south", "value": 2**70}),
    ("redeem_record", {"coupon": "COUPON", "store": "kjy-south", "value": -1}),
    ("redeem_record", {"coupon": "COUPON", "store": "kjy-south", "value": True}),
    ("redeem_record", {"coupon": "COUPON", "store": "kjy-south", "total": "12"}),
    ("redeem_record", {"coupon": "COUPON", "store": ["x"]}),
    ("rollback", {}),
    ("rollback", {"of": "x" * 200}),
    ("rollback", {"of": {"a": 1}}),
    ("claim", {"coupon": "COUPON"}),
    ("claim", {}),
]


@on_both
@pytest.mark.parametrize(("kind", "body"), POISON)
def test_poison_is_kept_aside_and_blocks_nothing(parts: Parts, kind: str, body: dict[str, Any]) -> None:
    made = issue(parts, CAPPED, 2)
    body = {k: made[0].coupon if v == "COUPON" else v for k, v in body.items()}
    book = Journal()
    book.add(kind, "p1", body)
    book.record(made[1].coupon, "r2")
    told = take(parts, "kA", book.run())
    assert [i.status for i in told.items] == ["quarantined", "accepted"]
    assert told.ack_through == 2
    assert uses(parts, made[0].coupon) == 0
    assert uses(parts, made[1].coupon) == redeemed(parts, CAPPED) == 1
    [note] = noted(parts, "quarantined")
    assert (note["seq"], note["why"]) == (1, told.items[0].detail)
    kept = parts.database.call(
        lambda c: c.execute(sa.select(journal.c.body).where(journal.c.seq == 1)).scalar()
    )
    assert kept == json.loads(json.dumps(body))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "no_such_kind"},
        {"rid": "x" * 100},
        {"rid": "nul\x00"},
        {"rid": 5},
        {"body": "text"},
        {"body": [1]},
        {"t": {}},
        {
            "t": {
                "wall": "2026-01-01T00:00:00",
                "mono": 1,
                "boot": "b",
                "trusted": "2026-01-01T00:00:00",
                "error_s": 0,
            }
        },
        {
            "t": {
                "wall": "0001-01-01T00:00:00+08:00",
                "mono": 1,
                "boot": "b",
                "trusted": "0001-01-01T00:00:00+08:00",
                "error_s": 0,
            }
        },
    ],
)
def test_an_item_that_cannot_be_read_blocks_nothing(parts: Parts, change: dict[str, Any]) -> None:
    [made] = issue(parts, CAPPED)
    book = Journal()
    book.add("print_job", "p1", {"job": "1"})
    book.record(made.coupon, "r2")
    plain = msgspec.to_builtins(book.run())
    plain["items"] = [{**plain["items"][0], **change}, plain["items"][1]]
    told = take(parts, "kA", json.dumps(plain).encode())
    assert [i.status for i in told.items] == ["quarantined", "accepted"]
    book.add("print_job", "p3", {"job": "1"})
    assert take(parts, "kA", book.run(3)).ack_through == 3


@on_both
@given(data=st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_blocks_a_journal(parts: Parts, data: st.DataObject) -> None:
    text = st.text(max_size=40)
    leaf = (
        st.none()
        | st.booleans()
        | st.integers(-(2**80), 2**80)
        | st.floats(allow_nan=False, allow_infinity=False)
        | text
    )
    value = st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=6,
    )
    keys = (
        st.sampled_from(["coupon", "store", "value", "total", "of", "policy", "threshold", "source"]) | text
    )
    item = st.fixed_dictionaries(
        {
            "kind": st.sampled_from([*p.ItemKind.__args__]) | text,
            "rid": text,
            "body": st.dictionaries(keys, value, max_size=6) | value,
        },  # type: ignore[attr-defined]
        optional={"t": value},
    )
    t = msgspec.to_builtins(stamp())
    items = [
        {"t": t, **found, "seq": n, "hash": f"{n:064x}"}
        for n, found in enumerate(data.draw(st.lists(item, min_size=1, max_size=4)), 1)
    ]
    run = {"epoch": new_rid(), "first_seq": 1, "prev": p.GENESIS, "items": items}
    told = take(parts, new_rid()[:20], json.dumps(run).encode())
    assert told.ack_through == len(items)
    assert {i.status for i in told.items} == {"quarantined"}


def test_a_broken_hash_is_poison(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    book = Journal()
    item = book.record(made.coupon, "r1")
    book.items[0] = msgspec.structs.replace(item, body={**item.body, "value": 10_000})
    assert take(parts, "kA", book.run()).items[0].status == "quarantined"
    assert uses(parts, made.coupon) == 0


@pytest.mark.parametrize(
    "bad",
    [{"first_seq": 0}, {"first_seq": 2**60}, {"prev": "x"}, {"epoch": "e" * 33}, {"epoch": ""}, {"items": 3}],
)
def test_a_bad_envelope_is_a_bad_request(parts: Parts, bad: dict[str, Any]) -> None:
    book = Journal()
    book.add("state_report")
    with pytest.raises(Refused) as told:
        take(parts, "kA", json.dumps({**msgspec.to_builtins(book.run()), **bad}).encode())
    assert (told.value.error, told.value.status) == ("bad_request", 400)
