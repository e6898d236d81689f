"""Hours, colours, logo: written where the kiosk reads them, on the paper at once, on the screen after the button."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from kiosk.config import load
from kiosk.web.staff.logo import MOST
from tests.browser import Tabs, until
from tests.daemon.program import Program, config
from tests.web.test_staff import Staff, staff
from tests.web.test_staff_restart import PIN, Running, back, free_port

__all__ = ["staff"]


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Staff]:
    """A manager at a kiosk that runs as a program with a file of its own."""
    listen = f"127.0.0.1:{free_port()}"
    path = config(tmp_path, f'[printers.paper]\nurl = "virtual://{tmp_path}/slips"\n', listen=listen)
    jar = aiohttp.CookieJar(unsafe=True)
    async with Program(path) as kiosk, aiohttp.ClientSession(cookie_jar=jar) as browser:
        await kiosk.ready()
        held = Staff(Running(f"http://{listen}"), browser)  # type: ignore[arg-type]
        await held.sign_in(PIN)
        yield held


def png(width: int = 300, height: int = 200, colour: str = "black") -> bytes:
    raw = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(raw, "PNG")
    return raw.getvalue()


async def upload(staff: Staff, body: bytes) -> tuple[int, dict[str, object]]:
    headers = {"X-CSRF": staff.token, "Accept-Language": "zh-CN", "Content-Type": "application/octet-stream"}
    url = staff.kiosk.url + "/staff/logo"
    async with staff.browser.post(url, data=io.BytesIO(body), headers=headers) as answer:
        return answer.status, await answer.json()


SHOP = {
    "hours": "08:00-22:00",
    "holidays": "2027-02-16..2027-02-22\n2027-10-01",
    "look": "warm",
    "locale": "zh_CN",
}


async def test_hours_of_weekdays_and_a_colour_are_written_and_taken_back(own: Staff, tmp_path: Path) -> None:
    path = tmp_path / "kiosk.toml"
    days = {str(n): "" for n in range(1, 8)} | {"6": "09:00-23:00", "7": "10:00-18:00"}
    assert (await own.do("shop", {**SHOP, "by_day": days, "colour": "#0a7460"}))[1]["restart"] is True
    now = load(path).value
    assert now.shop.by_day == {"6": "09:00-23:00", "7": "10:00-18:00"}
    assert now.shop.holidays == ("2027-02-16..2027-02-22", "2027-10-01")
    assert now.screen.colour == "#0a7460"
    assert (await own.do("shop", {**SHOP, "by_day": {**days, "6": ""}}))[1]["ok"] is True
    now = load(path).value
    assert (now.shop.by_day, now.screen.colour) == ({"7": "10:00-18:00"}, "#0a7460"), "what is not sent stays"
    before = path.read_text("utf-8")
    for bad, said in (({"7": "late"}, "“late”不是营业时间"), ({"8": "10:00-18:00"}, "“8”不是星期几")):
        told = (await own.do("shop", {**SHOP, "by_day": bad}))[1]
        assert (told["ok"], said in told["message"]) == (False, True), told
    for holiday in ("next-week", "2027-02-22..2027-02-16"):
        told = (await own.do("shop", {**SHOP, "holidays": holiday}))[1]
        assert (told["ok"], f"“{holiday}”不是休息日" in told["message"]) == (False, True), told
    assert (await own.do("shop", {**SHOP, "colour": "red"}))[0] == 400
    assert path.read_text("utf-8") == before


async def test_a_logo_is_kept_small_and_shown_after_the_button(own: Staff, tmp_path: Path) -> None:
    status, told = await upload(own, png(2000, 1000, "red"))
    assert (status, told.get("restart")) == (200, True), told
    kept = tmp_path / "data" / "logos" / "store.png"
    with Image.open(kept) as image:
        assert (image.format, image.size) == ("PNG", (512, 256))
    assert load(tmp_path / "kiosk.toml").value.screen.logo == str(kept)
    assert "/staff/logo.png?v=" in await own.page(path="/staff/settings")
    assert (await own.do("restart"))[1]["ok"] is True
    await back(own, "/staff/logo.png?v=")
    async with own.browser.get(own.kiosk.url + "/counter/logo") as answer:
        assert await answer.read() == kept.read_bytes()
    assert (await own.do("logo-drop"))[1]["ok"] is True
    assert not kept.exists()
    assert load(tmp_path / "kiosk.toml").value.screen.logo == ""
    assert (await own.do("logo-drop"))[1]["ok"] is False


async def test_a_file_that_cannot_be_changed_leaves_the_logo_as_it_was(own: Staff, tmp_path: Path) -> None:
    assert (await upload(own, png(300, 200, "red")))[1]["ok"] is True
    folder, config_ = tmp_path / "data" / "logos", tmp_path / "kiosk.toml"
    before, text = (folder / "store.png").read_bytes(), config_.read_text("utf-8")
    config_.write_text(text + "[shop\n", "utf-8")
    for told in ((await upload(own, png(300, 200, "blue")))[1], (await own.do("logo-drop"))[1]):
        assert (told["ok"], "里有错" in str(told["message"])) == (False, True), told
    assert (folder / "store.png").read_bytes() == before
    assert [p.name for p in folder.iterdir()] == ["store.png"]


async def test_a_logo_is_on_the_next_slip(staff: Staff) -> None:
    async def height() -> int:
        async with staff.browser.get(staff.kiosk.url + "/staff/slip/coupon.png") as answer:
            with Image.open(io.BytesIO(await answer.read())) as paper:
                return paper.height

    before = await height()
    assert (await upload(staff, png()))[1]["ok"] is True
    assert await height() >= before + 190
    slips = staff.kiosk.daemon.data_dir / "slips"
    assert (await staff.do("claim-slip"))[1]["ok"] is True
    with Image.open(next(slips.glob("*.png"))) as paper:
        dots = paper.convert("1").crop((0, 0, paper.width, 240)).histogram()
        assert dots[0] > 300 * 190, "the black picture is on the paper"


async def test_what_is_no_logo_is_a_sentence_and_changes_nothing(staff: Staff) -> None:
    bomb = io.BytesIO()
    Image.new("1", (9000, 9000)).save(bomb, "PNG")
    for body, status, words in (
        (b"<svg/>", 422, "不是能识别的图片"),
        (png(60, 300), 422, "图片太小"),
        (bomb.getvalue(), 422, "图片太大"),
        (b"x" * (MOST + 1), 413, "1 MB"),
    ):
        found, told = await upload(staff, body)
        assert (found, words in str(told["message"])) == (status, True), told
    assert not (staff.kiosk.daemon.data_dir / "logos").exists()


@pytest.mark.heavy
async def test_the_page_sends_what_is_chosen(new_page: Tabs, own: Staff, tmp_path: Path) -> None:
    page = await new_page(own.kiosk.url + "/staff", 360, 740, locale="zh-CN", is_mobile=True)
    await page.fill("#pin", PIN)
    await page.click("form button")
    await page.wait_for_selector("#code")
    await page.goto(own.kiosk.url + "/staff/settings")
    await page.set_input_files("#logo-file", {"name": "l.png", "mimeType": "image/png", "buffer": png()})
    await page.click("#logo button")
    await until(page, "document.querySelector('img.logo')?.naturalWidth === 300", 20)
    await page.click("summary:has-text('某几天')")
    await page.fill("#day-7", "10:00-18:00")
    await page.fill("#colour", "#0a7460")
    await page.click("form[data-post='/staff/shop'] button:has-text('保存')")
    await until(page, "document.querySelector('#told').textContent.includes('原文件已保留')", 20)
    now = load(tmp_path / "kiosk.toml").value
    assert (now.shop.by_day, now.screen.colour) == ({"7": "10:00-18:00"}, "#0a7460")
    await page.click("[data-again]")
    await until(page, "document.querySelector('main') && !document.querySelector('[data-again]')", 40)
