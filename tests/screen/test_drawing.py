"""The counter page without a browser: the code reads, the words are there, pixels are where the kernel wants them."""

from __future__ import annotations

import io
import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from kiosk.counter.feedback import TABLE
from kiosk.screen.canvas import CanvasError, Framebuffer, PngCanvas, open_canvas, packed, without_text
from kiosk.screen.decode import read
from kiosk.screen.drawing import MARKS, OUTCOMES, draw
from ui.codes import modules

LINK = "https://q.example.cn/c/S0001"


def view(**changes: Any) -> dict[str, Any]:
    batch = {
        "stock_id": "1",
        "product": "merchant_coupon",
        "kind": "discount",
        "name": "满10减1商家券",
        "offer": "满10减1",
        "value": 150,
        "threshold": 1000,
        "period": "2027年2月15日前有效",
        "left": 3000,
    }
    plain = {
        "seq": 1,
        "open": True,
        "look": "warm",
        "colours": {},
        "merchant": {"name": "老王便利店"},
        "store": {"name": "科技园南区店"},
        "shop": {"hours": "", "notice": ""},
        "qr": {"modules": list(modules(LINK, "M"))},
        "batches": [batch, {**batch, "kind": "exchange", "offer": "兑换券", "left": None}],
        "status": {"hub": "ok"},
        "outcome": None,
        "slip": {"text": "按一下按钮"},
        "words": {
            "scan": "微信扫码领券",
            "left": "剩{n}张",
            "none": "暂无优惠券",
            "at_payment": "支付时自动抵扣",
            "at_till": "结账时出示",
            "offline": "离线",
            "gone": "请咨询店员",
        },
    }
    return {**plain, **changes}


def png(image: Image.Image, path: Path) -> Path:
    image.save(path, "PNG")
    return path


@pytest.mark.parametrize(
    ("size", "look"),
    list(
        itertools.product(
            [(480, 320), (320, 480), (800, 480), (1920, 1080), (1080, 1920)], ["warm", "fresh", "plain"]
        ),
    ),
)
def test_the_code_is_read_from_every_size_and_look(size: tuple[int, int], look: str, tmp_path: Path) -> None:
    drawn = draw(view(look=look), size)
    assert drawn.image.size == size
    assert read(png(drawn.image, tmp_path / "a.png")) == LINK
    assert drawn.bits() == "".join(modules(LINK, "M"))


def test_a_painted_over_code_is_seen_in_its_bits() -> None:
    drawn = draw(view(), (800, 480))
    drawn.image.paste("#ffffff", (0, 0, 800, 480))
    assert drawn.bits() != "".join(modules(LINK, "M"))


@pytest.mark.parametrize("kind", sorted(OUTCOMES))
def test_every_outcome_is_drawn(kind: str) -> None:
    outcome = {"kind": kind, "title": "云端已确认", "detail": "满20减3", "hint": "满20元可用，请核对"}
    drawn = draw(view(outcome=outcome), (800, 480))
    assert drawn.bits() == "", "no code is claimed"
    assert drawn.image.getpixel((5, 5)) == Image.new("RGB", (1, 1), OUTCOMES[kind]).getpixel((0, 0))
    assert len(drawn.image.getcolors(100_000) or ()) > 10, "something is written"


def test_outcomes_are_told_apart_without_their_words_and_colours() -> None:
    """The drawing knows every kind of the table, and gives each verdict a shape of its own."""
    assert set(OUTCOMES) == set(MARKS) == set(TABLE)
    shapes = set()
    verdicts = [kind for kind, signal in TABLE.items() if signal.speech and kind != "printed"]
    for kind in verdicts:
        image = draw(view(outcome={"kind": kind, "title": "", "detail": "", "hint": ""}), (800, 480)).image
        shapes.add(image.convert("L").point(lambda v: 255 * (v > 160)).tobytes())  # type: ignore[operator]
    assert len(shapes) == len(verdicts)


def test_odd_views_are_drawn() -> None:
    long = "很长的名字" * 30
    for changed in (
        {"qr": None, "batches": []},
        {"merchant": {"name": long}, "store": {"name": ""}, "slip": {"text": ""}},
        {"batches": view()["batches"] * 20},
        {"status": {"hub": "offline"}},
        {"merchant": {"name": "𠮷野家 ☕ <b>"}},
        {"colours": {"--panel": "#ffd400", "--tint": "#fffbe0", "--on-brand": "#1d1a18"}},
    ):
        for size in ((480, 320), (320, 480)):
            assert draw(view(**changed), size).image.size == size


def test_batches_without_room_have_their_turn() -> None:
    many = [{**view()["batches"][0], "offer": f"满{n}减1"} for n in range(5)]
    pictures = [draw(view(batches=many), (800, 480), turn).image.tobytes() for turn in range(4)]
    assert len(set(pictures[:2])) == 2
    assert pictures[0] == pictures[2]


def test_outside_the_hours_it_is_black() -> None:
    assert draw(view(open=False), (480, 320)).image.getcolors() == [(480 * 320, (0, 0, 0))]


def framebuffer(tmp_path: Path, depth: int, width: int, height: int, stride: int) -> Framebuffer:
    about = tmp_path / "sys" / "fb0"
    about.mkdir(parents=True)
    (about / "virtual_size").write_text(f"{width},{height}\n")
    (about / "bits_per_pixel").write_text(f"{depth}\n")
    (about / "stride").write_text(f"{stride}\n")
    (tmp_path / "fb0").write_bytes(b"\xff" * stride * height)
    return Framebuffer(tmp_path / "fb0", tmp_path / "sys")


@given(st.binary(min_size=48, max_size=48))
def test_sixteen_bits_hold_the_upper_bits_of_each_colour(raw: bytes) -> None:
    told = packed(Image.frombytes("RGB", (4, 4), raw), 16)
    for n in range(16):
        red, green, blue = raw[3 * n : 3 * n + 3]
        assert (
            int.from_bytes(told[2 * n : 2 * n + 2], "little") == red >> 3 << 11 | green >> 2 << 5 | blue >> 3
        )


def test_hours_and_days_off_are_drawn_too() -> None:
    plain = draw(view(), (800, 480)).image
    for shop in ({"hours": "营业 08:00–22:30", "notice": ""}, {"hours": "", "notice": "2月16日休息"}):
        assert ImageChops.difference(plain, draw(view(shop=shop), (800, 480)).image).getbbox(), shop


def test_pixels_are_packed_as_the_kernel_wants_them(tmp_path: Path) -> None:
    image = Image.new("RGB", (2, 1))
    image.putdata([(255, 0, 0), (1, 2, 3)])
    assert packed(image, 32) == bytes([0, 0, 255, 255, 3, 2, 1, 255])
    assert packed(image, 16) == (0xF800).to_bytes(2, "little") + b"\0\0"
    fb = framebuffer(tmp_path, 16, 2, 1, 8)
    fb.show(image)
    assert (tmp_path / "fb0").read_bytes() == packed(image, 16) + b"\0\0\0\0", (
        "lines are padded to the stride"
    )


def test_a_whole_picture_goes_to_the_framebuffer_and_reads_back(tmp_path: Path) -> None:
    fb = framebuffer(tmp_path, 32, 800, 480, 3200)
    fb.show(draw(view(), fb.size).image)
    raw = (tmp_path / "fb0").read_bytes()
    back = Image.frombytes("RGB", (800, 480), raw, "raw", "BGRX")
    assert read(png(back, tmp_path / "back.png")) == LINK


@pytest.mark.parametrize(
    "text", ["", "fb:", "fb:fb0", "png:a.png", "png:a.png:10x10", "png::800x480", "svg:a:800x480"]
)
def test_a_canvas_that_is_none_is_named(text: str) -> None:
    with pytest.raises(CanvasError, match="fb:/dev/fb0"):
        open_canvas(text)


def test_a_framebuffer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CanvasError, match="connect the display"):
        Framebuffer(tmp_path / "fb7", tmp_path)


def test_a_terminal_that_is_no_console_is_left_alone() -> None:
    ours, theirs = os.openpty()
    try:
        with without_text(theirs) as quiet:
            assert quiet is False
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_file_is_whole(tmp_path: Path) -> None:
    canvas = open_canvas(f"png:{tmp_path / 'a.png'}:800x480")
    assert isinstance(canvas, PngCanvas)
    canvas.show(draw(view(), canvas.size).image)
    assert Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())).size == (800, 480)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
