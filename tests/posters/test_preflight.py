"""Fifteen files: one clean, fourteen with one planted fault each; `check` must tell them apart."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image

import posters

from .conftest import URL

Change = Callable[[pikepdf.Pdf], None]


def paint(code: bytes, state: Dictionary | None = None) -> Change:
    def change(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0]
        if state is not None:
            page.obj.Resources.ExtGState = Dictionary(Planted=state)
        page.contents_add(b"q " + code + b" Q")

    return change


def without(key: str) -> Change:
    def change(pdf: pikepdf.Pdf) -> None:
        for page in pdf.pages:
            del page.obj[key]

    return change


def unembedded(pdf: pikepdf.Pdf) -> None:
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    pdf.pages[0].Resources.Font["/Planted"] = pdf.make_indirect(font)
    pdf.pages[0].contents_add(b"BT /Planted 9 Tf 1 0 0 1 60 60 Tm (x) Tj ET")


def set_type(size: float, x: float, y: float, text: bytes = b"\x01\x02\x03") -> Change:
    def change(pdf: pikepdf.Pdf) -> None:
        name = next(iter(pdf.pages[0].Resources.Font.keys()))
        text_at = f"BT 0 0 0 1 k {name} {size} Tf 1 0 0 1 {x} {y} Tm <{text.hex()}> Tj ET"
        pdf.pages[0].contents_add(text_at.encode())

    return change


def short_art(pdf: pikepdf.Pdf) -> None:
    """Paint the bleed of one side white."""
    media, trim = ([float(v) for v in box] for box in (pdf.pages[0].mediabox, pdf.pages[0].trimbox))
    pdf.pages[0].contents_add(f"q 0 0 0 0 k 0 0 {trim[0]} {media[3]} re f Q".encode())


def placed(side: int, inks: tuple[int, int, int, int], *, packed: bool = True) -> Change:
    """Place a flat picture of `side` pixels over 10 mm; inks of 255."""

    def change(pdf: pikepdf.Pdf) -> None:
        out, drawn = BytesIO(), Image.new("CMYK", (side, side), inks)
        drawn.save(out, "JPEG")
        stream = pikepdf.Stream(pdf, out.getvalue() if packed else drawn.tobytes())
        stream.Type, stream.Subtype, stream.Width, stream.Height = Name.XObject, Name.Image, side, side
        stream.ColorSpace, stream.BitsPerComponent = Name.DeviceCMYK, 8
        if packed:  # Pillow writes a CMYK JPEG upside down, as Adobe's marker in it says
            stream.Filter, stream.Decode = Name.DCTDecode, Array([1, 0] * 4)
        pdf.pages[0].Resources.XObject = Dictionary(Planted=pdf.make_indirect(stream))
        pdf.pages[0].contents_add(b"q 29 0 0 29 60 60 cm /Planted Do Q")

    return change


def another_code(pdf: pikepdf.Pdf) -> None:
    """Hide a third of the modules of the code."""
    pdf.pages[0].contents_add(b"q 0 0 0 0 k 106 132 142 60 re f Q")


def shrunk(pdf: pikepdf.Pdf) -> None:
    """Draw the front at a fifth of its size, as "fit to page" on a small sheet does: modules of 0.34 mm."""
    pdf.pages[0].contents_add(b"q 0.2 0 0 0.2 60 60 cm", prepend=True)
    pdf.pages[0].contents_add(b"Q")


FAULTS: dict[str, tuple[str, Change]] = {
    "no TrimBox": ("trim", without("/TrimBox")),
    "no BleedBox": ("bleed", without("/BleedBox")),
    "art stops at the trim": ("art", short_art),
    "RGB fill": ("rgb", paint(b"1 0 0 rg 60 60 10 10 re f")),
    "Helvetica not embedded": ("font", unembedded),
    "the box of a missing character": ("notdef", set_type(9, 60, 60, b"\x00")),
    "380 % ink": ("ink", paint(b"1 1 1 0.8 k 60 60 10 10 re f")),
    "white that overprints": (
        "white-overprint",
        paint(b"/Planted gs 0 0 0 0 k 60 60 10 10 re f", Dictionary(op=True, OP=True, OPM=1)),
    ),
    "a hairline": ("hairline", paint(b"0.05 w 0 0 0 1 K 60 60 m 90 60 l S")),
    "type of 4 pt": ("small-type", set_type(4, 60, 60)),
    "type outside the safe area": ("safe", set_type(9, 31, 60)),
    "transparency": (
        "transparency",
        paint(b"/Planted gs 0 0.5 0 0 k 60 60 10 10 re f", Dictionary(ca=0.5)),
    ),
    "a picture of 25 dpi": ("picture-dpi", placed(10, (0, 200, 200, 0))),
    "a picture of 380 % ink": ("ink", placed(200, (255, 255, 255, 204))),
    "a picture of 380 % ink, not packed": ("ink", placed(200, (255, 255, 255, 204), packed=False)),
    "four inks on the code": ("k-only", paint(b"0.7 0.6 0.6 0.9 k 116.1 249.7 14.7 14.7 re f")),
    "a code that cannot be read": ("no-code", another_code),
    "modules of 0.34 mm": ("module", shrunk),
    "a bar in the quiet zone": ("quiet", paint(b"0 0 0 1 k 120 281 40 3 re f")),
}


def judged(good: Path, out: Path, change: Change) -> posters.Result:
    with pikepdf.Pdf.open(good) as pdf:
        change(pdf)
        pdf.save(out)
    return posters.check(out, URL)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_caught_by_its_own_name(good_pdf: Path, tmp_path: Path, fault: str) -> None:
    code, change = FAULTS[fault]
    result = judged(good_pdf, tmp_path / "bad.pdf", change)
    assert code in {f.code for f in result.findings}
    assert result.verdict == ("confirm" if code == "bleed" else "refuse")


def test_the_clean_file_has_no_finding_and_its_figures(good_pdf: Path) -> None:
    result = posters.check(good_pdf, URL)
    assert result.findings == []
    front = result.sheets[0]
    assert front["trim_mm"] == [105.0, 148.0]
    assert front["bleed_mm"] == 3.0
    assert 5.0 <= front["safe_mm"] < 9.0
    assert 100 < front["ink_peak"] <= 300
    assert front["least_pt"] >= 6


def test_a_fault_inside_a_form_is_seen_too(good_pdf: Path, tmp_path: Path) -> None:
    def hidden(pdf: pikepdf.Pdf) -> None:
        form = pikepdf.Stream(pdf, b"1 0 0 rg 0 0 5 5 re f 0.05 w 0 0 m 9 0 l S")
        form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 100, 100])
        pdf.pages[0].Resources.XObject = Dictionary(Planted=pdf.make_indirect(form))
        pdf.pages[0].contents_add(b"q 1 0 0 1 60 60 cm /Planted Do Q")

    result = judged(good_pdf, tmp_path / "bad.pdf", hidden)
    assert {"rgb", "hairline"} <= {f.code for f in result.findings}


def test_transparency_is_for_a_person_to_judge_where_it_is_allowed(
    store: dict[str, str], tmp_path: Path
) -> None:
    posters.make("poster-a4", store, tmp_path / "office.pdf")
    change = FAULTS["transparency"][1]
    result = judged(tmp_path / "office.pdf", tmp_path / "bad.pdf", change)
    assert [(f.level, f.code) for f in result.findings] == [("confirm", "transparency")]


def test_marks_and_labels_in_the_slug_are_no_fault(store: dict[str, str], tmp_path: Path) -> None:
    for template, options in (("tent-a6", {"profile": "press-x1a"}), ("sticker-80", {"sheet": "a4"})):
        result = posters.make(template, store, tmp_path / "t.pdf", **options)  # type: ignore[arg-type]
        assert result.verdict == "printable", [f.say() for f in result.findings]


@pytest.mark.parametrize("packed", [True, False])
def test_the_ink_of_a_picture_is_measured(good_pdf: Path, tmp_path: Path, packed: bool) -> None:
    result = judged(good_pdf, tmp_path / "a.pdf", placed(200, (255, 255, 204, 51), packed=packed))
    assert result.findings == []
    assert result.sheets[0]["ink_peak"] == pytest.approx(300, abs=3)


def test_a_picture_that_nobody_can_decode_is_for_a_person(good_pdf: Path, tmp_path: Path) -> None:
    def broken(pdf: pikepdf.Pdf) -> None:
        placed(200, (0, 0, 0, 90))(pdf)
        image = pdf.pages[0].Resources.XObject.Planted
        image.write(b"no jpeg at all", filter=Name.DCTDecode)

    result = judged(good_pdf, tmp_path / "a.pdf", broken)
    assert ("confirm", "picture-ink") in [(f.level, f.code) for f in result.findings]


@pytest.mark.parametrize(
    ("template", "options"),
    [("stand-a6", {"sheet": "a3"}), ("tent-a6", {}), ("stand-a6", {"sheet": "a4", "profile": "press-x1a"})],
)
def test_type_near_the_cut_is_found_on_whole_sheets(
    store: dict[str, str], tmp_path: Path, template: str, options: dict[str, str]
) -> None:
    posters.make(template, store, tmp_path / "good.pdf", **options)  # type: ignore[arg-type]
    assert posters.check(tmp_path / "good.pdf", URL).verdict == "printable"
    with pikepdf.Pdf.open(tmp_path / "good.pdf") as pdf:
        form = next(
            o
            for o in pdf.objects
            if isinstance(o, pikepdf.Stream) and "/KioskTrim" in o and "/Font" in o.Resources
        )
        x0, y0, *_ = (float(v) for v in form["/KioskTrim"])
        name = next(iter(form.Resources.Font.keys()))
        extra = f" q BT {name} 9 Tf 1 0 0 1 {x0 + 4:.1f} {y0 + 40:.1f} Tm <0001> Tj ET Q"
        form.write(form.read_bytes() + extra.encode())
        pdf.save(tmp_path / "bad.pdf")
    assert "safe" in {f.code for f in posters.check(tmp_path / "bad.pdf", URL).findings}
