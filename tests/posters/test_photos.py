"""The store's picture: a place of its own in every template and look, drawn as it is."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pikepdf
import pytest
from PIL import Image, ImageDraw

import posters
from posters import catalog, lint, pictures, raster
from posters.merge import FIELDS

SHIPPED = [(t, look) for t in catalog.template_ids() for look in catalog.template(t).looks]
TERMS = {"amount": "满30减5元", "until": "2026-12-31", "revision": "9999"}
BLUE = (20, 60, 200)


LIGHT = {("stand-a6", look) for look in ("warm", "fresh", "plain")}
LIGHT |= {("tent-a6", "plain"), ("sticker-80", "warm"), ("poster-a4", "fresh")}


def some(case: tuple[str, str]) -> object:
    """Return a case; those that differ in size alone, or little, are for the heavy tier."""
    return pytest.param(*case, marks=[] if case in LIGHT else [pytest.mark.heavy])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A photograph: blue, with a green corner that only a stretched or turned one would show elsewhere."""
    path = tmp_path_factory.mktemp("shop") / "shop.jpg"
    image = Image.new("RGB", (3600, 2400), BLUE)
    ImageDraw.Draw(image).rectangle((0, 0, 60, 60), fill=(0, 160, 0))
    image.save(path, quality=92)
    return str(path)


@pytest.mark.parametrize(("template_id", "look"), [some(case) for case in SHIPPED])
def test_every_template_and_look_shows_the_picture_and_bears_full_fields_beside_it(
    template_id: str, look: str, shop: str, tmp_path: Path
) -> None:
    full = {name: "国" * rule.max for name, rule in FIELDS.items() if rule.kind == "text"}
    short = {"store_id": "S1", "phone": "0755-88886666", "url": "https://q.cn/1"}
    data = {**full, **short, **TERMS, "image": shop, "logo": shop, "partner_mark": shop}
    result = posters.make(template_id, data, tmp_path / "x.pdf", look=look)
    assert result.verdict == "printable", [f.say() for f in result.findings]
    shown = sum(len(page["images"]) for page in result.sheets)
    assert shown == (2 if template_id == "sticker-80" else 3), (
        "picture, partner's mark, and a logo where it fits"
    )
    page = raster.pages((tmp_path / "x.pdf").read_bytes(), 40)[0].convert("RGB")
    blue = sum(b > r + 60 and b > g + 40 for r, g, b in page.get_flattened_data())
    assert blue > 0.004 * page.width * page.height


@pytest.mark.parametrize("look", ["warm", "fresh", "plain"])
def test_a_front_without_a_picture_is_another(
    look: str, shop: str, store: dict[str, str], tmp_path: Path
) -> None:
    chosen = catalog.choose("stand-a6", look)
    assert chosen.pictured().faces[0] != chosen.faces[0]
    assert chosen.pictured().faces[1] == chosen.faces[1]
    both = posters.make("stand-a6", {**store, "image": shop}, tmp_path / "a.pdf", look=f"{look}-both")
    assert [len(page["images"]) for page in both.sheets] == [1, 1]


def test_a_picture_keeps_its_colours() -> None:
    """Shares of the light that black leaves, as the press mixes them: not the dull ones of a plain difference."""
    for wanted in (BLUE, (168, 44, 40), (230, 170, 60), (90, 90, 90), (255, 255, 255), (2, 0, 0)):
        c, m, y, k = pictures.cmyk(Image.new("RGB", (1, 1), wanted)).getpixel((0, 0))  # type: ignore[misc]
        printed = [(1 - ink / 255) * (255 - k) for ink in (c, m, y)]
        assert printed == pytest.approx(wanted, abs=3)
        assert min(c, m, y) == 0
        assert (c + m + y + k) / 2.55 <= 300


@pytest.mark.parametrize(("longest", "least"), [(148, 150), (593, 150), (594, 100), (840, 100), (1800, 72)])
def test_large_pieces_need_fewer_dots(longest: float, least: int) -> None:
    assert pictures.dpi_range(longest)[0] == least


def test_a_photograph_from_a_telephone_is_enough_for_a_banner(
    shop: str, store: dict[str, str], tmp_path: Path
) -> None:
    result = posters.make("xstand-800x1800", {**store, "image": shop}, tmp_path / "a.pdf")
    assert result.verdict == "printable", [f.say() for f in result.findings]
    assert 100 < result.sheets[0]["images"][0]["dpi"] < 130
    assert posters.check(tmp_path / "a.pdf").verdict == "printable"
    assert (tmp_path / "a.pdf").stat().st_size < 3_000_000


def broken(change: dict[str, object]) -> catalog.Chosen:
    """Return the plain stand with its picture's front changed by one more item over the photograph."""
    chosen = catalog.choose("stand-a6", "plain")
    look = msgspec.to_builtins(chosen.look)
    look["photo"].insert(2, change)
    return msgspec.structs.replace(chosen, look=msgspec.convert(look, type(chosen.look)))


def test_type_on_a_photograph_needs_a_plate_below_it() -> None:
    text = {"kind": "text", "box": [30, 12, 40, 8], "value": "{merchant}", "size": 10}
    assert lint.faults(broken(text)) == ["face 1 with a picture: picture touches text {merchant}"]
    assert "qr" in lint.faults(broken({"kind": "qr", "at": [30, 6], "side": 36}))[0]
    chosen = broken(text)
    look = msgspec.to_builtins(chosen.look)
    look["photo"].insert(2, {"kind": "rect", "box": [28, 10, 44, 12], "fill": "white"})
    assert lint.faults(msgspec.structs.replace(chosen, look=msgspec.convert(look, type(chosen.look)))) == []


def test_type_on_a_circle_keeps_clear_of_straight_type() -> None:
    chosen = catalog.choose("sticker-80", "plain")
    look = msgspec.to_builtins(chosen.look)
    for item in look["front"]:
        if item.get("value") == "{headline}":
            item["box"] = [22.6, 8.4, 34.8, 9.8]
    high = msgspec.structs.replace(chosen, look=msgspec.convert(look, type(chosen.look)))
    assert lint.faults(high) == ["face 1: text {merchant} touches text {headline}"]


def test_a_huge_picture_is_refused_before_it_is_read(store: dict[str, str], tmp_path: Path) -> None:
    Image.new("1", (9000, 5000)).save(tmp_path / "wide.png")
    with (tmp_path / "long.jpg").open("wb") as file:
        file.truncate(pictures.MAX_BYTES + 1)
    for name, told in (("wide.png", "more than 40 million pixels"), ("long.jpg", "larger than 30 MB")):
        result = posters.make("stand-a6", {**store, "logo": str(tmp_path / name)}, tmp_path / "a.pdf")
        assert result.verdict == "refuse"
        assert (result.findings[0].where, told in result.findings[0].say()) == ("logo", True)
        assert not (tmp_path / "a.pdf").exists()


def test_a_photograph_that_lies_on_its_side_is_set_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (4000, 3000), "blue")
    ImageDraw.Draw(image).rectangle((0, 0, 4000, 700), fill="red")  # the left of the upright picture
    exif = Image.Exif()
    exif[pictures.ORIENTATION] = 8  # turned by 90 degrees to the left
    image.save(tmp_path / "a.jpg", exif=exif, quality=90)
    loaded = pictures.load("image", "a.jpg", tmp_path)
    data, dpi = pictures.at_size(loaded, (30.0, 40.0), "cover", 300)
    assert dpi == 300
    with Image.open(io.BytesIO(data)) as set_:
        shown = set_.convert("RGB")
    assert shown.size == pytest.approx((354, 472), abs=1)
    left, right = (shown.getpixel((x, 236)) for x in (30, 320))
    assert left[0] > left[2] + 100  # type: ignore[index,operator]
    assert right[2] > right[0] + 100  # type: ignore[index,operator]


def test_a_photograph_goes_in_packed_and_is_never_unpacked_whole(
    shop: str, store: dict[str, str], tmp_path: Path
) -> None:
    posters.make("stand-a6", {**store, "image": shop}, tmp_path / "a.pdf", profile="press-x1a")
    with pikepdf.Pdf.open(tmp_path / "a.pdf") as pdf:
        found = [o for o in pdf.objects if isinstance(o, pikepdf.Stream) and o.get("/Subtype") == "/Image"]
        assert [[str(name) for name in o.Filter] for o in found] == [["/DCTDecode"]]
    half = pictures._decoded(pictures.load("image", shop, Path()), (1311, 614)).picture
    assert half.size == (1800, 1200)


def test_grey_of_16_bits_keeps_its_greys(tmp_path: Path) -> None:
    Image.new("I;16", (300, 300), 128 * 257).save(tmp_path / "grey.png")
    data, _ = pictures.at_size(pictures.load("image", "grey.png", tmp_path), (10.0, 10.0), "cover", 300)
    with Image.open(io.BytesIO(data)) as set_:
        assert set_.getpixel((5, 5)) == pytest.approx((0, 0, 0, 127), abs=2)
