"""Our bytes judged by somebody else's printer: emupos, an interpreter that knows nothing of this project (`judged` finds it)."""

from __future__ import annotations

import base64
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageChops

from kiosk.printing import escpos
from kiosk.printing import layout as lay
from kiosk.printing.profiles import PROFILES, Profile
from kiosk.printing.slip import Code128, Qr, Slip, Text
from tests.printing import judged
from tests.printing.made import P58, SAFE
from tests.printing.test_png import preview
from tests.printing.test_templates import CODE, SHOP, STORE, batch, every

pytestmark = pytest.mark.heavy
JUDGE = Path(__file__).with_name("emupos_judge.py")
Judge = Callable[[int, list[bytes]], dict[str, Any]]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    python = judged.judge(tmp_path_factory.mktemp("emupos"))

    def ask(width: int, parts: list[bytes]) -> dict[str, Any]:
        asked = json.dumps({"width": width, "parts": [p.hex() for p in parts]})
        done = subprocess.run(
            [python, str(JUDGE)], input=asked + "\n", capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    return ask


def _picture(receipt: dict[str, Any]) -> Image.Image:
    with Image.open(io.BytesIO(base64.b64decode(receipt["png"]))) as opened:
        return opened.convert("1")


def _lines(receipt: dict[str, Any]) -> list[str]:
    """Return the text of a receipt: its code page 437 is the bytes that were sent, which are GBK."""
    lines = receipt["text"].encode("cp437").decode("gbk").splitlines()
    return [line for line in lines if line and not line.startswith(("[qr", "[barcode", "[image"))]


def _without_underline(made: Slip) -> Slip:
    """Take underlines out: emupos does not know `FS -`."""
    import msgspec

    plain = [msgspec.structs.replace(e, underline=False) if isinstance(e, Text) else e for e in made.elements]
    return msgspec.structs.replace(made, elements=tuple(plain))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_every_slip_is_understood_and_comes_out_as_the_preview(judge: Judge, profile: Profile) -> None:
    for name, slip in every("zh_CN"):
        if name == "self-test 80" and profile.width_dots < 576:
            continue
        made = _without_underline(slip)
        told = judge(profile.width_dots, [escpos.render(made, profile).data])
        unknown = [e for e in told["events"] if "unknown" in e["type"] or "unsupported" in e["type"]]
        assert unknown == [], name
        (receipt,) = told["receipts"]
        ours = preview(made, profile)
        inked = ImageChops.invert(ours.convert("L")).getbbox()
        assert inked is not None
        assert receipt["height"] >= inked[3], name
        sheet = _picture(receipt)
        if profile.text_mode == "graphic":
            high = max(sheet.height, ours.height)
            a, b = (Image.new("1", (profile.width_dots, high), 1) for _ in range(2))
            a.paste(sheet, (0, 0))
            b.paste(ours, (0, 0))
            assert ImageChops.logical_xor(a, b).getbbox() is None, f"{name}: a dot differs"
            continue
        laid = lay.lay_out(made, profile.width_dots)
        wanted = [b.text.rstrip() for b in laid.blocks if isinstance(b, lay.Line) and b.text.strip()]
        assert [line.strip() for line in _lines(receipt)] == [line.strip() for line in wanted], name
        codes = {e.data for e in made.elements if isinstance(e, Qr | Code128)}
        assert {c.text for c in zxingcpp.read_barcodes(sheet.convert("L"))} == codes, name


def test_blocks_stand_where_the_preview_has_them(judge: Judge) -> None:
    """Text has other glyphs there; a barcode and the ends of the slip are the same dots."""
    from kiosk.printing import templates

    made = templates.coupon_slip(SHOP, STORE, batch(), CODE, "zh_CN")
    (receipt,) = judge(384, [escpos.render(made, P58).data])["receipts"]
    places = []
    for sheet in (_picture(receipt).convert("L"), preview(made, P58).convert("L")):
        found = {c.format: c.position for c in zxingcpp.read_barcodes(sheet)}
        places.append(
            [
                (round(p.top_left.x), round(p.top_left.y), round(p.bottom_right.x), round(p.bottom_right.y))
                for _, p in sorted(found.items(), key=lambda i: str(i[0]))
            ]
        )
    for ours, theirs in zip(*places, strict=True):
        assert all(abs(a - b) <= 6 for a, b in zip(ours, theirs, strict=True)), places


def test_split_at_every_byte_it_is_the_same(judge: Judge) -> None:
    from kiosk.printing import templates

    raw = escpos.render(templates.coupon_slip(SHOP, STORE, batch(), CODE, "zh_CN"), P58).data
    whole = judge(384, [raw])
    assert judge(384, [bytes([b]) for b in raw]) == whole
    assert whole["receipts"][0]["end"] == "cut"


def test_a_picture_is_the_same_dots(judge: Judge) -> None:
    made = Slip(elements=(Text(text="图形模式，任何打印机。"), Qr(data="https://q.example.cn/c/S0001")))
    (receipt,) = judge(384, [escpos.render(made, SAFE).data])["receipts"]
    ours = preview(made, SAFE)
    sheet = _picture(receipt)
    assert ImageChops.logical_xor(sheet, ours.crop((0, 0, 384, sheet.height))).getbbox() is None


def test_the_drawer_is_kicked_once(judge: Judge) -> None:
    from kiosk.printing.slip import Drawer

    told = judge(384, [escpos.render(Slip(elements=(Drawer(pin=2), Text(text="a"))), P58).data])
    assert [e for e in told["events"] if "unknown" in e["type"]] == []
    assert any("drawer" in e["type"] for e in told["events"])


def test_the_barrier_is_answered_after_the_job(judge: Judge) -> None:
    from kiosk.printing.printers import esc

    told = judge(
        384, [escpos.render(Slip(elements=(Text(text="a"),)), P58).data, esc.BARRIER, esc.ASK_PRINTER]
    )
    answer = bytes.fromhex(told["answers"])
    assert esc.is_barrier(answer[0])
    assert esc.is_realtime(answer[1])
