"""Sheets: what the trade counts on, and the four turning cases, checked by turning rendered paper."""

from __future__ import annotations

import itertools
from pathlib import Path

import pikepdf
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

import posters
from posters import cli, imposition, raster
from posters.errors import UsageError
from posters.imposition import MARGIN, SHEETS, Art, back_cell, grid, n_up, tent
from posters.schema import Tent

DPI = 80
PX = DPI / 25.4


# Counted on paper for 3 mm of bleed and a margin of 5 mm.
@pytest.mark.parametrize(
    ("size", "counts"),
    [
        ((105, 148), (2, 4, 6)),
        ((148, 210), (1, 2, 4)),
        ((90, 120), (4, 8, 9)),
        ((100, 150), (2, 4, 4)),
        ((100, 100), (2, 6, 8)),
        ((50, 50), (15, 35, 35)),
    ],
)
def test_as_many_fit_as_a_printer_takes(size: tuple[float, float], counts: tuple[int, ...]) -> None:
    found = [grid(Art(*size, 3), SHEETS[name]) for name in ("a4", "a3", "sra3")]
    assert tuple(columns * rows for columns, rows, _ in found) == counts


@given(
    st.tuples(st.floats(40, 140), st.floats(40, 200)),
    st.sampled_from(sorted(SHEETS)),
    st.sampled_from(["long", "short"]),
    st.integers(1, 30),
)
def test_every_piece_lies_whole_on_its_sheet_and_none_on_another(
    size: tuple[float, float], sheet: str, flip: imposition.Flip, count: int
) -> None:
    plan = n_up(Art(*size, 3, 2), sheet, count=count, flip=flip)
    for leaf in plan.leaves:
        boxes = [place.window for place in leaf.places]
        for x, y, w, h in boxes:
            assert x >= MARGIN - 1e-6
            assert y >= MARGIN - 1e-6
            assert x + w <= leaf.width - MARGIN + 1e-6
            assert y + h <= leaf.height - MARGIN + 1e-6
        for a, b in itertools.combinations(boxes, 2):
            apart = a[0] + a[2] <= b[0] + 1e-6 or b[0] + b[2] <= a[0] + 1e-6
            assert apart or a[1] + a[3] <= b[1] + 1e-6 or b[1] + b[3] <= a[1] + 1e-6
    if count > 1:
        assert sorted(p.face for leaf in plan.leaves for p in leaf.places) == list(range(2 * count))


@given(
    st.sampled_from([(210.0, 297.0), (297.0, 210.0)]),
    st.sampled_from(["long", "short"]),
    st.tuples(st.floats(5, 60), st.floats(5, 60), st.floats(20, 80), st.floats(20, 80)),
)
def test_the_back_of_the_back_is_the_front(
    sheet: tuple[float, float], flip: imposition.Flip, cell: tuple[float, float, float, float]
) -> None:
    x, y, _ = back_cell(sheet, cell, flip)
    assert back_cell(sheet, (x, y, *cell[2:]), flip)[:2] == pytest.approx(cell[:2])


def unlike(a: Image.Image, b: Image.Image) -> float:
    """Return the share of pixels that differ clearly: edges may fall half a pixel apart."""
    return ImageChops.difference(a.convert("L"), b.convert("L")).point(lambda v: v > 96 and 255).histogram()[
        255
    ] / (a.width * a.height)


def turned(back: Image.Image, flip: str) -> Image.Image:
    """Return the back as it shows through the paper from the front."""
    portrait = back.height >= back.width
    about_vertical = portrait == (flip == "long")
    way = Image.Transpose.FLIP_LEFT_RIGHT if about_vertical else Image.Transpose.FLIP_TOP_BOTTOM
    return back.transpose(way)


@pytest.mark.parametrize("flip", ["long", "short"])
@pytest.mark.parametrize(
    ("template", "sheet", "lying"), [("stand-a6", "a4", True), ("stand-a5", "a4", False)]
)
def test_the_back_registers_in_all_four_turning_cases(
    store: dict[str, str], tmp_path: Path, template: str, sheet: str, lying: bool, flip: imposition.Flip
) -> None:
    out = tmp_path / "s.pdf"
    assert posters.make(template, store, out, sheet=sheet, flip=flip, look="warm").verdict == "printable"
    front, back = raster.pages(out.read_bytes(), DPI)
    assert (front.width > front.height) == lying
    with pikepdf.Pdf.open(out) as pdf:
        wish = str(pdf.Root.ViewerPreferences.Duplex)
        assert wish == ("/DuplexFlipLongEdge" if flip == "long" else "/DuplexFlipShortEdge")
        assert str(pdf.Root.ViewerPreferences.PrintScaling) == "/None"
    through = turned(back, flip)
    for place in n_up(imposition.Art(*SIZES[template], 3, 2), sheet, flip=flip).leaves[0].places:
        box = (place.x, place.y, place.x + SIZES[template][0], place.y + SIZES[template][1])
        cell = tuple(round(v * PX) for v in box)
        # The stand is turned about its upright axis: mirrored once more, its back stands upright.
        seen = through.crop(cell).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        alone = single_back(store, template, tmp_path).resize(seen.size)
        different = ImageChops.difference(seen.convert("L"), alone.convert("L")).point(
            lambda v: 255 * (v > 96)
        )
        share = sum(v > 0 for v in different.tobytes()) / (seen.width * seen.height)
        assert share < 0.02, f"the back lies elsewhere or upside down: {share:.3f}"


SIZES = {"stand-a6": (105.0, 148.0), "stand-a5": (148.0, 210.0)}


def single_back(store: dict[str, str], template: str, tmp_path: Path) -> Image.Image:
    out = tmp_path / "one.pdf"
    posters.make(template, store, out, profile="press-x1a", look="warm")
    return raster.trimmed(out.read_bytes(), DPI)[1]


def test_the_offset_moves_the_backs_and_only_them(store: dict[str, str], tmp_path: Path) -> None:
    posters.make("stand-a6", store, tmp_path / "a.pdf", sheet="a4")
    posters.make("stand-a6", store, tmp_path / "b.pdf", sheet="a4", offset=(2, -1))
    first, second = (raster.pages((tmp_path / n).read_bytes(), 254) for n in ("a.pdf", "b.pdf"))
    assert ImageChops.difference(first[0], second[0]).getbbox() is None
    assert unlike(ImageChops.offset(first[1], 20, -10), second[1]) < 0.001
    assert unlike(first[1], second[1]) > 0.02


def test_every_copy_is_read_back_and_a_missing_one_is_noticed(
    store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = posters.make("stand-a6", store, tmp_path / "s.pdf", sheet="sra3", profile="press-x1a")
    assert [face.page for face in result.faces] == [1] * 6 + [2] * 6
    assert {face.payload for face in result.faces} == {store["url"]}
    assert all(all(face.gates.values()) and face.k_only for face in result.faces)
    from posters import assembly

    real = assembly._draw

    def forgetful(leaf: imposition.Leaf, place: imposition.Place, *rest: object) -> str:
        return "" if place is leaf.places[3] else real(leaf, place, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(assembly, "_draw", forgetful)
    missing = posters.make("stand-a6", store, tmp_path / "t.pdf", sheet="sra3")
    assert missing.verdict == "refuse"
    assert "QR codes on page 1: 5; 6 would be right" in missing.findings[0].say()
    assert not (tmp_path / "t.pdf").exists()


def test_a_tent_has_its_faces_back_to_back_on_an_a4_sheet(store: dict[str, str], tmp_path: Path) -> None:
    plan, flat = tent(Art(148, 105, 3), Tent(65, 12))
    assert (flat.width, flat.height) == (148, 287)
    assert flat.folds == (12, 44.5, 149.5, 254.5)
    assert [place.turn for place in plan.leaves[0].places] == [180, 0]
    result = posters.make("tent-a6", store, tmp_path / "t.pdf")
    assert result.verdict == "printable"
    assert (result.pages, len(result.faces)) == (1, 2)
    page = raster.pages((tmp_path / "t.pdf").read_bytes(), 150)[0]
    assert (round(page.width / 150 * 25.4), round(page.height / 150 * 25.4)) == (210, 297)
    codes = sorted(zxingcpp.read_barcodes(page), key=lambda c: c.position.top_left.y)
    assert [abs(round(c.orientation / 90)) * 90 for c in codes] == [180, 0], (
        "the back is turned, the front upright"
    )


def test_a_tents_faces_end_at_the_ridge(store: dict[str, str], tmp_path: Path) -> None:
    posters.make("tent-a6", store, tmp_path / "t.pdf", look="plain", profile="press-x1a")
    page = raster.trimmed((tmp_path / "t.pdf").read_bytes(), 254)[0]
    assert page.size == pytest.approx((1480, 2870), abs=2)
    assert page.getpixel((1000, 1510))[2] > 90, "the bar of the front begins below the ridge"  # type: ignore[index]
    assert page.getpixel((740, 30)) == (255, 255, 255), "nothing is printed on the tab"


def test_what_fits_no_sheet_is_a_sentence(store: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="297 x 420 mm does not fit a sheet a3"):
        posters.make("poster-a3", store, tmp_path / "p.pdf", sheet="a3")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flip", ["long", "short"])
def test_the_calibration_sheet_registers_with_itself(tmp_path: Path, flip: str) -> None:
    assert cli.main(["calibrate", "-o", str(tmp_path / "c.pdf"), "--flip", flip]) == 0
    front, back = raster.pages((tmp_path / "c.pdf").read_bytes(), DPI, grey=True)
    through = turned(back, flip)
    middle = (front.width // 2, front.height // 2)
    for image in (front, through):
        assert min(image.crop((middle[0] - 2, middle[1] - 20, middle[0] + 3, middle[1] - 10)).tobytes()) < 200
        assert min(image.crop((middle[0] - 20, middle[1] - 2, middle[0] - 10, middle[1] + 3)).tobytes()) < 200
    corner = front.crop((0, 0, middle[0] - 110, 60))
    assert min(corner.tobytes()) > 200, "nothing in the margin"
