"""The traps of reportlab (all reproduced in version 5.1.0), each with the test that keeps us out of it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

import posters
from posters import raster
from posters.finish import unicode_map
from posters.typeset import set_line

from .conftest import picture

FAR_HAN = "\U0002cb3b"  # 𬬻, beyond U+FFFF and in the packaged font


def text_of(path: Path, page: int = 0) -> str:
    pdfium: Any = import_module("pypdfium2")
    document = pdfium.PdfDocument(path)
    try:
        return str(document[page].get_textpage().get_text_range())
    finally:
        document.close()


def fonts_of(path: Path) -> list[pikepdf.Object]:
    with pikepdf.Pdf.open(path) as pdf:
        found = [
            o
            for o in pdf.objects
            if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == pikepdf.Name.Font
        ]
        return [
            pikepdf.Dictionary(Name=f.BaseFont, File=f.FontDescriptor.FontFile2.read_bytes()) for f in found
        ]


def test_1_every_weight_is_a_font_of_its_own(good_pdf: Path) -> None:
    fonts = fonts_of(good_pdf)
    names = [str(f.Name) for f in fonts]
    assert len(set(names)) == len(names) >= 4
    assert any("-900-" in n for n in names)
    assert any("-400-" in n for n in names)
    assert len({bytes(f.File) for f in fonts}) == len(fonts)


def test_1_the_black_headline_is_black_on_paper(store: dict[str, str], tmp_path: Path) -> None:
    posters.make("stand-a6", {**store, "headline": "一一一一"}, tmp_path / "a.pdf", look="plain")
    page = raster.pages((tmp_path / "a.pdf").read_bytes(), 150, grey=True)[0]
    px = 150 / 25.4
    column = page.crop((round(25 * px), round(34 * px), round(25 * px) + 1, round(77 * px)))
    dark = sum(value < 90 for value in column.tobytes()) / px
    assert dark > 4.0, "two strokes of a Black weight; Thin would be 0.6 mm each"


def test_2_a_second_job_does_not_print_boxes(store: dict[str, str], tmp_path: Path) -> None:
    posters.make("stand-a6", store, tmp_path / "a.pdf")
    posters.make("stand-a6", {**store, "merchant": "喆堃茶铺"}, tmp_path / "b.pdf")
    assert "喆堃茶铺" in text_of(tmp_path / "b.pdf")
    registry: Any = import_module("reportlab.pdfbase.pdfmetrics")
    assert not [name for name in registry.getRegisteredFontNames() if name.startswith("KioskSans")]


@pytest.mark.parametrize(
    ("char", "number"), [("😀", "U+1F600"), ("\U0002b689", "U+2B689"), ("\ue000", "U+E000")]
)
def test_3_a_missing_character_is_refused_by_name(
    store: dict[str, str], tmp_path: Path, char: str, number: str
) -> None:
    result = posters.make("stand-a6", {**store, "store": f"店{char}"}, tmp_path / "a.pdf")
    assert result.verdict == "refuse"
    assert not (tmp_path / "a.pdf").exists()
    assert "store contains" in result.findings[0].say()
    assert number in result.findings[0].say()


def test_4_text_beyond_the_first_plane_is_found_again(store: dict[str, str], tmp_path: Path) -> None:
    assert (
        posters.make("stand-a6", {**store, "merchant": f"{FAR_HAN}氏茶铺"}, tmp_path / "a.pdf").verdict
        == "printable"
    )
    assert f"{FAR_HAN}氏茶铺" in text_of(tmp_path / "a.pdf")


def test_4_maps_have_short_blocks_and_nothing_for_code_0() -> None:
    old = (
        b"160 beginbfchar\n"
        + b"\n".join(b"<%02X> <%04X>" % (n, n and 0x4E00 + n) for n in range(160))
        + b"\nendbfchar"
    )
    new = unicode_map(old)
    assert b"<00> <0" not in new.split(b"beginbfchar", 1)[1]
    assert [int(part.split()[-1]) for part in new.split(b" beginbfchar")[:-1]] == [100, 59]
    assert b"<01> <D872DF3B>" in unicode_map(b"1 beginbfchar\n<01> <2CB3B>\nendbfchar")


def test_5_a_strict_reader_finds_nothing(good_pdf: Path) -> None:
    with pikepdf.Pdf.open(good_pdf) as pdf:
        assert pdf.check_pdf_syntax() == []


def test_6_no_helvetica_comes_along(good_pdf: Path) -> None:
    assert b"Helvetica" not in good_pdf.read_bytes()
    assert all(f["embedded"] for f in posters.check(good_pdf).fonts)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK"])
def test_7_a_picture_of_any_kind_becomes_cmyk(store: dict[str, str], tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    Image.new("RGB", (90, 60), (200, 30, 30)).convert(mode).save(tmp_path / f"logo.{suffix}")
    result = posters.make("stand-a6", {**store, "logo": str(tmp_path / f"logo.{suffix}")}, tmp_path / "a.pdf")
    assert result.verdict == "printable", [f.say() for f in result.findings]
    with pikepdf.Pdf.open(tmp_path / "a.pdf") as pdf:
        images = [
            o
            for o in pdf.objects
            if isinstance(o, pikepdf.Stream) and o.get("/Subtype") == pikepdf.Name.Image
        ]
        assert [str(image.ColorSpace) for image in images] == ["/DeviceCMYK"]
        assert not any("/SMask" in image for image in images)


def test_8_a_subset_holds_only_what_is_printed(good_pdf: Path) -> None:
    with pikepdf.Pdf.open(good_pdf) as pdf:
        maps = [
            o.ToUnicode.read_bytes()
            for o in pdf.objects
            if isinstance(o, pikepdf.Dictionary) and "/ToUnicode" in o
        ]
    assert maps
    assert not any(b"<0051>" in found for found in maps), "there is no Q on this stand"


def test_9_subset_tags_differ(good_pdf: Path) -> None:
    tags = [str(f.Name)[1:7] for f in fonts_of(good_pdf)]
    assert len(set(tags)) == len(tags)
    assert "AAAAAA" not in tags


def test_10_tracked_type_is_centred(store: dict[str, str], tmp_path: Path) -> None:
    assert set_line("扫码", lambda _: 1.0, tracking=0.5).width == 2.5
    posters.make("stand-a6", store, tmp_path / "a.png", look="warm", profile="screen")
    page = picture(tmp_path / "a.png").convert("L")
    px = page.width / 105
    pill = page.crop((round(34 * px), round(120 * px), round(71 * px), round(127 * px))).point(
        lambda v: 255 * (v > 170)
    )
    left, _, right, _ = pill.getbbox()  # type: ignore[misc]
    assert abs((left + right) / 2 - pill.width / 2) < 0.6 * px


def test_11_an_emoji_is_never_a_font_of_doubtful_widths(good_pdf: Path) -> None:
    assert all("KioskSans" in str(f.Name) for f in fonts_of(good_pdf))


def test_a_character_that_the_first_font_lacks_comes_from_its_sister(
    store: dict[str, str], tmp_path: Path
) -> None:
    from ui.fonts import missing

    rare = "𠮷"
    assert missing(rare) == [rare]
    for profile in ("press-x1a", "outline"):
        result = posters.make(
            "stand-a6", {**store, "merchant": f"{rare}野家"}, tmp_path / "a.pdf", profile=profile
        )
        assert result.verdict == "printable", [f.say() for f in result.findings]
        assert all(font["embedded"] for font in result.fonts)
    posters.make("stand-a6", {**store, "merchant": f"{rare}野家"}, tmp_path / "a.pdf")
    assert f"{rare}野家" in text_of(tmp_path / "a.pdf")
    posters.make("stand-a6", {**store, "merchant": "吉野家"}, tmp_path / "b.pdf")
    names = [str(f.Name) for f in fonts_of(tmp_path / "a.pdf")]
    assert len(names) == len(set(names)) > len(fonts_of(tmp_path / "b.pdf"))


def test_a_sister_that_is_not_the_tested_one_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from posters import fontchain
    from ui.fonts import FontError

    fontchain._sisters.cache_clear()
    fontchain.font_of.cache_clear()
    monkeypatch.setitem(fontchain.SISTERS, "notosansjp/NotoSansJP[wght].ttf", "0" * 64)
    try:
        with pytest.raises(FontError, match=r"NotoSansJP.* is not the font that was tested"):
            fontchain.missing("𠮷")
    finally:
        fontchain._sisters.cache_clear()
        fontchain.font_of.cache_clear()
