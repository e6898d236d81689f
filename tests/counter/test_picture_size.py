"""How large a picture is, as its own library says; whatever else a file holds, nothing breaks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kiosk.config import Screen
from kiosk.counter.dress import look_for, unfit
from kiosk.counter.picture_size import dots
from kiosk.health.overheard import CONFIGURATION, heard
from tests.web.test_chinese import english

WAYS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("PNG", {}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True, "exif": b"Exif\0\0" + b"x" * 60_000}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
)


def made(kind: str, size: tuple[int, int], **how: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#c8161d").save(out, kind, **how)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "how"), WAYS)
@pytest.mark.parametrize("size", [(1, 1), (640, 97), (300, 1200)])
def test_it_is_what_the_pictures_own_library_says(
    kind: str, how: dict[str, Any], size: tuple[int, int], tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(made(kind, size, **how))
    assert dots(tmp_path / "a") == size[0] * size[1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(WAYS), st.integers(0, 400), st.binary(max_size=40))
def test_a_file_that_is_cut_or_spoilt_breaks_nothing(
    tmp_path: Path, way: tuple[str, dict[str, Any]], at: int, noise: bytes
) -> None:
    whole = made(way[0], (40, 30), **way[1])
    (tmp_path / "a").write_bytes(whole[:at] + noise)
    assert dots(tmp_path / "a") >= 0
    (tmp_path / "a").write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    assert dots(tmp_path / "a") >= 0


def test_a_clip_of_200_mb_is_named_and_not_shown(tmp_path: Path) -> None:
    with (tmp_path / "film.mp4").open("wb") as clip:
        clip.truncate(200 * 1024 * 1024)
    (tmp_path / "short.mp4").write_bytes(b"whether it can be played, the browser finds out")
    assert [(p.name, p.is_clip) for p in look_for(tmp_path)] == [("short.mp4", True)]
    assert unfit(Screen(pictures=str(tmp_path))) == (
        f"{tmp_path}/film.mp4 has 200 MB; at most 30 MB are shown.",
    )


def test_a_small_file_of_too_many_dots_is_named_and_not_shown(tmp_path: Path) -> None:
    """30 KB that would take 1.6 GB in the browser: it ends, the screen is dark, and the ladder is used up in vain."""
    bomb = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(bomb)
    assert bomb.stat().st_size < 100_000
    (tmp_path / "photo.jpg").write_bytes(made("JPEG", (400, 300)))
    assert [p.name for p in look_for(tmp_path)] == ["photo.jpg"]
    (said,) = unfit(Screen(pictures=str(tmp_path)))
    assert said == f"{bomb} has 400 million dots; at most 25 million are shown, make it smaller."
    assert english(heard(said, CONFIGURATION).say("zh_CN")) == []
    (said,) = unfit(Screen(logo=str(bomb)))
    assert english(heard(said, CONFIGURATION).say("zh_CN")) == []
    assert (
        said == f'screen.logo = "{bomb}" has 400 million dots; at most 4 million are shown, make it smaller.'
    )
