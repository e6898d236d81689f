"""Amount and date: never in a permanent code, always told apart by a revision on a versioned piece."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import posters
from posters import catalog, cli
from posters.result import Result

from .test_traps import text_of

OFFER = {"amount": "满30减5元", "until": "2026-12-31", "revision": "3"}


def make(data: dict[str, str], out: Path, template: str = "stand-a6-offer", **options: object) -> Result:
    return posters.make(template, data, out, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("look", ["warm", "fresh-en", "plain-both"])
def test_an_offer_shows_amount_day_and_revision(store: dict[str, str], tmp_path: Path, look: str) -> None:
    link = "https://q.example.cn/c/1?amount=5&until=2026-12-31"
    result = make({**store, **OFFER, "url": link}, tmp_path / "a.pdf", look=look, profile="press-x1a")
    assert result.verdict == "confirm", "a long link, and nothing else"
    assert {f.code for f in result.findings} == {"url-budget"}
    assert {face.payload for face in result.faces} == {link}
    for page in (0, 1):
        text = text_of(tmp_path / "a.pdf", page)
        assert "S0001 · A6V-3" in text
    front = text_of(tmp_path / "a.pdf", 0)
    assert "2026-12-31" in front
    assert "满30减5元" in front.replace("\n", "").replace("\r", "")


@pytest.mark.parametrize("lost", ["amount", "until", "revision"])
def test_an_offer_without_its_terms_is_refused_by_field(
    store: dict[str, str], tmp_path: Path, lost: str
) -> None:
    result = make({**store, **OFFER, lost: ""}, tmp_path / "a.pdf")
    assert [(f.code, f.where) for f in result.findings] == [("missing", lost)]
    assert not (tmp_path / "a.pdf").exists()


@pytest.mark.parametrize("day", ["2026-02-30", "31.12.2026", "20261231", "morgen"])
def test_a_day_that_is_none_is_refused(store: dict[str, str], tmp_path: Path, day: str) -> None:
    result = make({**store, **OFFER, "until": day}, tmp_path / "a.pdf")
    assert [(f.code, f.where) for f in result.findings] == [("date", "until")]


def test_a_field_cannot_silence_the_terms(store: dict[str, str], tmp_path: Path) -> None:
    result = make({**store, **OFFER, "headline": "天天特价"}, tmp_path / "a.pdf")
    assert [(f.level, f.where) for f in result.findings] == [("note", "headline")]
    assert "天天特价" not in text_of(tmp_path / "a.pdf", 0)


@pytest.mark.parametrize(
    "link", ["https://q.cn/c?amount=5", "https://q.cn/c?Until=1", "https://q.cn/2026-12-31/1"]
)
def test_a_permanent_code_carries_no_amount_and_no_day(
    store: dict[str, str], tmp_path: Path, link: str
) -> None:
    result = make({**store, "url": link}, tmp_path / "a.pdf", "stand-a6")
    assert [f.code for f in result.findings] == ["stale-link"]
    named = make({**store, **OFFER}, tmp_path / "b.pdf", "stand-a6")
    assert [(f.level, f.where) for f in named.findings] == [("note", "amount"), ("note", "until")]
    assert "满30减5元" not in text_of(tmp_path / "b.pdf", 0)


def test_the_ledger_keeps_the_terms_of_each_revision(store: dict[str, str], tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    first = {**store, **OFFER}
    assert make(first, tmp_path / "a.pdf", ledger=ledger).verdict == "printable"
    assert make(first, tmp_path / "a.pdf", ledger=ledger).verdict == "printable", "again is no change"
    other = make({**first, "amount": "满50减8元"}, tmp_path / "a.pdf", ledger=ledger)
    assert [f.code for f in other.findings] == ["second-terms"]
    assert "set revision to 4" in other.findings[0].say()
    assert make({**first, "amount": "满50减8元", "revision": "4"}, tmp_path / "a.pdf", ledger=ledger).verdict
    kept = [json.loads(line) for line in ledger.read_text("utf-8").splitlines()]
    assert [(k["revision"], k["terms"]) for k in kept] == [
        (3, "满30减5元 / 2026-12-31"),
        (4, "满50减8元 / 2026-12-31"),
    ]


def test_what_an_offer_needs_is_said_where_templates_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    listed = {info.id: info for info in posters.templates()}
    needed = {f["name"] for f in listed["stand-a6-offer"].fields if f["required"]}
    assert needed == {"store_id", "merchant", "url", "amount", "until", "revision"}
    assert not {"amount", "until"} & {f["name"] for f in listed["stand-a6"].fields}
    assert catalog.template("stand-a6-offer").kind == "versioned"
    assert cli.main(["templates"]) == 0
    assert "stand-a6-offer" in capsys.readouterr().out
