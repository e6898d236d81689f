"""The proof catches each planted fault: a judge that cannot say no is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageFilter

import posters
from posters import gates, symbol

from .conftest import URL


def spoiled(good: Path, out: Path, change: Callable[[pikepdf.Pdf], None]) -> set[str]:
    with pikepdf.Pdf.open(good) as pdf:
        change(pdf)
        pdf.save(out)
    result = posters.check(out, URL)
    assert result.verdict == "refuse"
    return {f.code for f in result.findings if f.level == "refuse"}


def drawing(code: bytes) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].contents_add(b"q " + code + b" Q")

    return change


def test_a_good_file_is_printable_with_all_its_figures(good_pdf: Path) -> None:
    result = posters.check(good_pdf, URL)
    assert result.verdict == "printable"
    assert result.pages == 2
    front, back = result.faces
    assert (front.payload, front.level, front.version, front.k_only) == (URL, "Q", 3, True)
    assert front.module_mm == pytest.approx(63.8 / 37, abs=0.02)
    assert back.module_mm == pytest.approx(38.28 / 37, abs=0.02)
    assert front.quiet_modules >= 3.9
    assert back.quiet_modules >= 3.9
    assert set(front.gates) == {"dpi150", "far", "tilt", "contrast", "blot", "readback"}
    assert all(front.gates.values())
    assert all(back.gates.values())


# The symbol of the front lies at 106..248 x 132..274 pt of its page; its upper left finder's core at 116, 249.7.
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (b"0.6 0.6 0.6 1 k 116.1 249.7 14.7 14.7 re f", {"k-only"}),
        (b"0 0 0 1 k 100 250 120 60 re f", {"no-code"}),
        (b"1 0 0 rg 0 0 10 10 re f", {"rgb"}),
        (b"1 1 1 0.8 k 0 0 10 10 re f", {"ink"}),
        (b"0 0 0 1 k 120 281 40 3 re f", {"quiet"}),
    ],
)
def test_planted_paint_is_found(good_pdf: Path, tmp_path: Path, code: bytes, expected: set[str]) -> None:
    assert expected <= spoiled(good_pdf, tmp_path / "bad.pdf", drawing(code))


def test_boxes_and_fonts_are_looked_at(good_pdf: Path, tmp_path: Path) -> None:
    def no_trim(pdf: pikepdf.Pdf) -> None:
        del pdf.pages[0].obj["/TrimBox"]

    def wild_trim(pdf: pikepdf.Pdf) -> None:
        pdf.pages[1].obj.TrimBox = pikepdf.Array([-10, -10, 500, 500])

    def unembedded(pdf: pikepdf.Pdf) -> None:
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        pdf.pages[0].Resources.Font["/Fx"] = pdf.make_indirect(font)

    def no_code(pdf: pikepdf.Pdf) -> None:
        pdf.add_blank_page()

    for change, code in ((no_trim, "trim"), (wild_trim, "boxes"), (unembedded, "font"), (no_code, "no-code")):
        assert code in spoiled(good_pdf, tmp_path / "bad.pdf", change)


def test_another_payload_is_not_the_one_expected(good_pdf: Path) -> None:
    result = posters.check(good_pdf, "https://q.example.cn/c/S0002")
    assert {f.code for f in result.findings} == {"payload"}
    assert result.verdict == "refuse"


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_and_cropped_page_is_still_measured(good_pdf: Path, tmp_path: Path, turn: int) -> None:
    with pikepdf.Pdf.open(good_pdf) as pdf:
        for page in pdf.pages:
            page.obj.Rotate = turn
            page.obj.CropBox = page.obj.TrimBox
        pdf.save(tmp_path / "turned.pdf")
    assert posters.check(tmp_path / "turned.pdf", URL).verdict == "printable"


@pytest.mark.parametrize("data", [b"", b"no pdf", b"%PDF-1.4\n%%EOF"])
def test_what_is_no_pdf_is_not_printable(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.pdf").write_bytes(data)
    result = posters.check(tmp_path / "x.pdf")
    assert result.verdict == "refuse"
    assert result.findings


def code_image(px: int = 8) -> Image.Image:
    found = symbol.encode(URL)
    side = found.modules + 8
    image = Image.new("L", (side, side), 255)
    for y, row in enumerate(found.rows):
        for x, dark in enumerate(row):
            if dark:
                image.putpixel((x + 4, y + 4), 0)
    return image.resize((side * px, side * px), Image.Resampling.NEAREST)


def run_gates(image: Image.Image, px: int = 8) -> dict[str, bool]:
    reading = gates.Reading(URL, "Q", 3, ((0, 0), (29 * px, 0), (29 * px, 29 * px), (0, 29 * px)))
    return gates.run(image, reading, gates.Area(4 * px, 4 * px, 33 * px, 33 * px), px, True)


def test_a_clean_code_passes_every_gate() -> None:
    assert all(run_gates(code_image()).values())


def test_each_gate_can_say_no() -> None:
    image = code_image()
    soft = run_gates(image.filter(ImageFilter.GaussianBlur(5)))
    assert not soft["far"]
    assert not soft["tilt"]
    pale = run_gates(image.point(lambda v: 100 + v * 60 // 255).filter(ImageFilter.GaussianBlur(3.6)))
    assert not all(pale.values())
    hurt = image.copy()
    hurt.paste(255, (100, 100, 190, 190))
    assert not run_gates(hurt)["blot"]
    other = gates.Reading(URL, "H", 4, ((0, 0), (232, 0), (232, 232), (0, 232)))
    assert not gates.run(image, other, gates.Area(32, 32, 264, 264), 8, True)["readback"]
    assert not gates.run(image, other, gates.Area(32, 32, 264, 264), 8, False)["dpi150"]
