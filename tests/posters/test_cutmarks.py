"""Sheets that another program put together: their pieces are found by their cut marks."""

from __future__ import annotations

from pathlib import Path

import pikepdf
from hypothesis import given
from hypothesis import strategies as st
from pikepdf import Array, Dictionary

import posters
from posters import cutmarks
from posters.inks import Ink, Paint

from .conftest import URL

WIDE, HIGH, GAP, EDGE = 297.6, 419.5, 20.0, 60.0
SIZE = (2 * WIDE + GAP + 2 * EDGE, 2 * HIGH + GAP + 2 * EDGE)
CORNERS = [(EDGE + c * (WIDE + GAP), EDGE + r * (HIGH + GAP)) for c in range(2) for r in range(2)]
BLACK = Ink("cmyk", (0, 0, 0, 1))


def marks() -> bytes:
    code = "0.25 w 0 0 0 1 K "
    for x, y in CORNERS:
        for at in (x, x + WIDE):
            code += f"{at} 10 m {at} 30 l S {at} {SIZE[1] - 30} m {at} {SIZE[1] - 10} l S "
        for at in (y, y + HIGH):
            code += f"10 {at} m 30 {at} l S {SIZE[0] - 30} {at} m {SIZE[0] - 10} {at} l S "
    return code.encode()


def sheet(good: Path, out: Path, *, text_at: float = 40.0, marked: bool = True) -> posters.Result:
    """Judge the front, four times on a sheet whose boxes say nothing, with more type `text_at` pt from a cut."""
    with pikepdf.Pdf.open(good) as pdf, pikepdf.Pdf.new() as made:
        trim = [float(v) for v in pdf.pages[0].trimbox]
        form = made.copy_foreign(pdf.pages[0].as_form_xobject())
        form.BBox = Array(trim)
        page = made.add_blank_page(page_size=SIZE)
        page.obj.TrimBox = page.obj.BleedBox = page.obj.MediaBox
        page.obj.Resources = Dictionary(XObject=Dictionary(Piece=form), Font=form.Resources.Font)
        code = b"".join(f"q 1 0 0 1 {x - trim[0]} {y - trim[1]} cm /Piece Do Q ".encode() for x, y in CORNERS)
        font, at = next(iter(form.Resources.Font.keys())), CORNERS[2][0] + text_at
        code += f"BT {font} 9 Tf 1 0 0 1 {at} {EDGE + 40} Tm <01> Tj ET ".encode()
        page.contents_add(code + (marks() if marked else b""))
        made.save(out)
    return posters.check(out, URL)


def test_the_pieces_of_a_strangers_sheet_are_judged_each_by_its_own_cut(
    good_pdf: Path, tmp_path: Path
) -> None:
    good = sheet(good_pdf, tmp_path / "a.pdf")
    assert good.verdict == "printable", [f.say() for f in good.findings]
    assert len(good.faces) == 4
    bad = sheet(good_pdf, tmp_path / "b.pdf", text_at=4.0)
    assert [(f.level, f.code) for f in bad.findings] == [("refuse", "safe")]


def test_several_codes_without_cut_marks_are_too_many(good_pdf: Path, tmp_path: Path) -> None:
    assert "many-codes" in {f.code for f in sheet(good_pdf, tmp_path / "a.pdf", marked=False).findings}


def line(x0: float, y0: float, x1: float, y1: float) -> Paint:
    box = (x0, y0, x1, y1)
    return Paint("stroke", box, BLACK, (box,), 0.25)


def frame(x0: float, y0: float, x1: float, y1: float, gap: float, length: float) -> list[Paint]:
    """Return the eight marks round a piece."""
    far = gap + length
    upright = [line(x, y, x, y + length) for x in (x0, x1) for y in (y0 - far, y1 + gap)]
    return upright + [line(x, y, x + length, y) for y in (y0, y1) for x in (x0 - far, x1 + gap)]


@given(st.floats(100, 500), st.floats(100, 500), st.floats(60, 800), st.floats(60, 800), st.floats(8, 40))
def test_marks_give_the_piece_wherever_it_lies(x: float, y: float, w: float, h: float, length: float) -> None:
    found = cutmarks.cells(frame(x, y, x + w, y + h, 9, length), [(x + 20, y + 20, x + w - 20, y + h - 20)])
    assert [[round(v, 3) for v in cell] for cell in found] == [[round(v, 3) for v in (x, y, x + w, y + h)]]


def test_a_rule_or_a_single_dash_is_no_cut() -> None:
    code = [(140.0, 140.0, 260.0, 260.0)]
    whole = frame(100, 100, 300, 300, 9, 20)
    assert len(cutmarks.cells(whole, code)) == 1
    assert cutmarks.cells(whole[1:], code) == [], "one mark alone does not make a cut"
    rules = [line(100, 50, 100, 350), line(300, 50, 300, 350), *whole[4:]]
    assert cutmarks.cells(rules, code) == [], "a line across the sheet is art"
    assert cutmarks.cells(whole, code * 2) == [], "two codes in one piece are two too many"
