from __future__ import annotations

import pytest

from posters.errors import RefusedError, UsageError
from posters.merge import FIELDS, clean, fill, merged, reject_unknown


def test_cleaning_keeps_what_prints() -> None:
    assert clean("  Cafe\u0301\u00a0店\u200b\ufe0f\n") == "Café 店"


def test_every_field_is_there_after_merging(store: dict[str, str]) -> None:
    values = merged(store)
    assert set(values) == set(FIELDS)
    assert values["headline"] == ""


@pytest.mark.parametrize("name", ["store_id", "merchant", "url"])
def test_a_missing_required_field_is_named(store: dict[str, str], name: str) -> None:
    with pytest.raises(RefusedError) as caught:
        merged({**store, name: "  "})
    assert caught.value.where == name
    assert name in str(caught.value)


def test_a_name_of_60_characters_is_refused_by_length(store: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="merchant has 60 characters; at most 40"):
        merged({**store, "merchant": "店" * 60})


@pytest.mark.parametrize("bad", ["../x", "a/b", ".hidden", "a b", "-x", "x@y", "a\\b"])
def test_a_store_id_cannot_leave_its_directory(store: dict[str, str], bad: str) -> None:
    with pytest.raises(RefusedError, match="cannot name a file"):
        merged({**store, "store_id": bad})


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean phone"):
        reject_unknown(["phon"], "store.toml line 4")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"a": "甲", "b": "乙"}, "甲 · 乙"),
        ({"a": "甲", "b": ""}, "甲"),
        ({"a": "", "b": "乙"}, "乙"),
        ({"a": "", "b": ""}, ""),
    ],
)
def test_an_empty_place_takes_its_separator_along(values: dict[str, str], text: str) -> None:
    assert fill("{a} · {b}", values) == text
