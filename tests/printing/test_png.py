"""The preview against the paper: dot for dot, and its codes read back."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import zxingcpp
from hypothesis import given, settings
from PIL import Image, ImageChops

from kiosk.printing import escpos, png
from kiosk.printing.pictures import Picture, load_pictures
from kiosk.printing.profiles import Profile
from kiosk.printing.slip import Cell, Code128, Cut, Feed, Logo, Qr, Row, Rule, Slip, Text
from tests.printing.made import P58, P80, SAFE, printed, rows, rules, slip, texts
from tests.printing.test_layout import SIGNED

PICTURE = Picture(90, tuple(bytes([n % 256]) * 11 + b"\xc0" for n in range(50)))
EVERYTHING = slip(
    Logo(name="store"),
    Text(text="老王便利店", align="center", width=2, height=2, bold=True),
    Text(text="Latin gjpqy, 下划线", underline=True),
    Text(text="倍高 Tall", height=2, align="right", underline=True),
    Text(text="倍宽 Wide", width=2),
    Rule(),
    Row(
        cells=(
            Cell(text="有效期", columns=8),
            Cell(text="2026年11月1日至2027年10月31日", columns=24, align="right"),
        ),
        bold=True,
    ),
    Feed(lines=2),
    Code128(data="1234567890"),
    Code128(data="A1B2C3D4E5F6", height=60),
    Cut(),
)


def preview(made: Slip, profile: Profile, pictures: dict[str, Picture | str] | None = None) -> Image.Image:
    """Return the preview without the blank margins and without the mark of the cut."""
    raw = png.render(made, profile, pictures).data
    sheet = Image.open(io.BytesIO(raw))
    assert sheet.mode == "1"
    assert sheet.width == profile.width_dots
    below = png.MARGIN + (png.LINE if any(isinstance(e, Cut) for e in made.elements) else 0)
    return sheet.crop((0, png.MARGIN, sheet.width, sheet.height - below))


def paper(made: Slip, profile: Profile, pictures: dict[str, Picture | str] | None = None) -> Image.Image:
    """Return the paper that the bytes make."""
    return printed(escpos.render(made, profile, pictures).data, profile.width_dots).picture(
        profile.width_dots
    )


def same(ours: Image.Image, theirs: Image.Image) -> None:
    """Hold two pictures against each other; paper may go on blank (the feed to the knife)."""
    high = max(ours.height, theirs.height)
    sheets = []
    for one in (ours, theirs):
        sheet = Image.new("1", (one.width, high), 1)
        sheet.paste(one, (0, 0))
        sheets.append(sheet)
    assert ImageChops.logical_xor(*sheets).getbbox() is None, "a dot differs"


@pytest.mark.parametrize("profile", [P58, P80, SAFE], ids=lambda p: p.name)
def test_dot_for_dot(profile: Profile) -> None:
    pictures: dict[str, Picture | str] = {"store": PICTURE}
    same(preview(EVERYTHING, profile, pictures), paper(EVERYTHING, profile, pictures))


@settings(max_examples=25)
@given(texts | rows | rules)
def test_dot_for_dot_whatever_the_text(element: Text | Row | Rule) -> None:
    made = slip(element, Text(text="."))
    same(preview(made, P58), paper(made, P58))


@pytest.mark.parametrize("profile", [P58, P80], ids=lambda p: p.name)
def test_a_qr_code_of_the_printer_covers_the_same_dots(profile: Profile) -> None:
    """Two encoders may choose different masks: the symbol's place, size and content are the same, all else dot for dot."""
    made = slip(Text(text="上"), Qr(data=SIGNED, level="M", module=6), Text(text="下"))
    ours, theirs = preview(made, profile), paper(made, profile)
    side, top = 37 * 6, png.LINE + 24
    left = (profile.width_dots - side) // 2
    box = (left, top, left + side, top + side)
    for sheet in (ours, theirs):
        (code,) = zxingcpp.read_barcodes(sheet.crop((0, png.LINE, sheet.width, top + side + 24)).convert("L"))
        assert code.text == SIGNED
        assert code.ec_level == "M"
        finder = sheet.crop((left, top, left + 42, top + 42)).resize((7, 7), Image.Resampling.NEAREST)
        assert finder.getpixel((0, 0)) == 0
        assert finder.getpixel((1, 1)) != 0
        sheet.paste(1, box)
    same(ours, theirs)


def test_a_raster_qr_code_is_dot_for_dot() -> None:
    raster = msgspec.structs.replace(P58, qr="raster", code128="raster")
    made = slip(Qr(data=SIGNED), Code128(data="A1B2C3D4E5F6"))
    same(preview(made, raster), paper(made, raster))


@pytest.mark.parametrize("profile", [P58, P80, SAFE], ids=lambda p: p.name)
@pytest.mark.parametrize("renderer", ["png", "escpos"])
def test_codes_are_read_back(profile: Profile, renderer: str) -> None:
    for code in ("12345678901234567", "A1B2C3D4E5F6", "{a{B 1"):
        made = slip(Text(text="上"), Qr(data=SIGNED), Code128(data=code), Text(text="下"))
        sheet = preview(made, profile) if renderer == "png" else paper(made, profile)
        read = {c.format: c.text for c in zxingcpp.read_barcodes(sheet.convert("L"))}
        assert read == {zxingcpp.BarcodeFormat.QRCode: SIGNED, zxingcpp.BarcodeFormat.Code128: code}


def test_a_barcode_right_below_a_qr_code_harms_neither() -> None:
    """At a gap of 0 the QR could not be read (facts: printing 4.1)."""
    sheet = paper(slip(Qr(data="https://q.example.cn/c/S0001", module=6), Code128(data="1234567890")), P58)
    assert len(zxingcpp.read_barcodes(sheet.convert("L"))) == 2


def test_copies_stand_below_each_other() -> None:
    one = Image.open(io.BytesIO(png.render(slip(Text(text="甲")), P58).data))
    made = png.render(slip(Text(text="甲"), copies=2), P58)
    two = Image.open(io.BytesIO(made.data))
    assert two.height == 2 * one.height == made.report.height_dots
    assert ImageChops.logical_xor(two.crop((0, one.height, 384, 2 * one.height)), one).getbbox() is None


def test_glyphs_stay_in_their_cells() -> None:
    for char in "WM@%国龘鑫￥ｗj|":
        drawn = png.glyph(char, 1, 1, True)
        assert drawn is not None
        assert drawn.size == (png.width(char) * 12, 24)
        assert drawn.getbbox() is not None
        assert png.glyph(char, 2, 2, True).size == (png.width(char) * 24, 48)  # type: ignore[union-attr]


def _png(path: Path, image: Image.Image) -> None:
    image.save(path, "PNG")


def test_logos_come_from_a_directory_by_name(tmp_path: Path) -> None:
    _png(tmp_path / "store.png", Image.new("L", (40, 20), 0))
    made = slip(Logo(name="store"), Cut())
    pictures = load_pictures(made, tmp_path, 384)
    assert pictures == {"store": Picture(40, (b"\xff" * 5,) * 20)}
    sheet = preview(made, P58, pictures)
    assert sheet.getbbox() == (0, 0, 384, 20)
    assert ImageChops.invert(sheet).getbbox() == (172, 0, 212, 20)
    same(sheet, paper(made, P58, pictures))


def test_a_large_logo_is_scaled_to_the_paper(tmp_path: Path) -> None:
    _png(tmp_path / "store.png", Image.new("RGBA", (1200, 300), (0, 0, 0, 0)))
    (found,) = load_pictures(slip(Logo(name="store")), tmp_path, 384).values()
    assert isinstance(found, Picture)
    assert (found.width, len(found.rows)) == (384, 96)
    assert not any(any(row) for row in found.rows), "what is transparent is paper"


@pytest.mark.parametrize("bad", ["absent", "empty", "torn", "huge", "nowhere"])
def test_a_logo_that_cannot_be_used_is_said_and_the_slip_goes_on(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "store.png"
    if bad == "empty":
        path.write_bytes(b"")
    if bad == "torn":
        _png(path, Image.effect_noise((200, 200), 90))
        path.write_bytes(path.read_bytes()[:5000])
    if bad == "huge":
        _png(path, Image.new("1", (3000, 3000)))
    made = slip(Logo(name="store"), Text(text="好"))
    pictures = load_pictures(made, None if bad == "nowhere" else tmp_path, 384)
    for renderer in (png, escpos):
        lost = renderer.render(made, P58, pictures).report.lost
        assert len(lost) == 1
        assert "logo 'store'" in lost[0]
        assert "left out" in lost[0]
    assert printed(escpos.render(made, P58, pictures).data).text == "好"


FRESH = """
import sys
from kiosk.printing.profiles import PROFILES
from kiosk.printing.render import render
from kiosk.printing.slip import Qr, Slip, Text
slip = Slip(elements=(Text(text="老王便利店"), Qr(data="https://q.example.cn/c/S0001")))
render(slip, "escpos", PROFILES["generic-58"])
print("PIL" in sys.modules)
for _ in range(2):
    render(slip, "png", PROFILES["generic-58"])
    render(slip, "escpos", PROFILES["graphic-safe"])
from ui.fonts import packaged_font
print(any(packaged_font().name in line for line in open("/proc/self/maps")))
"""


def test_bytes_load_no_pictures_and_a_picture_keeps_no_font() -> None:
    """Pillow is 5 MiB of a daemon, the pages of the font 13 (measured after a slip)."""
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
