"""What a printer can do, and how a shop says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kiosk.config import load
from kiosk.printing.profiles import PROFILES, ProfileError, profile


def test_the_three_that_ship() -> None:
    assert {n: (p.columns, p.text_mode, p.cut, p.barrier) for n, p in PROFILES.items()} == {
        "generic-58": (32, "device", True, True),
        "generic-80": (48, "device", True, True),
        "graphic-safe": (32, "graphic", False, False),
    }
    for p in PROFILES.values():
        assert p.strip_rows <= 256
        assert p.strip_rows % 24 == 0


def test_an_override_changes_what_it_names_and_nothing_else() -> None:
    made = profile("generic-58", {"cut": False, "drawer_on_ms": 120})
    assert (made.cut, made.drawer_on_ms) == (False, 120)
    assert (made.name, made.qr, made.barrier, made.drawer_off_ms) == ("generic-58", "native", True, 500)
    assert profile("generic-58", {}) is PROFILES["generic-58"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ({"cut": "no"}, "override.cut"),
        ({"drawer_on_ms": 1000}, "override.drawer_on_ms"),
        ({"strip_rows": 250}, "override.strip_rows"),
        ({"width_dots": 380}, "override.width_dots"),
        ({"qr": "big"}, "override.qr"),
        ({"colour": True}, "colour"),
        ({"name": "mine"}, "name cannot be changed"),
    ],
)
def test_a_bad_override_names_the_key(override: dict[str, Any], said: str) -> None:
    with pytest.raises(ProfileError) as told:
        profile("generic-58", override)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_an_unknown_profile() -> None:
    with pytest.raises(ProfileError, match="there are generic-58, generic-80, graphic-safe"):
        profile("epson-tm")


def test_kiosk_toml_says_what_a_printer_does_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(
        '[printers.counter]\nurl = "lp:///dev/usb/lp0"\noverride = { cut = false, qr = "raster", drawer_on_ms = 100 }\n'
    )
    loaded = load(path)
    assert loaded.warnings == ()
    given = loaded.value.printers["counter"]
    made = profile(given.profile, given.override)
    assert (made.cut, made.qr, made.drawer_on_ms) == (False, "raster", 100)
