"""A poster on many sheets: it can be put together again, and its code is whole on one of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import zxingcpp
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFilter

import posters
from posters import geometry as geo
from posters import raster, tiles
from posters.errors import UsageError
from posters.imposition import MARGIN, SHEETS, Art
from posters.tiles import OVERLAP, cut, name, tiling

SMALL = (0.0, 0.0, 10.0, 10.0)


# Counted for 10 mm of overlap and 5 mm of margin, with a code that stands in nobody's way.
@pytest.mark.parametrize(
    ("size", "count"),
    [
        ((297, 420), 4),
        ((420, 594), 8),
        ((570, 840), 9),
        ((594, 841), 12),
        ((600, 900), 15),
        ((841, 1189), 21),
    ],
)
def test_as_few_sheets_as_can_be(size: tuple[float, float], count: int) -> None:
    assert tiling(Art(*size, 3), SMALL, "a4").total == count


@given(
    st.floats(150, 900),
    st.floats(150, 1900),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.1, 1),
    st.sampled_from(["a4", "a3"]),
)
def test_the_whole_poster_is_covered_and_no_seam_runs_through_the_code(
    width: float, height: float, across: float, down: float, size: float, sheet: str
) -> None:
    side = size * tiles.largest_code(sheet)
    assume(side <= min(width, height))
    code = ((width - side) * across, (height - side) * down, side, side)
    found = tiling(Art(width, height, 3), code, sheet)
    for way, length, window, low in (
        (found.across, width, found.sheet[0] - 2 * MARGIN, code[0]),
        (found.down, height, found.sheet[1] - 2 * MARGIN, code[1]),
    ):
        starts = [way.start + n * way.step for n in range(way.sheets)]
        assert starts[0] <= 1e-6
        assert starts[-1] + window >= length - 1e-6
        assert way.step == pytest.approx(window - OVERLAP)
        assert not [s for s in way.seams() if low + 1e-3 < s < low + side - 1e-3]
        assert any(s <= low + 1e-6 and low + side <= s + window + 1e-6 for s in starts)


def test_a_code_larger_than_a_sheet_has_no_way() -> None:
    assert cut(600, 200, (100, 400)) is None
    with pytest.raises(UsageError, match="every seam"):
        tiling(Art(600, 900, 3), (100, 100, 300, 300), "a4")


def test_sheets_are_named_like_a_chart() -> None:
    assert [name(0, 0), name(1, 2), name(26, 9)] == ["A1", "B3", "AA10"]


def test_the_sheets_make_the_poster_again(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make("poster-a3", store, tmp_path / "t.pdf", tile="a4", profile="office")
    assert result.verdict == "printable"
    assert len(result.faces) == 1, "the code is whole on one sheet, and the map shows none"
    posters.make("poster-a3", store, tmp_path / "one.pdf", profile="press-x1a")
    dpi = 50.8  # two pixels a mm
    whole = raster.trimmed((tmp_path / "one.pdf").read_bytes(), dpi)[0]
    sheets = raster.pages((tmp_path / "t.pdf").read_bytes(), dpi)[1:]
    box = (49 * 297 / 210, 104.6 * 297 / 210, 158.4, 158.4)
    found = tiling(Art(297, 420, 3), box, "a4")
    assert len(sheets) == found.total
    pasted = Image.new("RGB", whole.size)
    for n, sheet in enumerate(sheets):
        row, column = divmod(n, found.across.sheets)
        window = sheet.crop((10, 10, sheet.width - 10, sheet.height - 10))
        left, top = found.across.start + column * found.across.step, found.down.start + row * found.down.step
        pasted.paste(window, (round(left * 2), round(top * 2)))
    different = ImageChops.difference(pasted.convert("L"), whole.convert("L")).point(
        lambda v: v > 110 and 255
    )
    assert different.histogram()[255] / (whole.width * whole.height) < 0.03
    assert different.filter(ImageFilter.MinFilter(5)).getbbox() is None, (
        "edges only, no piece that is missing or moved"
    )
    assert [c.text for c in zxingcpp.read_barcodes(pasted)] == [store["url"]]


def test_a_code_too_large_for_a_sheet_is_drawn_smaller_and_said(
    store: dict[str, str], tmp_path: Path
) -> None:
    result = posters.make("poster-570x840", store, tmp_path / "t.pdf", tile="a4")
    assert result.verdict == "printable"
    assert result.pages == 10
    assert [f.code for f in result.findings] == ["seam"]
    assert result.faces[0].module_mm == pytest.approx(tiles.largest_code("a4") / 37, abs=0.1)
    assert SHEETS["a4"][0] - 2 * MARGIN - OVERLAP == tiles.largest_code("a4")


@pytest.mark.parametrize("size", [(297, 420), (570, 840)])
def test_names_and_ticks_stand_where_a_printer_reaches_and_the_next_sheet_covers(
    size: tuple[float, float],
) -> None:
    plan = tiles.plan(Art(*size, 3), SMALL, "a4")
    for leaf in plan.leaves[1:-1]:
        right, bottom = leaf.width - MARGIN - OVERLAP, leaf.height - MARGIN - OVERLAP
        label = leaf.labels[0]
        assert label.x >= right or label.y >= bottom, "covered"
        corners = [geo.bounds(shape.outline) for shape in leaf.shapes]
        ends = [(label.x, label.y), *[box[:2] for box in corners], *[box[2:] for box in corners]]
        for x, y in ends:
            assert MARGIN <= x <= leaf.width - MARGIN
            assert MARGIN <= y <= leaf.height - MARGIN
    assert len(plan.leaves[-1].shapes) == 0, "nothing covers the last sheet, so nothing is drawn on it"
