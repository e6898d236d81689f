"""Somebody else's judgement of our files; a judge that is not installed is named, never silent."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import zxingcpp

import posters
from posters import raster

from .conftest import URL

PIECES = [
    ("stand-a6", {"profile": "press-x1a"}),
    ("stand-a6", {"profile": "outline", "look": "plain"}),
    ("stand-a6", {"sheet": "a4"}),
    ("tent-a6", {"look": "fresh"}),
    ("poster-a3", {"tile": "a4"}),
    ("sticker-80", {"profile": "press-x1a", "look": "warm-en"}),
]
# What PDF/A asks for and PDF/X does not: its own mark, and an output intent of its own kind. And one mistake of the
# judge (0.11.0): a packed stream whose last byte is a line feed, which qpdf clears in the test above.
NOT_OURS = {"PDFA2U-DEVICE-CMYK-001", "PDFA2U-ID-SCHEMA-001", "PDFA2U-STREAM-LENGTH-001"}


def made(store: dict[str, str], out: Path, template: str, options: dict[str, str]) -> Path:
    assert posters.make(template, store, out, **options).verdict == "printable"  # type: ignore[arg-type]
    return out


@pytest.mark.parametrize(("template", "options"), PIECES)
def test_qpdf(store: dict[str, str], tmp_path: Path, template: str, options: dict[str, str]) -> None:
    with pikepdf.Pdf.open(made(store, tmp_path / "a.pdf", template, options)) as pdf:
        assert pdf.check_pdf_syntax() == []


@pytest.mark.parametrize(("template", "options"), PIECES)
def test_page_validation(
    store: dict[str, str], tmp_path: Path, template: str, options: dict[str, str]
) -> None:
    page: Any = pytest.importorskip("page", reason="page-validation is not installed: PDF/A-2u is not judged")
    report = page.validate_pdf(made(store, tmp_path / "a.pdf", template, options), profile="2u")
    assert {failure.rule_id for failure in report.failures} <= NOT_OURS


@pytest.mark.parametrize("look", ["warm", "fresh", "plain"])
@pytest.mark.parametrize("template", ["stand-a6", "tent-a6", "sticker-80", "poster-a4"])
def test_opencv_reads_every_face(store: dict[str, str], tmp_path: Path, template: str, look: str) -> None:
    cv2: Any = pytest.importorskip("cv2", reason="opencv is not installed: the second decoder is not asked")
    numpy: Any = pytest.importorskip("numpy")
    posters.make(template, store, tmp_path / "a.png", look=look, profile="screen")
    for path in tmp_path.glob("a*.png"):
        from .conftest import picture

        found = cv2.QRCodeDetector().detectAndDecode(numpy.array(picture(path).convert("L")))[0]
        assert found == URL


@pytest.mark.skipif(shutil.which("gs") is None, reason="Ghostscript is not installed: no separations")
def test_ghostscript_separates_the_code_to_black_alone(store: dict[str, str], tmp_path: Path) -> None:
    out = made(store, tmp_path / "a.pdf", "stand-a6", {"profile": "press-x1a"})
    subprocess.run(
        [
            "gs",
            "-q",
            "-dNOPAUSE",
            "-dBATCH",
            "-dSAFER",
            "-sDEVICE=tiffsep",
            "-r100",
            f"-sOutputFile={tmp_path}/p%d.tif",
            str(out),
        ],
        check=True,
        timeout=120,
    )
    from .conftest import picture

    page = raster.pages(out.read_bytes(), 100)[0]
    spot = zxingcpp.read_barcodes(page)[0].position
    box = (spot.top_left.x, spot.top_left.y, spot.bottom_right.x, spot.bottom_right.y)
    for plate in ("Cyan", "Magenta", "Yellow"):
        low, _ = picture(tmp_path / f"p1({plate}).tif").convert("L").crop(box).getextrema()
        assert low == 255, f"{plate} under the code"


def test_poppler_finds_the_text(store: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler-utils is not installed: pdftotext is not asked")
    out = made(store, tmp_path / "a.pdf", "tent-a6", {})
    done = subprocess.run(
        ["pdftotext", str(out), "-"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "扫码领券" in done.stdout
    assert store["merchant"] in done.stdout
