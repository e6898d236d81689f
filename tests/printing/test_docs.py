"""docs/printing.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from kiosk.config import load
from kiosk.printing import layout as lay
from kiosk.printing.printers import factory
from kiosk.printing.profiles import PROFILES, Profile, profile
from kiosk.printing.queue import CAP, RULES
from kiosk.printing.slip import Code128, parse_slip, slip_schema
from tests.printing.made import slip

PAGE = (Path(__file__).parents[2] / "docs" / "printing.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_its_slip_is_a_slip() -> None:
    made = parse_slip(block("json"))
    assert len({type(e) for e in made.elements}) == 9


def test_its_settings_make_printers(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    path.write_text(block("toml"), "utf-8")
    loaded = load(path)
    assert loaded.warnings == ()
    for name, given in loaded.value.printers.items():
        assert factory.open_printer(name, given.url, given.profile, override=given.override).name == name


def test_every_key_of_an_override_is_told_with_its_default() -> None:
    section = PAGE.partition("## Profiles")[2].partition("## Outcomes")[0]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| [^|]* \| ([^|]*) \|$", section, re.MULTILINE)
    keys = [
        key for names, _ in rows for key in re.findall(r"`(\w+)`", names) if key in Profile.__struct_fields__
    ]
    assert sorted(keys) == sorted(f for f in Profile.__struct_fields__ if f != "name")
    told = dict(rows)
    plain = profile("generic-58")
    assert told["`drawer_on_ms`, `drawer_off_ms`"] == f"{plain.drawer_on_ms}, {plain.drawer_off_ms}"
    assert told["`cut`, `feed_before_cut`"] == f"`true`, {plain.feed_before_cut}"
    assert told["`strip_rows`"] == str(plain.strip_rows)


def test_every_profile_and_element_is_told() -> None:
    for name in PROFILES:
        assert f"`{name}`" in PAGE
    for name, of in slip_schema()["$defs"].items():
        for key in of.get("properties", {}):
            assert f"`{key}`" in PAGE or f'"{key}"' in PAGE, (name, key)


def test_every_address_is_known() -> None:
    for url in set(re.findall(r"`([a-z+]+://[^`]*)`", PAGE)):
        assert urlsplit(url).scheme in factory.known() or urlsplit(url).scheme in factory._MAKERS, url


def test_the_figures() -> None:
    def fits(data: str) -> bool:
        return any(isinstance(b, lay.BarBlock) for b in lay.lay_out(slip(Code128(data=data)), 384).blocks)

    assert "24 digits or 12 letters" in PAGE
    assert (fits("1" * 24), fits("1" * 26), fits("A" * 12), fits("A" * 13)) == (True, False, True, False)
    assert f"At most {CAP} slips wait" in PAGE
    assert (RULES["coupon"].deadline_s, RULES["day"].deadline_s, RULES["conflict"].deadline_s) == (
        120,
        900,
        86_400,
    )
    assert "a coupon after 2 minutes, a day report after 15 minutes" in PAGE
