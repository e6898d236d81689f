"""`kiosk-hub batch`: files are taken whole or not at all, and one sentence says what is wrong."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.batch_file import read_file, shifted
from hub.parts import now

from .command import Run
from .world import CAPPED, SAMPLE, batch, batch_file


def test_the_sample_loads_as_it_is_and_around_today(run: Run) -> None:
    assert run("batch", "load", str(SAMPLE))[:2] == (0, "New or changed: stores 2, batches 7.\n")
    assert run("batch", "load", str(SAMPLE))[:2] == (0, "New or changed: stores 0, batches 0.\n")
    assert run("batch", "load", str(SAMPLE), "--shift-to-today")[0] == 0
    code, out, _ = run("batch", "list", "--json")
    assert code == 0
    for one in json.loads(out)["batches"]:
        assert one["begins"] < now().isoformat() < one["ends"], one["stock_id"]
    assert run("batch", "check", str(SAMPLE), config=False)[:2] == (
        0,
        "Stores: 2, batches: 7; nothing is wrong.\n",
    )
    assert f"{CAPPED}" in run("batch", "list")[1]


def test_shifted_periods_lie_around_today_however_far_apart(run: Run) -> None:
    spans = [
        ("2021-03-01T00:00:00+08:00", "2021-03-31T23:59:59+08:00"),
        ("2035-06-01T00:00:00+08:00", "2036-06-01T00:00:00+08:00"),
        ("2030-01-01T00:00:00+08:00", "2030-01-02T23:59:59+08:00"),
        ("2024-02-29T00:00:00Z", "2024-02-29T23:59:59Z"),
    ]
    made = [batch(f"B{n}", begins=begins, ends=ends) for n, (begins, ends) in enumerate(spans)]
    file = read_file(Path(run.file(batch_file(*made)))).file
    for hour in range(24):
        today = now().replace(hour=hour, minute=30)
        for before, after in zip(file.batches, shifted(file, today).batches, strict=True):
            assert after.begins <= today <= after.ends
            assert after.ends - after.begins == before.ends - before.begins
            assert after.begins.timetz() == before.begins.timetz()
            assert today - after.begins <= timedelta(days=8)


def test_a_file_with_days_hours_and_total_is_taken(run: Run) -> None:
    pinned = batch(
        "P", weekdays=[1, 7], hours=[{"start": "22:00", "end": "02:00"}], require_total=True, max_uses=2
    )
    assert run("batch", "load", run.file(batch_file(pinned)))[0] == 0
    [one] = json.loads(run("batch", "list", "--json")[1])["batches"]
    assert (one["weekdays"], one["hours"], one["require_total"]) == (
        [1, 7],
        [{"start": "22:00", "end": "02:00"}],
        True,
    )


def test_loading_again_changes_what_changed_and_keeps_a_pause(run: Run) -> None:
    assert run("batch", "load", run.file(batch_file(batch("A"), batch("B"))))[0] == 0
    assert run("batch", "pause", "A")[1] == "A is paused.\n"
    again = run.file(batch_file(batch("A", stock=9), batch("B"), batch("C")))
    assert run("batch", "load", again)[1] == "New or changed: stores 0, batches 2.\n"
    state = {
        b["stock_id"]: (b["status"], b["stock"])
        for b in json.loads(run("batch", "list", "--json")[1])["batches"]
    }
    assert state == {"A": ("paused", 9), "B": ("running", None), "C": ("running", None)}
    assert run("batch", "load", run.file(batch_file(batch("A", stock=9, status="ended"))))[0] == 0
    assert "has ended" in run.wrong(1, "batch", "restart", "A")


def test_what_customers_hold_keeps_its_meaning(run: Run) -> None:
    run("batch", "load", run.file(batch_file(batch("A"))))
    assert run("coupon", "issue", "A")[0] == 0
    told = run.wrong(
        2, "batch", "load", run.file(batch_file(batch("NEW"), batch("A", product="cash_voucher")))
    )
    assert "its product stays merchant_coupon" in told
    assert "NEW" not in run("batch", "list")[1]  # all or nothing
    assert run("batch", "load", run.file(batch_file(batch("A", value=200))))[0] == 0


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (b"{", "not valid JSON at line 1 column 2"),
        (b"\xff\xfe{}", "not UTF-8 at byte 0"),
        (b"[" * 100_000, "not a file of batches"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
        (b"", "not valid JSON"),
        (b"[]", "the file: expected `object`, got `array`"),
        (b"{}", "missing required field `merchant`"),
        ({"value": "100"}, "batches[0].value: expected `int`, got `str`"),
        ({"value": -1}, "batches[0].value"),
        ({"value": 10**20}, "batches[0].value"),
        ({"value": 1.5}, "batches[0].value"),
        ({"value": True}, "batches[0].value"),
        ({"value": 0}, "gives nothing"),
        ({"value": 2000}, "the till would pay out"),
        ({"stock": -5}, "batches[0].stock"),
        ({"per_user": 0}, "nobody can claim it"),
        ({"begins": "yesterday"}, "batches[0].begins"),
        ({"begins": "2026-11-01T00:00:00"}, "batches[0].begins"),
        ({"ends": "2001-01-01T00:00:00Z"}, "not within 2020"),
        ({"ends": "9999-12-31T23:59:59-12:00"}, "not within 2020"),
        ({"begins": "2026-01-02T00:00:00Z", "ends": "2026-01-01T00:00:00Z"}, "is not after begins"),
        ({"stores": ["nowhere"]}, "stores names nowhere, which is not in the file"),
        ({"stores": []}, "stores is an empty list"),
        ({"weekdays": [0]}, "batches[0].weekdays"),
        ({"weekdays": []}, "weekdays is an empty list"),
        ({"hours": [{"start": "25:00", "end": "26:00"}]}, "batches[0].hours"),
        ({"hours": [{"start": "10:00", "end": "10:00"}]}, "no time at all"),
        ({"kind": "exchange", "value": 0}, "needs goods"),
        ({"product": "gift"}, "batches[0].product"),
        ({"stock_id": "a b"}, "batches[0].stock_id"),
        ({"stock_id": "x" * 33}, "batches[0].stock_id"),
        ({"name": ""}, "batches[0].name"),
        ({"name": "nul\x00"}, "cannot be shown"),
        ({"name": "\ud800"}, "cannot be shown"),
        ({"offline": {"policy": "maybe"}}, "batches[0].offline.policy"),
        ({"max_uses": 0}, "batches[0].max_uses"),
    ],
)
def test_a_bad_file_is_one_sentence_and_changes_nothing(run: Run, spoil: Any, told: str) -> None:
    raw = spoil if isinstance(spoil, bytes) else json.dumps(batch_file({**batch("B"), **spoil})).encode()
    path = run.file(raw)
    sentence = run.wrong(2, "batch", "load", path)
    assert told in sentence
    assert path in sentence
    assert run("batch", "list")[1] == ""
    code, out, _ = run("batch", "check", path, config=False)
    assert (code, told in out, out.count("\n")) == (1, True, 1)


def test_twice_the_same_is_named(run: Run) -> None:
    store = {"id": "s", "name": "x"}
    assert "batches: B stands there twice" in run.wrong(
        2, "batch", "load", run.file(batch_file(batch("B"), batch("B")))
    )
    assert "stores: s stands there twice" in run.wrong(
        2, "batch", "load", run.file(batch_file(stores=[store, store]))
    )


@pytest.mark.parametrize("path", ["nowhere.json", "."])
def test_a_file_that_cannot_be_read_is_named(run: Run, path: str) -> None:
    assert "cannot be read" in run.wrong(2, "batch", "load", str(run.home / path))


def test_what_is_not_known_is_a_warning_with_the_nearest(run: Run) -> None:
    odd = {
        **batch_file({**batch("B"), "weekday": [1], "offline": {"policy": "capped", "cuont": 1}}),
        "_about": "x",
    }
    code, out, err = run("batch", "load", run.file(odd))
    assert (code, out) == (0, "New or changed: stores 2, batches 1.\n")
    assert "batches[0].weekday is not known and is ignored; did you mean weekdays?" in err
    assert "batches[0].offline.cuont is not known and is ignored; did you mean count?" in err
    assert "offline.count and offline.value and offline.max_age_s is not set" in err
    assert "_about" not in err


def test_hours_may_end_at_24_and_23_59_is_a_warning(run: Run) -> None:
    for end, warned in (("24:00", False), ("23:59", True)):
        code, _, err = run(
            "batch", "load", run.file(batch_file(batch("B", hours=[{"start": "20:00", "end": end}])))
        )
        assert (code, "leave the day's last minute out; write 24:00" in err) == (0, warned)
    late = run.file(batch_file(batch("B", hours=[{"start": "24:00", "end": "02:00"}])))
    assert "batches[0].hours[0].start" in run.wrong(2, "batch", "load", late)


def test_the_schema_is_one(run: Run) -> None:
    code, out, _ = run("batch", "schema", config=False)
    assert code == 0
    assert {"weekdays", "hours", "require_total"} <= set(json.loads(out)["$defs"]["Batch"]["properties"])


def test_pause_and_restart_name_what_is_not_there(loaded: Run) -> None:
    assert loaded("batch", "pause", CAPPED, "--store", "renmin")[1] == f"{CAPPED} is paused in renmin.\n"
    assert "there is no batch X; there are: 16246120," in loaded.wrong(1, "batch", "pause", "X")
    assert "there is no store Y; there are: kjy-south, renmin." in loaded.wrong(
        1, "batch", "restart", CAPPED, "--store", "Y"
    )
