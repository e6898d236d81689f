"""The JSON of a slip: its schema, its defaults, and errors that name the place."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from kiosk.printing.render import read_slip
from kiosk.printing.slip import (
    Code128,
    Cut,
    Drawer,
    Feed,
    Qr,
    Row,
    Rule,
    Slip,
    SlipError,
    Text,
    parse_slip,
    slip_schema,
)
from tests.printing.made import slips

EXAMPLE = """
{"version": 1, "kind": "coupon", "copies": 1, "elements": [
  {"type": "text", "text": "老王便利店", "align": "center", "width": 2, "height": 2, "bold": true, "underline": false},
  {"type": "row", "cells": [{"text": "满20减3", "columns": 20}, {"text": "￥3.00", "columns": 12, "align": "right"}]},
  {"type": "rule", "char": "-"},
  {"type": "qr", "data": "https://q.example.cn/c/S0001", "level": "M", "module": 6},
  {"type": "code128", "data": "12345678901234567890", "height": 80},
  {"type": "logo", "name": "store"},
  {"type": "feed", "lines": 3},
  {"type": "cut", "kind": "partial"},
  {"type": "drawer", "pin": 2}]}
"""


def test_the_example_of_the_reference_is_a_slip() -> None:
    slip = parse_slip(EXAMPLE)
    assert [type(e).__name__ for e in slip.elements] == [
        "Text", "Row", "Rule", "Qr", "Code128", "Logo", "Feed", "Cut", "Drawer",
    ]  # fmt: skip
    assert slip.kind == "coupon"


def test_every_key_but_the_content_has_its_default() -> None:
    bare = parse_slip(
        {
            "elements": [
                {"type": "text", "text": "a"},
                {"type": "rule"},
                {"type": "qr", "data": "x"},
                {"type": "code128", "data": "1"},
                {"type": "feed"},
                {"type": "cut"},
                {"type": "drawer"},
                {"type": "row", "cells": [{"text": "a", "columns": 3}]},
            ]
        }
    )
    text, rule, qr, bar, feed, cut, drawer, row = bare.elements
    assert (bare.version, bare.kind, bare.copies) == (1, "slip", 1)
    assert text == Text(text="a", align="left", width=1, height=1, bold=False, underline=False)
    assert rule == Rule(char="-")
    assert qr == Qr(data="x", level="M", module=None)
    assert bar == Code128(data="1", height=80)
    assert (feed, cut, drawer) == (Feed(lines=1), Cut(kind="partial"), Drawer(pin=2))
    assert isinstance(row, Row)
    assert row.cells[0].align == "left"


@pytest.mark.parametrize(
    ("element", "named"),
    [
        ({"type": "text", "text": "a", "width": 3}, "elements[0].width = 3"),
        ({"type": "text", "text": "a", "colour": "red"}, "colour"),
        ({"type": "text"}, "`text`"),
        ({"type": "text", "text": "长" * 10_000}, "elements[0].text"),
        ({"type": "qr", "data": ""}, "elements[0].data = ''"),
        ({"type": "qr", "data": "x", "level": "Z"}, "elements[0].level = 'Z'"),
        ({"type": "code128", "data": "中文"}, "elements[0].data = '中文'"),
        ({"type": "code128", "data": "a\x1d"}, "elements[0].data"),
        ({"type": "rule", "char": "--"}, "elements[0].char = '--'"),
        ({"type": "logo", "name": "../etc/passwd"}, "elements[0].name = '../etc/passwd'"),
        ({"type": "feed", "lines": 0}, "elements[0].lines = 0"),
        ({"type": "drawer", "pin": 3}, "elements[0].pin = 3"),
        ({"type": "row", "cells": []}, "elements[0].cells"),
        ({"type": "row", "cells": [{"text": "a", "columns": 99}]}, "elements[0].cells[0].columns = 99"),
        ({"type": "raw", "data": "x"}, "'raw'"),
    ],
)
def test_an_error_names_the_place_and_the_remedy(element: dict[str, Any], named: str) -> None:
    with pytest.raises(SlipError) as told:
        parse_slip({"elements": [element]})
    sentence = str(told.value)
    assert named in sentence
    assert "kiosk slip schema" in sentence
    assert "\n" not in sentence
    assert len(sentence) < 300, "a long value is cut short in the sentence"


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"\xff\xfe{}", "not UTF-8 at byte 0"),
        (b'{"elements": [}', "line 1 column 15"),
        (b'{"version": 2, "elements": []}', "version = 2"),
        (b"[]", "the slip"),
        (b'{"elements": [], "extra": 1}', "extra"),
        (b'{"elements": [], "copies": 10}', "copies = 10"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_what_is_no_slip_is_told_in_one_sentence(raw: bytes, named: str) -> None:
    with pytest.raises(SlipError) as told:
        parse_slip(raw)
    assert named in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Any) -> None:
    with pytest.raises(SlipError, match=r"nothing\.json: cannot be read"):
        read_slip(tmp_path / "nothing.json")
    bad = tmp_path / "bad.json"
    bad.write_text('{"elements": [{"type": "cut", "kind": "half"}]}')
    with pytest.raises(SlipError, match=r"bad\.json: elements\[0\].kind = 'half'"):
        read_slip(bad)


@given(slips)
def test_a_slip_survives_json(slip: Slip) -> None:
    assert parse_slip(msgspec.json.encode(slip)) == slip


def test_the_schema_says_what_the_parser_takes() -> None:
    schema = slip_schema()
    assert json.loads(json.dumps(schema)) == schema
    defs = schema["$defs"]
    assert defs["Slip"]["properties"]["version"]["enum"] == [1]
    kinds = {
        name: d["properties"]["type"]["enum"][0]
        for name, d in defs.items()
        if "type" in d.get("properties", {})
    }
    assert set(kinds.values()) == {"text", "row", "rule", "qr", "code128", "logo", "feed", "cut", "drawer"}
    assert defs["Text"]["properties"]["width"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 2,
        "default": 1,
    }
    assert defs["Text"]["additionalProperties"] is False
