"""What happens to people at a counter: the kiosk restarts, answers get lost, two tabs, a double click, the back button, a session that ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, Route

from tests.browser import Tabs, until
from tests.web.rig import CAPPED, PIN, SLIP, Rig, eventually, rig
from tests.web.test_staff_browser import console
from tests.web.test_staff_people import CLERK_PIN, hire

HUB = "document.querySelector('#hub').textContent"


async def redeem(page: Page, code: str, total: str = "25") -> None:
    await page.fill("#code", code)
    await page.press("#code", "Enter")
    await until(page, "!document.querySelector('#ask-total').hidden", 20)
    await page.fill("#total", total)
    await page.press("#total", "Enter")


async def test_the_stream_comes_back_after_a_restart_and_so_does_the_page(
    new_page: Tabs, tmp_path: Path
) -> None:
    async with rig(tmp_path) as kiosk:
        page = await console(new_page, kiosk)
        await page.evaluate("window.kept = true")
        await page.fill("#code", "HALF A CODE")
        listen = kiosk.url.removeprefix("http://")
    await until(page, f"{HUB}.includes('没有应答')", 30)
    async with rig(tmp_path, hub=False, listen=listen) as kiosk:
        await until(page, f"{HUB}.includes('未设置云端')", 30)
        assert await page.evaluate("window.kept"), "without being loaded anew"
        assert await page.input_value("#code") == "HALF A CODE", "what was typed is there"
        _, told = await kiosk.post("/api/v1/redeem", {"code": "NOTACODE"})
        assert told["verdict"] == "refused"
        await until(page, "document.querySelector('[data-live=recent] li .mark.refused')", 20)
        await page.close()


async def test_an_answer_that_is_lost_is_asked_for_again_and_redeems_once(new_page: Tabs, kiosk: Rig) -> None:
    page = await console(new_page, kiosk)
    code = await kiosk.issue(SLIP)
    lost: list[str] = []

    async def lose_the_first(route: Route) -> None:
        if lost:
            return await route.continue_()
        lost.append(route.request.post_data or "")
        await route.fetch()  # the kiosk has redeemed; the page does not hear of it
        return await route.abort()

    await page.route("**/staff/redeem", lose_the_first)
    await redeem(page, code)
    await until(page, "document.querySelector('#answer.unknown')", 20)
    assert "不会核销两次" in await page.inner_text("#answer")
    await page.click("#go")
    await until(page, "document.querySelector('#answer.confirmed')", 20)
    assert [a.state for a in await kiosk.daemon.journal.recent()] == ["recorded"]
    await page.unroute_all(behavior="wait")


async def test_a_double_click_hands_out_one_slip(new_page: Tabs, kiosk: Rig) -> None:
    page = await console(new_page, kiosk)
    await page.goto(kiosk.url + "/staff/coupons")
    await page.dblclick("[data-post='/staff/hand-out'] button")
    await until(page, "document.querySelector('#told').textContent.includes('已打印 1 张')", 20)
    await page.wait_for_selector("[data-post='/staff/hand-out'] button:enabled")
    assert [j.kind for j in await kiosk.daemon.journal.jobs()] == ["coupon"]


@pytest.mark.heavy
async def test_two_tabs_show_the_same_and_undo_once(new_page: Tabs, kiosk: Rig) -> None:
    one = await console(new_page, kiosk)
    two = await one.context.new_page()
    two.on("dialog", lambda dialog: dialog.accept())
    await two.goto(kiosk.url + "/staff")
    await redeem(one, await kiosk.issue(SLIP))
    undo = "[data-live=recent] [data-post='/staff/rollback']"
    await two.wait_for_selector(undo)
    await two.click(undo)
    await one.wait_for_selector(undo, state="detached")
    assert "已撤销" in await one.inner_text("[data-live=recent]")
    assert [a.state for a in await kiosk.daemon.journal.recent()] == ["rolled_back"]


async def test_the_back_button_repeats_nothing_and_shows_nothing_after_signing_out(
    new_page: Tabs, kiosk: Rig
) -> None:
    page = await console(new_page, kiosk)
    await redeem(page, await kiosk.issue(SLIP))
    await until(page, "document.querySelector('#answer.confirmed')", 20)
    await page.click("nav a[href='/staff/coupons']")
    await page.wait_for_selector("[data-live=batches]")
    await page.go_back()
    await until(
        page, "document.querySelector('[data-live=recent]').textContent.includes('回头客满20减3')", 20
    )
    assert len(await kiosk.daemon.journal.recent()) == 1
    await page.click(".out button")
    await page.wait_for_selector("#pin")
    await page.go_back()
    await page.wait_for_selector("#pin")
    assert "回头客" not in await page.content()


@pytest.mark.heavy
async def test_a_session_that_ends_asks_for_the_pin_and_does_nothing(new_page: Tabs, kiosk: Rig) -> None:
    await hire(kiosk)
    page = await new_page(kiosk.url + "/staff", 360, 740, locale="zh-CN")
    await page.fill("#pin", CLERK_PIN)
    await page.click("form button")
    await page.wait_for_selector("#code")
    await page.goto(kiosk.url + "/staff/coupons")
    await kiosk.daemon.journal.drop_person("P1")
    await page.click("[data-post='/staff/hand-out'] button")
    await page.wait_for_selector("#pin")
    assert await kiosk.daemon.journal.jobs() == []


@pytest.mark.heavy
async def test_with_the_hub_away_everything_goes_on_and_the_page_says_so(new_page: Tabs, kiosk: Rig) -> None:
    page = await console(new_page, kiosk)
    code = await kiosk.issue(CAPPED)
    await kiosk.view(lambda v: next(b for b in v["batches"] if b["stock_id"] == CAPPED)["claimed"] == 1)
    assert kiosk.hub is not None
    await kiosk.hub.stop()
    await until(page, f"{HUB}.includes('云端未连接')", 30)
    await redeem(page, code)
    await until(page, "document.querySelector('#answer.offline')", 20)
    for path in ("coupons", "records", "stands", "devices", "settings"):
        await page.goto(f"{kiosk.url}/staff/{path}")
        assert "云端未连接" in await page.inner_text("#hub"), path
    await page.goto(kiosk.url + "/staff/coupons")
    await page.click("[data-post='/staff/hand-out'] button")
    await until(page, "document.querySelector('#told').textContent.includes('已打印 1 张')", 20)


@pytest.mark.heavy
async def test_guessing_pins_is_shut_out_kept_and_shown(new_page: Tabs, tmp_path: Path) -> None:
    async with rig(tmp_path, hub=False) as kiosk:
        page = await new_page(kiosk.url + "/staff", 360, 740, locale="zh-CN")
        for guess in range(6):
            await page.fill("#pin", f"{guess:04}")
            await page.click("form button")
            await page.wait_for_selector(".notice.bad")
        assert "几分钟" in await page.inner_text(".notice.bad")
        await page.fill("#pin", PIN)
        await page.click("form button")
        await page.wait_for_selector(".notice.bad")
        assert await page.query_selector("#code") is None, "the right PIN neither"
        listen = kiosk.url.removeprefix("http://")
        await page.close()
    async with rig(tmp_path, hub=False, listen=listen) as kiosk:
        async with kiosk.http.post(kiosk.url + "/staff/sign-in", data={"pin": PIN}) as answer:
            assert answer.status == 429, "a restart does not help"
        await kiosk.daemon.journal.put("pin_failures", "{}")  # five minutes later
        page = await console(new_page, kiosk)
        await page.goto(kiosk.url + "/staff/settings")
        assert "127.0.0.1" in await page.inner_text(".notice.bad")
        await page.close()


@pytest.mark.heavy
async def test_the_journal_is_not_asked_twice_by_a_page_that_waits(new_page: Tabs, kiosk: Rig) -> None:
    """Events that come in a bunch are one look at the page's parts."""
    page = await console(new_page, kiosk)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/staff") else None)
    for _ in range(6):
        await kiosk.post("/api/v1/redeem", {"code": "NOTACODE"})
    await eventually(lambda: asked)
    await until(page, "document.querySelectorAll('[data-live=recent] li .mark.refused').length >= 6", 20)
    assert len(asked) <= 6
