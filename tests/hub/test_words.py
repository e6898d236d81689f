"""Every text of the hub's pages is said in Chinese, and no translation is for nothing."""

from __future__ import annotations

import ast
import string
from pathlib import Path
from typing import get_args

import jinja2
from jinja2 import nodes

import hub
from kiosk.coupons.batch import BatchStatus
from ui.catalog import stale
from ui.texts import catalog_dir

HERE = Path(hub.__file__).parent
WORDS = {*get_args(BatchStatus)}
"""What pages look up by a variable: `_(b.status)`."""


def _in_templates() -> set[str]:
    found = set()
    for path in (HERE / "templates").glob("*.jinja"):
        tree = jinja2.Environment(autoescape=True).parse(path.read_text("utf-8"))
        for call in tree.find_all(nodes.Call):
            if (
                isinstance(call.node, nodes.Name)
                and call.node.name == "_"
                and isinstance(call.args[0], nodes.Const)
            ):
                found.add(call.args[0].value)
    return found


def _in_code() -> set[str]:
    found = set()
    for path in HERE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("N_", "_"):
                found |= {
                    arg.value
                    for arg in node.args
                    if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
                }
    return found


def _translations() -> dict[str, str]:
    from babel.messages.pofile import read_po

    with (catalog_dir("hub") / "zh_CN/LC_MESSAGES/hub.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, abort_invalid=True) if m.id}


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_is_said_in_chinese() -> None:
    assert (_in_templates() | _in_code() | WORDS) - set(_translations()) == set()


def test_no_translation_is_for_nothing() -> None:
    assert set(_translations()) - _in_templates() - _in_code() - WORDS == set()


def test_translations_are_chinese_and_keep_their_places() -> None:
    for english, chinese in _translations().items():
        assert any("\u4e00" <= c <= "\u9fff" for c in chinese), english
        assert _places(english) == _places(chinese), english


def test_the_compiled_catalog_is_fresh() -> None:
    assert [po for po in stale() if po.name == "hub.po"] == []
