"""The staff look at slips before anybody prints one, and hold them back while the paper is changed."""

from __future__ import annotations

import io

import aiohttp
import pytest
import zxingcpp
from PIL import Image

from kiosk.counter.previews import CODE, KINDS
from kiosk.coupons import code
from kiosk.printing import png
from tests.web.rig import Rig, eventually
from tests.web.test_staff import Staff, staff

__all__ = ["staff"]


async def look(staff: Staff, kind: str, paper: str = "") -> Image.Image:
    async with staff.browser.get(f"{staff.kiosk.url}/staff/slip/{kind}.png?paper={paper}") as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "image/png"
        return Image.open(io.BytesIO(await answer.read()))


async def test_every_slip_can_be_looked_at(staff: Staff) -> None:
    page = await staff.page(path="/staff/coupons")
    for kind in KINDS:
        assert f'href="/staff/slip/{kind}.png"' in page
        for paper, wide in (("generic-58", 384), ("generic-80", 576)):
            with await look(staff, kind, paper) as sheet:
                assert sheet.width == wide
                assert sheet.height > 2 * png.MARGIN + 100


async def test_the_status_says_what_it_would_on_paper(staff: Staff) -> None:
    """Address, pages, four lights, kiosk, version: at least eight lines of thirty dots under the title."""
    with await look(staff, "status") as sheet:
        assert sheet.height > 2 * png.MARGIN + 2 * png.CELL + 8 * png.LINE


async def test_the_coupon_of_a_preview_is_none(staff: Staff) -> None:
    """It looks like one and can never be redeemed: nobody has signed it."""
    with await look(staff, "coupon") as sheet:
        read = {c.text for c in zxingcpp.read_barcodes(sheet.convert("L"))}
    assert read == {CODE.code, CODE.short}
    _, told = await staff.do("redeem", {"code": CODE.code})
    assert told["verdict"] == "refused"
    assert not isinstance(code.read(CODE.short), code.Short), "its check character is wrong"


@pytest.mark.parametrize("kind", ["nothing", "coupon"])
async def test_only_those_who_are_signed_in_may_look(kiosk: Rig, kind: str) -> None:
    async with (
        aiohttp.ClientSession() as stranger,
        stranger.get(f"{kiosk.url}/staff/slip/{kind}.png") as answer,
    ):
        assert answer.status == 401


async def test_an_unknown_slip_is_one_sentence(staff: Staff) -> None:
    english = {"Accept-Language": "en"}
    async with staff.browser.get(f"{staff.kiosk.url}/staff/slip/nothing.png", headers=english) as answer:
        assert answer.status == 404
        assert "no slip nothing" in (await answer.json())["message"]


async def test_slips_are_held_back_and_go_on(staff: Staff) -> None:
    spooler = staff.kiosk.daemon.spooler
    assert (await staff.do("hold-slips"))[1]["ok"] is True
    assert "release-slips" in await staff.page(path="/staff/coupons")
    job = await spooler.submit(await _slip(staff), rid="R1", kind="day")
    assert [j.id for j in spooler.waiting()] == [job]
    assert (await staff.do("release-slips"))[1]["message"] == "已恢复打印。"
    await eventually(lambda: not spooler.waiting())
    assert "hold-slips" in await staff.page(path="/staff/coupons")


async def _slip(staff: Staff) -> object:
    from kiosk.printing.templates import day_slip

    return day_slip("店", "2026-11-24", [], "zh_CN")
