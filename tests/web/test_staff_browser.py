"""The console in Chromium: redeem by keyboard, the answer's shape, live parts, both sizes, languages and schemes, page weight."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Route

from tests.browser import Tabs, until
from tests.web.rig import PIN, SLIP, Rig, eventually

TABS = ("", "/coupons", "/records", "/stands", "/devices", "/settings", "/printer")
WEIGHT = 150 * 1024


async def console(
    new_page: Tabs, kiosk: Rig, language: str = "zh-CN", width: int = 360, height: int = 740
) -> Page:
    """Sign in; a phone below 600 pixels of width."""
    page = await new_page(
        kiosk.url + "/staff", width, height, locale=language, is_mobile=width < 600, has_touch=width < 600
    )
    page.on("dialog", lambda dialog: dialog.accept())
    await page.fill("#pin", PIN)
    await page.click("form button")
    await page.wait_for_selector("#code")
    await page.evaluate("document.fonts.ready.then(() => true)")
    return page


async def test_redeem_with_the_keyboard_alone(new_page: Tabs, kiosk: Rig) -> None:
    page = await console(new_page, kiosk)
    code = await kiosk.issue(SLIP)
    assert await page.evaluate("document.activeElement.id") == "code", "a scanner types at once"
    await page.keyboard.type(code)
    await page.keyboard.press("Enter")
    await until(page, "document.activeElement.id === 'total'", 10)
    await page.keyboard.type("25")
    await page.keyboard.press("Enter")
    await until(page, "document.querySelector('#answer.confirmed .title')?.textContent === '云端已确认'", 10)
    assert await page.evaluate("document.querySelector('#answer .shape circle') !== null"), (
        "a shape of its own"
    )
    assert await page.evaluate("document.activeElement.id") == "code", "ready for the next one"
    await until(
        page, "document.querySelector('[data-live=recent]').textContent.includes('回头客满20减3')", 10
    )


async def test_a_refusal_has_another_shape_and_no_undo(new_page: Tabs, kiosk: Rig) -> None:
    page = await console(new_page, kiosk)
    await page.fill("#code", "NOTACODE")
    await page.press("#code", "Enter")
    await until(page, "document.querySelector('#answer.refused')", 10)
    assert await page.evaluate("document.querySelector('#answer .shape rect') !== null")
    assert await page.evaluate("getComputedStyle(document.querySelector('#undo')).display") == "none"


async def test_after_a_lost_answer_another_code_is_another_redemption(new_page: Tabs, kiosk: Rig) -> None:
    page = await console(new_page, kiosk)
    asked: list[str] = []

    async def lose(route: Route) -> None:
        """Let the request reach the kiosk, and lose the answers to the first two."""
        asked.append((route.request.post_data_json or {})["request_no"])
        answer = await route.fetch()
        await (route.abort() if len(asked) < 3 else route.fulfill(response=answer))

    await page.route("**/staff/redeem", lose)
    for n, code in enumerate(("NOTACODE", "NOTACODE", "ANOTHERCODE"), 1):
        await page.fill("#code", code)
        await page.press("#code", "Enter")
        await eventually(lambda n=n: len(asked) == n)
        await until(page, f"document.querySelector('#answer.{'refused' if n > 2 else 'unknown'}')", 10)
        await until(page, "!document.querySelector('#go').disabled", 10)
    assert asked[0] == asked[1], "the same code is the same redemption"
    assert asked[2] != asked[1]


async def test_a_page_shows_what_happens_elsewhere(new_page: Tabs, kiosk: Rig) -> None:
    page = await console(new_page, kiosk)
    code = await kiosk.issue(SLIP)
    redeemed = await kiosk.post("/api/v1/redeem", {"code": code})
    assert redeemed[1]["verdict"] == "confirmed"
    await until(
        page, "document.querySelector('[data-live=recent]').textContent.includes('回头客满20减3')", 15
    )


async def test_the_camera_explains_itself_where_there_is_none(new_page: Tabs, kiosk: Rig) -> None:
    page = await console(new_page, kiosk)
    policy = await page.evaluate("fetch('/staff').then(a => a.headers.get('Permissions-Policy'))")
    assert "camera=(self)" in policy
    counter = await page.evaluate("fetch('/').then(a => a.headers.get('Permissions-Policy'))")
    assert "camera=()" in counter
    await page.evaluate("delete window.BarcodeDetector")
    await page.click("#camera")
    await until(page, "!document.querySelector('#no-camera').hidden", 10)
    assert "扫码枪" in await page.evaluate("document.querySelector('#no-camera').innerText")


@pytest.mark.parametrize("language", ["zh-CN", pytest.param("en", marks=pytest.mark.heavy)])
@pytest.mark.parametrize(("width", "height"), [(360, 740), pytest.param(1920, 1080, marks=pytest.mark.heavy)])
async def test_every_page_fits_is_light_and_has_labels(
    new_page: Tabs, kiosk: Rig, language: str, width: int, height: int
) -> None:
    page = await console(new_page, kiosk, language, width, height)
    network = await page.context.new_cdp_session(page)
    for tab in TABS:
        await network.send("Network.clearBrowserCache")
        await page.goto(f"{kiosk.url}/staff{tab}")
        await page.evaluate("document.fonts.ready.then(() => true)")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, tab
        if tab == "/stands":  # with all its pictures
            await until(
                page, "[...document.querySelectorAll('img')].every(i => i.complete && i.naturalWidth > 0)", 60
            )
        weight = await page.evaluate(
            "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
            ".reduce((sum, e) => sum + e.encodedBodySize, 0)"
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


async def test_a_stand_is_chosen_from_pictures_and_made(new_page: Tabs, kiosk: Rig) -> None:
    page = await console(new_page, kiosk)
    await page.goto(kiosk.url + "/staff/stands")
    await until(page, "document.querySelector('[data-template=stand-a6]').naturalWidth > 60", 60)
    await page.click("#poster button")
    await until(page, "document.querySelector('#poster-result img')?.naturalWidth > 100", 60)
    assert "已回读核对" in await page.evaluate("document.querySelector('#poster-result').innerText")
    kept = kiosk.daemon.data_dir / "previews"
    await eventually(lambda: len(list(kept.glob("stand-a6-warm-*.png"))) == 1)
