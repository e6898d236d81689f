from __future__ import annotations

import csv
from pathlib import Path

import pytest

import posters
from posters import catalog, lint
from posters.errors import UsageError
from posters.merge import FIELDS

LOOKS = [
    (t, look + tail)
    for t in catalog.template_ids()
    for look in catalog.template(t).looks
    for tail in ("", "-en")
]
HARD = Path(__file__).with_name("stores-hard.csv")
ALWAYS = [("stand-a6", "warm"), ("poster-a4", "plain-en"), ("tent-a6", "fresh"), ("sticker-80", "warm-en")]
IDS = {
    "poster-570x840",
    "poster-a3",
    "poster-a3-offer",
    "poster-a4",
    "poster-a4-offer",
    "stand-100x150",
    "stand-a5",
    "stand-a6",
    "stand-a6-offer",
    "sticker-80",
    "tent-a6",
    "xstand-800x1800",
}


def mostly_heavy(cases: list[tuple[str, str]], light: list[tuple[str, str]]) -> list[object]:
    return [pytest.param(*case, marks=[] if case in light else pytest.mark.heavy) for case in cases]


@pytest.mark.parametrize(("template_id", "look"), LOOKS)
def test_the_templates_that_ship_have_no_fault(template_id: str, look: str) -> None:
    assert lint.faults(catalog.choose(template_id, look)) == []


def test_every_template_comes_in_three_looks_and_two_languages() -> None:
    found = {info.id: info for info in posters.templates()}
    assert set(found) == IDS
    assert {name for name, info in found.items() if info.faces == 2} == {
        "stand-a6",
        "stand-a6-offer",
        "stand-a5",
        "stand-100x150",
        "tent-a6",
    }
    for info in found.values():
        assert info.looks == ["warm", "fresh", "plain", "warm-en", "fresh-en", "plain-en"]
        versioned = ["amount", "until", "revision"] if info.id.endswith("-offer") else []
        assert [f["name"] for f in info.fields if f["required"]] == [
            "store_id",
            "merchant",
            "url",
            *versioned,
        ]


@pytest.mark.parametrize("name", ["热烈", "Warm", "warm"])
def test_a_look_goes_by_id_and_by_title(name: str) -> None:
    assert catalog.choose("stand-a6", name).look_id == "warm"


def test_unknown_template_and_look_name_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"there are poster-570x840, .*, stand-a6"):
        catalog.choose("stand-a9", None)
    with pytest.raises(UsageError, match="did you mean fresh"):
        catalog.choose("stand-a6", "frsh")


def rows() -> list[dict[str, str]]:
    with HARD.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("template_id", "look"), mostly_heavy(LOOKS, ALWAYS))
def test_the_hard_rows_fit_every_look(template_id: str, look: str, tmp_path: Path) -> None:
    verdicts = {}
    terms = {"amount": "满30减5元", "until": "2026-12-31", "revision": "1"}
    for row in rows():
        given = {**row, **terms} if catalog.template(template_id).kind == "versioned" else row
        result = posters.make(template_id, given, tmp_path / "x.pdf", look=look)
        verdicts[row["store_id"]] = result.verdict
    refused = {store for store, verdict in verdicts.items() if verdict == "refuse"}
    assert refused == {"S0012"}, "only what no glyph exists for is refused"
    assert "confirm" not in verdicts.values()


@pytest.mark.parametrize(
    ("template_id", "look"),
    mostly_heavy(LOOKS, [c for c in LOOKS if not c[1].endswith("-en") and not catalog.template(c[0]).base]),
)
def test_every_field_fits_at_its_full_length(template_id: str, look: str, tmp_path: Path) -> None:
    full = {name: "国" * rule.max for name, rule in FIELDS.items() if rule.kind == "text"}
    data = {
        **full,
        "store_id": "S1",
        "phone": "0755-88886666",
        "url": "https://q.cn/1",
        "until": "2026-12-31",
        "revision": "9999",
    }
    result = posters.make(template_id, data, tmp_path / "x.pdf", look=look)
    assert result.verdict == "printable", [f.say() for f in result.findings]


def test_an_unknown_key_and_a_bad_colour_name_their_place(tmp_path: Path) -> None:
    for text, told in (("colors = { a = [0, 0, 0, 120] }", "<= 100"), ("colours = 1", "colours")):
        path = tmp_path / "look.toml"
        path.write_text(f'title = {{ zh = "甲", en = "A" }}\nfront = []\n{text}\n', "utf-8")
        with pytest.raises(UsageError, match=told):
            catalog.read_toml(path, catalog.Look)


def test_lint_sees_type_outside_the_safe_area_and_things_that_touch(tmp_path: Path) -> None:
    good = catalog.choose("stand-a6", "plain")
    text = {"kind": "text", "box": [1, 90, 40, 5], "value": "{nobody}", "size": 5, "color": "pink"}
    import msgspec

    look = msgspec.to_builtins(good.look)
    look["front"].append(text)
    broken = msgspec.structs.replace(good, look=msgspec.convert(look, type(good.look)))
    told = "\n".join(lint.faults(broken))
    for part in (
        "outside the safe area",
        "touches",
        "neither a field nor a word",
        "smaller than 6",
        "no colour",
    ):
        assert part in told


@pytest.mark.parametrize("template_id", ["stand-a6", "stand-a5", "stand-100x150", "tent-a6"])
@pytest.mark.parametrize("look", ["warm", "fresh", "plain"])
def test_two_languages_stand_back_to_back(
    template_id: str, look: str, store: dict[str, str], tmp_path: Path
) -> None:
    from .test_traps import text_of

    out = tmp_path / "x.pdf"
    result = posters.make(template_id, store, out, look=f"{look}-both", profile="press-x1a")
    assert result.verdict == "printable", [f.say() for f in result.findings]
    assert len(result.faces) == 2
    texts = [text_of(out, page) for page in range(result.pages)]
    front, back = texts if len(texts) == 2 else (texts[0], texts[0])
    assert "扫码" in front
    assert "Scan" in back
    assert ("Scan" in front) == (template_id == "tent-a6")


def test_a_poster_speaks_one_language() -> None:
    with pytest.raises(UsageError, match="poster-a4 has one face"):
        catalog.choose("poster-a4", "warm-both")
