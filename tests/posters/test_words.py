from __future__ import annotations

import string

import pytest

import posters
from posters import cli
from posters.words import aligned, locale, say
from ui.catalog import stale
from ui.texts import catalog_dir

from .sentences import sentences


def translations() -> dict[str, str]:
    from babel.messages.pofile import read_po

    with (catalog_dir("posters") / "zh_CN/LC_MESSAGES/posters.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, abort_invalid=True) if m.id}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_is_said_in_chinese() -> None:
    assert sentences() - set(translations()) == set()


def test_no_translation_is_for_nothing() -> None:
    assert set(translations()) - sentences() == set()


def test_translations_keep_the_places() -> None:
    for english, chinese in translations().items():
        assert chinese, english
        assert places(english) == places(chinese), english


def test_the_compiled_catalog_is_fresh() -> None:
    assert [po for po in stale() if po.name == "posters.po"] == []


def test_fields_and_reasons_are_translated_too() -> None:
    told = say(
        "{field}: {file} cannot be printed: {why}", "zh_CN", field="logo", file="a.gif", why="it is animated"
    )
    assert told == "商户标志：a.gif 不能印刷：这是动图"


@pytest.mark.parametrize(
    ("everything", "language", "expected"),
    [
        ("", "", "en"),
        ("", "zh_CN.UTF-8", "zh_CN"),
        ("C.UTF-8", "zh_CN.UTF-8", "en"),
        ("zh_CN", "en", "zh_CN"),
    ],
)
def test_the_locale_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, everything: str, language: str, expected: str
) -> None:
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LC_ALL", everything)
    monkeypatch.setenv("LANG", language)
    assert locale() == expected


def test_the_public_names_are_there() -> None:
    assert all(getattr(posters, name) for name in posters.__all__)


def test_columns_stand_below_each_other_in_both_scripts() -> None:
    assert aligned([["a", "海报", "1"], ["abc", "x", "22"]]) == ["a    海报  1", "abc  x     22"]


def test_the_list_names_what_an_offer_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["templates"]) == 0
    told = capsys.readouterr().out
    assert "Fields: store_id, merchant, url; optional: store," in told
    assert "poster-a4-offer, stand-a6-offer) these are required too: amount, until, revision" in told
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert cli.main(["templates"]) == 0
    assert "还必须填：amount, until, revision" in capsys.readouterr().out
