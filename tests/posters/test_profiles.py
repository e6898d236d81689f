"""What each profile promises about its file."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import zxingcpp
from PIL import Image

import posters
from posters import separations
from posters.errors import UsageError
from posters.ops import Draft, Page, Shape

from .conftest import picture


def profile_file(path: Path, space: bytes = b"CMYK", kind: bytes = b"prtr") -> Path:
    """Write the head of a profile: all that is read of one."""
    head = bytearray(200)
    head[12:16], head[16:20], head[36:40] = kind, space, b"acsp"
    path.write_bytes(bytes(head))
    return path


def test_x4_carries_the_profile_it_is_given(store: dict[str, str], tmp_path: Path) -> None:
    icc = profile_file(tmp_path / "shop.icc")
    result = posters.make("stand-a6", store, tmp_path / "a.pdf", profile="press-x4", icc=icc)
    assert result.verdict == "printable"
    with pikepdf.Pdf.open(tmp_path / "a.pdf") as pdf:
        assert pdf.pdf_version == "1.6"
        intent = pdf.Root.OutputIntents[0]
        assert intent.DestOutputProfile.read_bytes() == icc.read_bytes()
        assert int(intent.DestOutputProfile.N) == 4
        assert b"PDF/X-4" in pdf.Root.Metadata.read_bytes()
        assert "/GTS_PDFXVersion" not in pdf.docinfo
        assert pdf.check_pdf_syntax() == []


@pytest.mark.parametrize(("space", "kind", "told"), [(b"RGB ", b"prtr", "CMYK"), (b"CMYK", b"mntr", "CMYK")])
def test_a_profile_for_a_screen_is_named(
    store: dict[str, str], tmp_path: Path, space: bytes, kind: bytes, told: str
) -> None:
    icc = profile_file(tmp_path / "wrong.icc", space, kind)
    with pytest.raises(UsageError, match=told):
        posters.make("stand-a6", store, tmp_path / "a.pdf", profile="press-x4", icc=icc)
    (tmp_path / "text.icc").write_text("no profile")
    with pytest.raises(UsageError, match="no ICC profile"):
        posters.make("stand-a6", store, tmp_path / "a.pdf", profile="press-x4", icc=tmp_path / "text.icc")
    with pytest.raises(UsageError, match="cannot be read"):
        posters.make("stand-a6", store, tmp_path / "a.pdf", profile="press-x4", icc=tmp_path / "none.icc")
    assert not (tmp_path / "a.pdf").exists()


@pytest.mark.parametrize("options", [{}, {"sheet": "a3"}])
def test_outline_has_no_font_and_looks_the_same(
    store: dict[str, str], tmp_path: Path, options: dict[str, str]
) -> None:
    from posters import raster

    for name, profile in (("live", "press-x1a"), ("paths", "outline")):
        out = tmp_path / f"{name}.pdf"
        result = posters.make("stand-a6", store, out, profile=profile, look="plain", **options)  # type: ignore[arg-type]
        assert result.verdict == "printable", [f.say() for f in result.findings]
    with pikepdf.Pdf.open(tmp_path / "paths.pdf") as pdf:
        assert not [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == "/Font"]
        assert pdf.check_pdf_syntax() == []
    assert posters.check(tmp_path / "paths.pdf").fonts == []
    live, paths = (
        raster.pages((tmp_path / f"{n}.pdf").read_bytes(), 100, grey=True)[0] for n in ("live", "paths")
    )
    from PIL import ImageChops

    assert (
        ImageChops.difference(live, paths).point(lambda v: v > 100 and 255).histogram()[255]
        < 0.002 * live.width * live.height
    )


def test_wideformat_is_an_uncompressed_cmyk_tiff_with_exact_inks(
    store: dict[str, str], tmp_path: Path
) -> None:
    result = posters.make("poster-a3", store, tmp_path / "w.tif", profile="wideformat", look="warm")
    assert result.verdict == "printable"
    assert result.faces[0].k_only
    with Image.open(tmp_path / "w.tif") as image:
        assert (image.mode, image.info["compression"]) == ("CMYK", "raw")
        assert image.info["dpi"][0] == pytest.approx(150)
        assert image.size == pytest.approx((303 / 25.4 * 150, 426 / 25.4 * 150), abs=2)
        ground = image.getpixel((8, 40))
        assert ground == pytest.approx((0, 96 * 2.55, 92 * 2.55, 8 * 2.55), abs=2)  # the red of the template
        assert [c.text for c in zxingcpp.read_barcodes(image.convert("L"))] == [store["url"]]


def test_wideformat_as_pdf_and_its_check(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make("poster-a4", store, tmp_path / "w.pdf", profile="wideformat")
    assert result.verdict == "printable"
    with pytest.raises(UsageError, match="a picture needs the profile wideformat"):
        posters.make("poster-a4", store, tmp_path / "w.tif")


def test_large_black_areas_get_four_inks_and_small_ones_stay_plain() -> None:
    def square(side: float) -> Shape:
        corners = (("M", (0.0, 0.0)), ("L", (side, 0.0)), ("L", (side, side)), ("L", (0.0, side)), ("Z", ()))
        return Shape(corners, (0, 0, 0, 1))

    wide = separations.widened(Draft([Page([square(120), square(50)])], []))
    large, small = wide.pages[0].ops
    assert isinstance(large, Shape)
    assert large.fill == separations.RICH_BLACK
    assert small == square(50)


def test_a_colour_under_the_code_of_a_tiff_is_refused(
    store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = separations.pages

    def tinted(*args: Any) -> list[Image.Image]:
        from PIL import ImageChops

        return [ImageChops.add(p, Image.new("CMYK", p.size, (40, 0, 0, 0))) for p in real(*args)]

    monkeypatch.setattr(separations, "pages", tinted)
    result = posters.make("poster-a4", store, tmp_path / "w.tif", profile="wideformat")
    assert "k-only" in {f.code for f in result.findings}
    assert not (tmp_path / "w.tif").exists()


CASES = [
    ("stand-a6", "press-x1a", {}),
    ("stand-a6", "outline", {}),
    ("tent-a6", "office", {}),
    ("stand-a6", "office", {"sheet": "a3", "flip": "short"}),
    ("poster-a3", "office", {"tile": "a4"}),
    ("sticker-80", "press-x1a", {"sheet": "sra3"}),
]


def next_second() -> None:
    """Wait until the clock shows another second."""
    begin = int(time.time())
    while int(time.time()) == begin:
        time.sleep(0.01)


@pytest.mark.parametrize(("template", "profile", "options"), CASES)
def test_equal_input_gives_equal_bytes(
    store: dict[str, str], tmp_path: Path, template: str, profile: str, options: dict[str, str]
) -> None:
    digests = set()
    for n in range(2):
        if n and template == "stand-a6" and not options:
            next_second()  # a file's id would be made of the time
        out = tmp_path / f"{n}.pdf"
        posters.make(template, store, out, profile=profile, **options)  # type: ignore[arg-type]
        digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.skipif(
    shutil.which("pdffonts") is None, reason="poppler-utils is not installed: pdffonts is not asked"
)
@pytest.mark.parametrize(("template", "profile", "options"), CASES[:5])
def test_popplers_judgement(
    store: dict[str, str], tmp_path: Path, template: str, profile: str, options: dict[str, str]
) -> None:
    out = tmp_path / "p.pdf"
    posters.make(template, store, out, profile=profile, **options)  # type: ignore[arg-type]

    def ask(*command: str) -> list[str]:
        done = subprocess.run([*command, str(out)], capture_output=True, text=True, timeout=60, check=True)
        assert done.stderr == ""
        return done.stdout.splitlines()

    fonts = ask("pdffonts")[2:]
    assert bool(fonts) == (profile != "outline")
    for line in fonts:
        assert line.split()[-5:-2] == ["yes", "yes", "yes"], "embedded, subset, with a map to Unicode"
    assert ask("pdfimages", "-list")[2:] == [], "everything is vectors"
    boxes = {line.split(":")[0]: line.split()[1:] for line in ask("pdfinfo", "-box") if "Box:" in line}
    assert {"MediaBox", "TrimBox", "BleedBox"} <= set(boxes)


def test_a_screen_picture_of_a_tent_is_a_face_each(store: dict[str, str], tmp_path: Path) -> None:
    posters.make("tent-a6", store, tmp_path / "t.png", profile="screen")
    for name in ("t.png", "t-2.png"):
        assert picture(tmp_path / name).width == pytest.approx(1080, abs=2)
