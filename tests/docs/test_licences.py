"""docs/licences.md is in step with the lock, and no licence is at odds with Apache-2.0."""

from __future__ import annotations

from pathlib import Path

import justmytype_intl_cjk
import pytest

from docs.generate import licences
from docs.generate.locks import ROOT


def test_the_page_is_in_step() -> None:
    assert (ROOT / "docs" / "licences.md").read_text("utf-8") == licences.page(), "run make docs"


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-or-later", "AGPL-3.0-only", "MIT AND GPL-2.0-only", "UNKNOWN", "Other/Proprietary License"],
)
def test_a_licence_at_odds_with_ours_is_refused_by_name(licence: str) -> None:
    with pytest.raises(licences.LicenceError, match="some-package is under"):
        licences.judge("some-package", licence)


def test_a_weak_copyleft_says_what_it_asks_for() -> None:
    assert "own files" in licences.judge("pikepdf", "MPL-2.0")
    assert licences.judge("attrs", "MIT") == ""


def test_the_font_says_itself_that_it_is_under_the_ofl() -> None:
    family = Path(next(iter(justmytype_intl_cjk.__path__))) / "fonts" / "ofl" / "notosanssc"
    assert "SIL OPEN FONT LICENSE Version 1.1" in (family / "OFL.txt").read_text("utf-8")
    assert 'license: "OFL"' in (family / "METADATA.pb").read_text("utf-8")


def test_our_own_licence_is_the_whole_apache_text() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
