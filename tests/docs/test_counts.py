"""English sentences read well with one of a thing: no "1 printers"."""

from __future__ import annotations

import re

import pytest

from ui.texts import catalog_dir

COUNT = re.compile(r"\{n\} (?!%)[a-z]+s\b")
LIMITS = {
    "{file} has more than {n} pages",
    "Passphrase, at least {n} characters",
    "The passphrase has at least {n} characters.",
    "it would take {n} sheets; {most} are the most",
}
"""Sentences whose number is a limit, or above one: never 1."""


def sentences(package: str) -> set[str]:
    from babel.messages.pofile import read_po

    with (catalog_dir(package) / f"zh_CN/LC_MESSAGES/{package}.po").open("rb") as file:
        return {str(m.id) for m in read_po(file, abort_invalid=True) if m.id}


@pytest.mark.parametrize("package", ["kiosk", "hub", "posters", "ui"])
def test_no_sentence_counts_one_as_many(package: str) -> None:
    found = sentences(package)
    assert found, package
    assert {s for s in found if COUNT.search(s)} - LIMITS == set()


def test_the_limits_are_sentences_that_are_said() -> None:
    assert LIMITS - sentences("kiosk") - sentences("posters") == set()
