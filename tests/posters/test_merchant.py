"""What the merchant brings: colours, pictures, a partner's mark, a logo in the code, one address for each material."""

from __future__ import annotations

from pathlib import Path

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import posters
from posters import branding, catalog, lint, raster
from posters.errors import RefusedError, UsageError
from posters.ledger import Ledger, Printed
from posters.symbol import encode, hole_modules, merged

from .conftest import URL

PER_CENT = st.floats(0, 75)


@pytest.fixture
def logo(tmp_path: Path) -> str:
    path = tmp_path / "logo.png"
    image = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(image).ellipse((10, 10, 290, 290), fill=(20, 120, 60))
    image.save(path)
    return str(path)


@pytest.mark.parametrize(
    ("text", "inks"),
    [
        ("#000000", (0, 0, 0, 100)),
        ("808080", (0, 0, 0, 49.8)),
        ("#FF0000", (0, 100, 100, 0)),
        ("0 96 92 8", (0, 96, 92, 8)),
        ("C0 M96 Y92 K8", (0, 96, 92, 8)),
        ("10/20/30/40", (10, 20, 30, 40)),
    ],
)
def test_a_colour_is_written_as_shops_write_it(text: str, inks: tuple[float, ...]) -> None:
    assert branding.parse(text) == pytest.approx(inks, abs=0.1)


@pytest.mark.parametrize("bad", ["red", "#12345", "1 2 3", "0 0 0 120", "100 100 100 20"])
def test_what_is_no_colour_is_refused_by_name(store: dict[str, str], tmp_path: Path, bad: str) -> None:
    result = posters.make("stand-a6", {**store, "brand": bad}, tmp_path / "a.pdf")
    assert result.verdict == "refuse"
    assert result.findings[0].where == "brand"
    assert not (tmp_path / "a.pdf").exists()


@given(PER_CENT, PER_CENT, PER_CENT, PER_CENT)
def test_white_type_can_be_read_on_any_brand(c: float, m: float, y: float, k: float) -> None:
    color, added = branding.readable((c, m, y, k))
    assert branding.contrast(color, (0, 0, 0, 0)) >= branding.LEAST_CONTRAST
    assert color[:3] == (c, m, y)
    if added:
        less = color[3] - branding.STEP
        assert branding.contrast((c, m, y, less), (0, 0, 0, 0)) < branding.LEAST_CONTRAST, (
            "no darker than needed"
        )
    assert (added == 0) == (branding.contrast((c, m, y, k), (0, 0, 0, 0)) >= branding.LEAST_CONTRAST)


@pytest.mark.parametrize("template", catalog.template_ids())
@pytest.mark.parametrize("look", ["warm", "fresh", "plain"])
def test_every_look_takes_the_brand_and_has_room_for_a_mark(template: str, look: str) -> None:
    chosen = catalog.choose(template, look)
    assert max(chosen.look.brand.values()) >= 1
    drawn, findings = branding.recoloured(chosen.look, (90, 60, 0, 45))
    assert findings == []
    assert drawn.colors != chosen.look.colors
    marks = [i for face in chosen.faces for i in face if getattr(i, "field", "") == "partner_mark"]
    assert len(marks) == 1


def test_the_brand_is_on_paper_and_a_light_one_is_said(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make("stand-a6", {**store, "brand": "95 60 0 40"}, tmp_path / "a.pdf", look="warm")
    assert result.verdict == "printable"
    with pikepdf.Pdf.open(tmp_path / "a.pdf") as pdf:
        page = b"".join(part.read_bytes() for part in [pdf.pages[0].Contents])
    assert b".95 .6 0 .4 k" in page
    light = posters.make("stand-a6", {**store, "brand": "#FFE14D"}, tmp_path / "b.pdf", look="warm")
    assert [(f.level, f.code) for f in light.findings] == [("confirm", "contrast")]


def test_the_stores_picture_comes_first_and_the_merchants_stands_in(
    store: dict[str, str], tmp_path: Path
) -> None:
    Image.new("RGB", (1500, 1000), (250, 0, 0)).save(tmp_path / "shop.png")
    Image.new("RGB", (1500, 1000), (0, 0, 250)).save(tmp_path / "brand.png")
    both = {**store, "image": "shop.png", "merchant_image": "brand.png"}
    for data, blue in ((both, False), ({**store, "merchant_image": "brand.png"}, True)):
        result = posters.make("poster-a4", data, tmp_path / "a.pdf", look="plain", base=tmp_path)
        assert result.verdict == "printable", [f.say() for f in result.findings]
        page = raster.pages((tmp_path / "a.pdf").read_bytes(), 25.4)[0]
        red, _, blueness = page.getpixel((168, 60))  # type: ignore[misc]
        assert (blueness > red) == blue


@pytest.mark.parametrize("mode", ["RGBA", "CMYK", "L"])
def test_a_white_logo_is_told_of(store: dict[str, str], tmp_path: Path, mode: str) -> None:
    white = {"RGBA": (255, 255, 255, 200), "CMYK": (0, 8, 0, 4), "L": 250}[mode]
    path = tmp_path / ("logo.jpg" if mode == "CMYK" else "logo.png")
    Image.new(mode, (300, 300), white).save(path)  # type: ignore[arg-type]
    result = posters.make("stand-a6", {**store, "logo": str(path)}, tmp_path / "a.pdf")
    assert [(f.level, f.code, f.where) for f in result.findings] == [("confirm", "faint", "logo")]


def test_a_progressive_cmyk_photograph_is_printed_as_it_is(store: dict[str, str], tmp_path: Path) -> None:
    Image.new("CMYK", (1500, 1000), (0, 200, 200, 10)).save(tmp_path / "p.jpg", progressive=True, quality=90)
    result = posters.make("stand-a6", {**store, "image": str(tmp_path / "p.jpg")}, tmp_path / "a.pdf")
    assert result.verdict == "printable", [f.say() for f in result.findings]
    page = raster.pages((tmp_path / "a.pdf").read_bytes(), 25.4)[0]
    red, green, _ = page.getpixel((80, 35))  # type: ignore[misc]
    assert red > green + 100, "red, and no negative of it"


def test_a_partners_mark_is_whole_large_enough_and_noted(
    store: dict[str, str], tmp_path: Path, logo: str
) -> None:
    result = posters.make("stand-100x150", {**store, "partner_mark": logo}, tmp_path / "a.pdf")
    assert result.verdict == "printable"
    assert "mark" in {f.code for f in result.findings}
    shot = next(page["images"] for page in result.sheets if page["images"])[0]
    side = shot["pixels"][0] / shot["dpi"] * 25.4
    assert side >= lint.MARK_MM


@pytest.mark.parametrize("look", ["warm", "fresh", "plain"])
def test_a_sticker_bears_a_partners_mark_beside_its_code(
    store: dict[str, str], tmp_path: Path, logo: str, look: str
) -> None:
    result = posters.make("sticker-80", {**store, "partner_mark": logo}, tmp_path / "b.pdf", look=look)
    assert result.verdict == "printable"
    assert {"mark"} == {f.code for f in result.findings}
    assert result.sheets[0]["images"]


def test_a_picture_without_a_place_is_told_why(store: dict[str, str], tmp_path: Path, logo: str) -> None:
    data = {**store, "logo": logo, "image": logo}
    result = posters.make("sticker-80", data, tmp_path / "b.pdf")
    assert result.verdict == "printable"
    assert [(f.level, f.where) for f in result.findings] == [("note", "logo")]
    told = "logo was left out: sticker-80 needs its room for a code that reads; take a larger format"
    assert result.findings[0].say() == told
    assert posters.make("sticker-80", {**store, "logo": logo}, tmp_path / "b.pdf").findings == []


@pytest.mark.parametrize("template", ["stand-a6", "sticker-80", "poster-a4"])
def test_a_logo_in_the_code_stays_within_what_decoders_bear(
    store: dict[str, str], tmp_path: Path, logo: str, template: str
) -> None:
    result = posters.make(template, {**store, "code_logo": logo}, tmp_path / "a.pdf")
    assert result.verdict == "printable", [f.say() for f in result.findings]
    for face in result.faces:
        assert (face.level, face.payload, face.k_only) == ("Q", URL, True)
        assert all(face.gates.values())
    assert posters.check(tmp_path / "a.pdf", URL).verdict == "printable"
    pixels = posters.make(template, {**store, "code_logo": logo}, tmp_path / "w.tif", profile="wideformat")
    assert pixels.verdict == "printable", [f.say() for f in pixels.findings]


@given(st.integers(0, 150))
def test_the_hole_is_odd_in_the_middle_and_small(length: int) -> None:
    symbol = encode("https://q.cn/" + "x" * length)
    hole = hole_modules(symbol)
    assert hole % 2 == 1
    assert hole**2 <= 0.06 * symbol.modules**2
    low = (symbol.modules - hole) // 2
    for x, y, w, h in merged(symbol, hole):
        assert x + w <= low or x >= low + hole or y + h <= low or y >= low + hole


def test_a_picture_larger_than_a_logo_may_be_is_refused_on_the_code(
    store: dict[str, str], tmp_path: Path, logo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from posters import layout

    monkeypatch.setattr(layout, "hole_modules", lambda _: 9)
    result = posters.make("stand-a6", {**store, "code_logo": logo}, tmp_path / "a.pdf")
    assert "k-only" in {f.code for f in result.findings}, "it reads, but nothing is left for dirt"
    assert result.verdict == "refuse"
    assert not (tmp_path / "a.pdf").exists()


def test_a_second_address_needs_a_new_revision(store: dict[str, str], tmp_path: Path) -> None:
    book = tmp_path / "printed.jsonl"
    other = {**store, "url": "https://q.example.cn/c/other"}

    def make(data: dict[str, str], template: str = "stand-a6") -> posters.Result:
        return posters.make(template, data, tmp_path / "a.pdf", ledger=book)

    assert make(store).verdict == "printable"
    first = (tmp_path / "a.pdf").read_bytes()
    assert make(store).verdict == "printable"
    refused = make(other)
    assert refused.verdict == "refuse"
    assert refused.findings[0].code == "second-payload"
    assert "set revision to 2" in refused.findings[0].say()
    assert (tmp_path / "a.pdf").read_bytes() == first
    assert make(other, "poster-a4").verdict == "printable", "another material is another matter"
    assert make({**other, "revision": "2"}).verdict == "printable"
    assert make(store).verdict == "refuse", "and back needs a third"
    assert len(book.read_text("utf-8").splitlines()) == 3


def test_the_ledger_bears_a_line_cut_off(tmp_path: Path) -> None:
    book = tmp_path / "printed.jsonl"
    Ledger(book).record(Printed("S1", "stand-a6", "https://a", 1))
    with book.open("a") as file:
        file.write('{"store_id":"S1","mat')
    with pytest.raises(RefusedError, match="was printed with https://a"):
        Ledger(book).check(Printed("S1", "stand-a6", "https://b", 1))
    Ledger(book).record(Printed("S2", "stand-a6", "https://c", 1))
    with pytest.raises(RefusedError, match="was printed with https://c"):
        Ledger(book).check(Printed("S2", "stand-a6", "https://d", 1))


def test_a_revision_is_a_number(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make("stand-a6", {**store, "revision": "b"}, tmp_path / "a.pdf")
    assert result.findings[0].where == "revision"


def test_a_faulty_template_makes_nothing(tmp_path: Path, store: dict[str, str]) -> None:
    import msgspec

    from posters import making
    from posters.drawing import Job

    good = catalog.choose("stand-a6", "plain")
    look = msgspec.to_builtins(good.look)
    look["front"].append({"kind": "text", "box": [0, 90, 40, 5], "value": "x", "size": 8})
    bad = msgspec.structs.replace(good, look=msgspec.convert(look, type(good.look)), digest="changed")
    with pytest.raises(UsageError, match=r"stand-a6 in the look plain: .*outside the safe area"):
        making.build(Job(bad, store))


def test_a_picture_soaked_in_ink_is_dried_and_a_partners_is_refused(
    store: dict[str, str], tmp_path: Path
) -> None:
    Image.new("CMYK", (300, 300), (255, 255, 255, 200)).save(tmp_path / "wet.jpg", quality=95)
    wet = str(tmp_path / "wet.jpg")
    result = posters.make("stand-a6", {**store, "logo": wet}, tmp_path / "a.pdf")
    assert result.verdict == "printable", [f.say() for f in result.findings]
    with pikepdf.Pdf.open(tmp_path / "a.pdf") as pdf:
        found = [o for o in pdf.objects if isinstance(o, pikepdf.Stream) and o.get("/Subtype") == "/Image"]
        plates = pikepdf.PdfImage(found[0]).as_pil_image().split()
    most = sum(255 - plate.getextrema()[0] for plate in plates) / 255 * 100
    least = sum(plate.getextrema()[1] for plate in plates) / 255 * 100
    assert min(most, least) <= 301
    refused = posters.make("stand-a6", {**store, "partner_mark": wet}, tmp_path / "b.pdf")
    assert "wet.jpg cannot be printed: it carries more than 300 % ink" in refused.findings[0].say()


def test_an_amount_is_at_home_on_a_numbered_revision(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make("stand-a6", {**store, "headline": "满10减1元", "revision": "3"}, tmp_path / "a.pdf")
    assert result.findings == []
