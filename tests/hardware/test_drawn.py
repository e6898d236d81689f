"""Codes that are drawn in rectangles: the level is chosen, the bytes are the instruction set's, a reader reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kiosk.events import Bus
from kiosk.hardware.displays.drawn import BYTES, GOOD_PX, LEAST_PX, choose, draw, most_bytes
from kiosk.hardware.displays.stream import SHOWN
from kiosk.hardware.factory import languages
from kiosk.hardware.ports import LEVELS, HardwareError, QrCapability
from kiosk.printing.qr import side as modules_of
from simulators.panels_dialects import DIALECTS, HEIGHT, WIDTH
from simulators.panels_wire import PtyWire
from tests.hardware.conftest import Watch, until
from tests.hardware.test_display_contract import WireRig

LINK = "https://q.example.cn/c/S0001"


def read(canvas: bytearray) -> tuple[str, str]:
    """Read what the panel shows as a phone would: text and level."""
    found = zxingcpp.read_barcodes(Image.frombytes("L", (WIDTH, HEIGHT), bytes(canvas)))
    assert len(found) == 1
    return found[0].text, found[0].ec_level


def test_the_bytes_are_those_of_the_instruction_set() -> None:
    # fill <x>,<y>,<width>,<height>,<color>, RGB 565, ended by FF FF FF; bkcmd as 2 "on failure", 3 "always".
    steps = languages()["tjc"]("display x", {"draw": "20,20,200"}).show("A", ())
    end = b"\xff\xff\xff"
    assert steps[0].data == end.join([b"bkcmd=2", b"fill 20,20,200,37,65535", b"bkcmd=3", b""])
    # version 1 at level H: 29 modules with their quiet zone, 6 pixels each; the first row begins with a finder of 7 modules
    assert steps[1].data.startswith(
        end.join([b"bkcmd=2", b"fill 20,57,200,6,65535", b"fill 57,57,42,6,0", b""])
    )
    assert all(s.answered for s in steps)


@pytest.mark.parametrize(
    ("data", "side", "level", "px"),
    [
        ("A", 240, "H", 8),
        (LINK, 240, "H", 5),
        (LINK, 200, "Q", 5),
        (LINK, 165, "L", 5),
        (LINK, 150, "Q", 4),
        ("x" * 120, 200, "L", 4),
        ("x" * 134, 150, "L", 3),
    ],
)
def test_the_highest_level_with_good_modules_is_chosen(data: str, side: int, level: str, px: int) -> None:
    assert choose(data, side) == (level, px)


@settings(max_examples=40)
@given(st.integers(0, 480), st.data())
def test_whatever_fits_is_drawn_and_no_level_was_better(side: int, given_: st.DataObject) -> None:
    most = most_bytes(side)
    if not most:
        assert side < 87, "29 modules of 3 pixels"
        return
    data = "x" * given_.draw(st.integers(1, most))
    drawn = draw(data, side)
    assert drawn.px >= LEAST_PX
    assert sum(b.height for b in drawn.bands) == side
    assert all(x >= 0 and x + w <= side for b in drawn.bands for x, w in b.dark)
    for level in LEVELS[LEVELS.index(drawn.level) + 1 :]:
        px = side // (modules_of(data, level) + 8)
        assert px < GOOD_PX
        assert px <= drawn.px


def test_what_versions_hold_is_the_standards() -> None:
    for version, size in enumerate(BYTES, 1):
        assert modules_of("x" * size, "L") == 17 + 4 * version
        assert modules_of("x" * (size + 1), "L") == 21 + 4 * version


@pytest.mark.parametrize(("side", "level"), [(220, "H"), (200, "Q"), (110, "L")])
def test_a_phone_reads_what_the_panel_has_painted(side: int, level: str) -> None:
    language, panel = languages()["tjc"]("display x", {"draw": f"10,10,{side}"}), DIALECTS["tjc"]()
    for step in (*language.hello(80), *language.show(LINK, ("老王便利店",))):
        answers = panel.feed(step.data)
        if step.answered:
            assert language.read(answers).said == "yes"
            assert answers.count(b"\xff\xff\xff") == 1, "a second one would be taken for the next step's"
    assert panel.complaints == []
    assert read(panel.canvas) == (LINK, level)  # type: ignore[attr-defined]
    assert language.level(LINK) == level
    assert panel.lines[0] == "老王便利店"
    panel.feed(b"".join(s.data for s in language.bye()))
    assert panel.canvas == bytearray(b"\xff" * WIDTH * HEIGHT)  # type: ignore[attr-defined]


def test_it_says_what_it_can_draw() -> None:
    language = languages()["tjc"]("display x", {"draw": "0,0,200"})
    assert language.qr == QrCapability(271, None, LEVELS)
    assert "272 bytes and this display draws 271 at most" in language.refuses("x" * 272)
    assert str(language.qr) == "codes of up to 271 bytes, level L to H, chosen here"
    assert [str(languages()[f]("x", {}).qr) for f in ("tjc", "qrview", "cd5220")] == [
        "codes of up to 192 bytes, level L",
        "codes of up to 300 bytes, at a level of its own",
        "text only",
    ]


@pytest.mark.parametrize("draw", ["", "1,2", "a,b,c", "0,0,80", "-1,0,200", "0,0,2000"])
def test_a_square_that_is_none_is_named(draw: str) -> None:
    with pytest.raises(HardwareError, match=r"write draw=X,Y,SIDE in pixels, such as draw=20,20,200\.$"):
        languages()["tjc"]("display x", {"draw": draw})


async def test_a_square_beyond_the_glass_is_told(bus: Bus, watch: Watch, tmp_path: Path) -> None:
    rig = WireRig("tjc", PtyWire(tmp_path / "by-id"), bus)
    await rig.start("?draw=200,20,200")
    rig.device.show_code(LINK, ())
    await until(lambda: rig.device.state == "error")
    assert rig.device.detail == "it says no: the value could not be assigned."
    await rig.stop()


async def test_the_state_says_which_level_was_chosen(bus: Bus, watch: Watch, tmp_path: Path) -> None:
    rig = WireRig("tjc", PtyWire(tmp_path / "by-id"), bus)
    await rig.start("?draw=10,10,220")
    rig.device.show_code(LINK, ())
    await until(lambda: rig.device.detail == f"{SHOWN} (level H)")
    assert read(rig.sim.panel.canvas) == (LINK, "H")  # type: ignore[attr-defined]
    await rig.stop()
