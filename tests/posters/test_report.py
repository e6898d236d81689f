"""The proof as a page for the print shop, and the preview with its lines."""

from __future__ import annotations

import random
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

import posters
from posters import guides, making, raster

from .conftest import picture


def text_of(path: Path) -> str:
    pdfium: Any = import_module("pypdfium2")
    document = pdfium.PdfDocument(path)
    try:
        assert len(document) == 1, "one page"
        return str(document[0].get_textpage().get_text_range())
    finally:
        document.close()


@pytest.mark.parametrize(
    ("look", "told"),
    [
        ("warm", ["可印", "没有发现问题", "单黑"]),
        ("warm-en", ["printable", "no findings", "black ink alone"]),
    ],
)
def test_the_page_says_what_the_proof_found(
    store: dict[str, str], tmp_path: Path, look: str, told: list[str]
) -> None:
    result = posters.make(
        "stand-a6", store, tmp_path / "a.pdf", look=look, proof=tmp_path / "p.pdf", profile="press-x1a"
    )
    text = text_of(tmp_path / "p.pdf")
    for part in (*told, store["url"], "3-Q", "105.0 x 148.0", result.sha256[:32], store["merchant"]):
        assert part in text
    with pikepdf.Pdf.open(tmp_path / "p.pdf") as pdf:
        assert pdf.check_pdf_syntax() == []
        assert not [
            o for o in pdf.objects if isinstance(o, pikepdf.Stream) and o.get("/ColorSpace") == "/DeviceRGB"
        ]


def test_a_refusal_has_its_page_too_and_quotes_no_box(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make(
        "stand-a6", {**store, "merchant": "老王😀"}, tmp_path / "a.pdf", proof=tmp_path / "p.pdf"
    )
    assert result.verdict == "refuse"
    assert not (tmp_path / "a.pdf").exists()
    text = text_of(tmp_path / "p.pdf")
    assert "不可印" in text
    assert "U+1F600" in text


def test_many_findings_and_faces_stay_on_the_page(store: dict[str, str], tmp_path: Path) -> None:
    long = {**store, "url": "https://q.example.cn/c/" + "x" * 20, "headline": "满10减1元", "brand": "#FFEE00"}
    posters.make("sticker-80", long, tmp_path / "a.pdf", sheet="sra3", proof=tmp_path / "p.pdf")
    assert "另有 9 条" in text_of(tmp_path / "p.pdf")


def test_the_same_proof_has_the_same_bytes(store: dict[str, str], tmp_path: Path) -> None:
    for name in ("a", "b"):
        posters.make("poster-a4", store, tmp_path / "x.pdf", proof=tmp_path / f"{name}.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_guides_lie_on_bleed_trim_and_safe_area(store: dict[str, str], tmp_path: Path) -> None:
    posters.make(
        "stand-a6", store, tmp_path / "a.pdf", profile="press-x1a", preview=tmp_path / "g.png", guides=True
    )
    image, px, gap = picture(tmp_path / "g.png"), 150 / 25.4, 24
    assert image.width == pytest.approx(2 * 111 * px + 3 * gap, abs=4)
    row = gap + round(80 * px)
    for mm, color in ((0, guides.BLEED), (3, guides.TRIM)):
        assert color in [image.getpixel((gap + round(mm * px) + d, row)) for d in (-1, 0, 1)]
    column = [image.getpixel((gap + round(8 * px) + d, y)) for d in (-1, 0, 1) for y in range(row, row + 40)]
    assert 0 < column.count(guides.SAFE) < 40, "dashed"


def test_without_guides_the_preview_is_what_is_cut_out(store: dict[str, str], tmp_path: Path) -> None:
    posters.make("stand-a6", store, tmp_path / "a.pdf", profile="press-x1a", preview=tmp_path / "v.png")
    image = picture(tmp_path / "v.png")
    assert image.width == pytest.approx(2 * 105 * 150 / 25.4 + 3 * 24, abs=4)
    assert len(raster.trimmed((tmp_path / "a.pdf").read_bytes(), 50)) == 2


@pytest.mark.parametrize("size", [(619, 873), (1, 1), (7, 3)])
def test_our_png_holds_every_pixel(size: tuple[int, int]) -> None:
    noise = random.Random(5).randbytes(3 * size[0] * size[1])
    drawn = Image.frombytes("RGB", size, noise)
    with Image.open(BytesIO(raster.png(drawn, 150))) as read:
        assert read.format == "PNG"
        assert read.info["dpi"] == pytest.approx((150, 150), abs=0.02)
        assert read.tobytes() == noise
    with Image.open(BytesIO(raster.png(drawn.convert("L"), 150))) as grey:
        assert grey.tobytes() == drawn.convert("L").convert("RGB").tobytes()


@pytest.mark.parametrize("template", [info.id for info in posters.templates()])
def test_a_preview_of_any_size_stays_within_its_budget(template: str) -> None:
    size = next((i.width_mm, i.height_mm) for i in posters.templates() if i.id == template)
    dpi = making.preview_dpi([size])
    pixels = size[0] * size[1] * (dpi / 25.4) ** 2
    assert pixels <= making.PREVIEW_PIXELS * 1.001
    assert dpi == making.PREVIEW_DPI or pixels > making.PREVIEW_PIXELS * 0.999
    assert making.preview_dpi([size] * 16) <= making.preview_dpi([size])
