"""A derived look: proportions hold, the bleed stays covered, the rest of the height goes where the template says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from posters import catalog
from posters import geometry as geo
from posters import schema as s
from posters.errors import UsageError
from posters.scaling import rescaled

OLD = s.Template(
    title=s.Names("", ""), size=(100, 100), revision=1, revised="2026-01-01T00:00:00+08:00", looks=["x"]
)


def look(*items: s.AnyItem) -> s.Look:
    return s.Look(title=s.Names("", ""), colors={}, front=list(items))


def drawn(size: tuple[float, float], give: list[s.Share], *items: s.AnyItem) -> list[s.AnyItem]:
    return rescaled(look(*items), OLD, structs.replace(OLD, size=size), s.Give(give)).front


def test_everything_grows_with_the_width() -> None:
    text = s.Text(box=(10, 20, 30, 5), value="x", size=10, min=6)
    qr = s.Qr(at=(10, 40), side=50)
    grown, code = drawn((200, 200), [(0, 1)], text, qr)
    assert grown == structs.replace(text, box=(20, 40, 60, 10), size=20, min=12)
    assert code == s.Qr(at=(20, 80), side=100)


def test_what_is_left_of_the_height_opens_at_the_bands() -> None:
    above, below = s.Qr(at=(0, 10), side=10), s.Qr(at=(0, 80), side=10)
    card = s.Rect(box=(0, 20, 100, 60))
    moved = drawn((100, 140), [(30, 0.25), (70, 0.75)], above, card, below)
    assert moved == [above, s.Rect(box=(0, 20, 100, 100)), s.Qr(at=(0, 120), side=10)]


@given(st.floats(40, 900), st.floats(1, 2.5))
def test_a_background_still_reaches_the_bleed(width: float, ratio: float) -> None:
    ground = s.Rect(box=(-3, -3, 106, 106))
    wave = s.Path(d="M-3 60 C30 50 60 70 103 60 V103 H-3 Z")
    height = width * ratio
    rect, path = drawn((width, height), [(50, 1)], ground, wave)
    assert isinstance(rect, s.Rect)
    assert isinstance(path, s.Path)
    x, y, w, h = rect.box
    assert (x, y) <= (-3, -3)
    assert x + w >= width + 3 - 1e-6
    assert y + h >= height + 3 - 1e-6
    left, _, right, bottom = geo.bounds(geo.parse(path.d))
    assert left <= -3
    assert right >= width + 3 - 1e-3
    assert bottom >= height + 3 - 1e-3


def test_a_smaller_format_keeps_type_and_lines_that_a_press_holds() -> None:
    text, line = s.Text(box=(10, 10, 30, 5), value="x", size=6), s.Path(d="M0 0 H9", width=0.25)
    small, thin = drawn((50, 50), [(0, 1)], text, line)
    assert isinstance(small, s.Text)
    assert isinstance(thin, s.Path)
    assert small.size == 6
    assert thin.width == 0.2


def test_shares_that_do_not_add_up_are_an_error() -> None:
    with pytest.raises(UsageError, match="share out all of it"):
        drawn((100, 140), [(30, 0.5)])


def test_a_derived_template_has_its_bases_looks_and_its_own_foot() -> None:
    chosen = catalog.choose("stand-a5", "fresh")
    assert chosen.words["headline"] == "扫码领券"
    assert "A5-" in chosen.words["foot"]
    assert chosen.digest != catalog.choose("stand-a6", "fresh").digest
    assert len(chosen.look.front) == len(catalog.choose("stand-a6", "fresh").look.front)
