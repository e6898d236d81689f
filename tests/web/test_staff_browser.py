"""The console in Chromium: redeem by keyboard, the answer's shape, live parts, both sizes, languages and schemes, page weight."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from simulators.demo.chromium import Browser, Page
from tests.web.rig import PIN, SLIP, Rig, eventually

TABS = ("", "/coupons", "/records", "/stands", "/devices", "/settings")
WEIGHT = 150 * 1024


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with Browser(chromium) as held:
        yield held


async def console(
    browser: Browser, kiosk: Rig, language: str = "zh-CN", width: int = 360, height: int = 740
) -> Page:
    page = await browser.page()
    await page.call("Network.enable")
    await page.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
    await page.open(kiosk.url + "/staff", width, height, mobile=width < 600)
    await page.evaluate(f"document.querySelector('#pin').value = '{PIN}'")
    await page.follow("form button")
    return page


async def press(page: Page, key: str, text: str = "") -> None:
    for kind in ("keyDown", "keyUp"):
        more = {"text": text} if text and kind == "keyDown" else {}
        await page.call(
            "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=13, **more
        )


async def test_redeem_with_the_keyboard_alone(browser: Browser, kiosk: Rig) -> None:
    page = await console(browser, kiosk)
    code = await kiosk.issue(SLIP)
    assert await page.evaluate("document.activeElement.id") == "code", "a scanner types at once"
    await page.call("Input.insertText", text=code)
    await press(page, "Enter", "\r")
    await page.until("document.activeElement.id === 'total'", 10)
    await page.call("Input.insertText", text="25")
    await press(page, "Enter", "\r")
    await page.until("document.querySelector('#answer.confirmed .title')?.textContent === '云端已确认'", 10)
    assert await page.evaluate("document.querySelector('#answer .shape circle') !== null"), (
        "a shape of its own"
    )
    assert await page.evaluate("document.activeElement.id") == "code", "ready for the next one"
    await page.until("document.querySelector('[data-live=recent]').textContent.includes('回头客满20减3')", 10)


async def test_a_refusal_has_another_shape_and_no_undo(browser: Browser, kiosk: Rig) -> None:
    page = await console(browser, kiosk)
    await page.evaluate(
        "document.querySelector('#code').value = 'NOTACODE'; document.querySelector('#redeem').requestSubmit()"
    )
    await page.until("document.querySelector('#answer.refused')", 10)
    assert await page.evaluate("document.querySelector('#answer .shape rect') !== null")
    assert await page.evaluate("getComputedStyle(document.querySelector('#undo')).display") == "none"


async def test_a_page_shows_what_happens_elsewhere(browser: Browser, kiosk: Rig) -> None:
    page = await console(browser, kiosk)
    code = await kiosk.issue(SLIP)
    redeemed = await kiosk.post("/api/v1/redeem", {"code": code})
    assert redeemed[1]["verdict"] == "confirmed"
    await page.until("document.querySelector('[data-live=recent]').textContent.includes('回头客满20减3')", 15)


async def test_the_camera_explains_itself_where_there_is_none(browser: Browser, kiosk: Rig) -> None:
    page = await console(browser, kiosk)
    policy = await page.evaluate("fetch('/staff').then(a => a.headers.get('Permissions-Policy'))")
    assert "camera=(self)" in policy
    counter = await page.evaluate("fetch('/').then(a => a.headers.get('Permissions-Policy'))")
    assert "camera=()" in counter
    await page.evaluate("delete window.BarcodeDetector; document.querySelector('#camera').click()")
    await page.until("!document.querySelector('#no-camera').hidden", 10)
    assert "扫码枪" in await page.evaluate("document.querySelector('#no-camera').innerText")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1920, 1080)])
async def test_every_page_fits_is_light_and_has_labels(
    browser: Browser, kiosk: Rig, language: str, width: int, height: int
) -> None:
    page = await console(browser, kiosk, language, width, height)
    for tab in TABS:
        await page.call("Network.clearBrowserCache")
        await page.open(f"{kiosk.url}/staff{tab}", width, height, mobile=width < 600)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, tab
        weight = await page.evaluate(
            "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
            ".filter(e => !e.name.includes('/staff/preview/')).reduce((sum, e) => sum + e.encodedBodySize, 0)"
        )
        assert 0 < weight <= WEIGHT, (tab, weight)
        nameless = await page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')].filter(e => !e.labels?.length"
            " && !e.ariaLabel).map(e => e.outerHTML)"
        )
        assert nameless == [], tab
        assert (
            await page.evaluate(
                "[...document.querySelectorAll('button, a')].filter(e => !e.textContent.trim() && !e.ariaLabel).length"
            )
            == 0
        )
        assert await page.evaluate("document.querySelectorAll('h1').length") == 1
        assert await page.evaluate("document.querySelector('nav [aria-current=page]') !== null")


async def test_a_stand_is_chosen_from_pictures_and_made(browser: Browser, kiosk: Rig) -> None:
    page = await console(browser, kiosk)
    await page.open(kiosk.url + "/staff/stands", 360, 740, mobile=True)
    await page.until("document.querySelector('[data-template=stand-a6]').naturalWidth > 60", 60)
    await page.evaluate("document.querySelector('#poster').requestSubmit()")
    await page.until("document.querySelector('#poster-result img')?.naturalWidth > 100", 60)
    assert "已回读核对" in await page.evaluate("document.querySelector('#poster-result').innerText")
    kept = kiosk.daemon.data_dir / "previews"
    await eventually(lambda: len(list(kept.glob("stand-a6-warm-*.png"))) == 1)
