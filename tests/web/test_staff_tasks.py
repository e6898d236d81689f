"""The ten tasks of a clerk in Chromium, as docs/staff.md tells them; KIOSK_PICTURES names where its pictures go."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Page

from tests.browser import Tabs, until
from tests.web.rig import PIN, SLIP, Rig
from tests.web.test_staff_browser import console

PICTURES = os.environ.get("KIOSK_PICTURES", "")


async def told(page: Page, words: str) -> None:
    await until(page, f"document.querySelector('#told').textContent.includes({words!r})", 20)


SETTLED = """document.fonts.status === 'loaded' && [...document.images].every(
  i => i.getBoundingClientRect().top > innerHeight || (i.complete && i.naturalWidth > 0))"""
"""The font and the pictures in sight are there."""


PAINTED = (
    "document.fonts.ready.then(() => new Promise(done => setTimeout(() => requestAnimationFrame(done), 100)))"
)
"""A face that has just come is painted in the next frame."""


async def picture(page: Page, name: str, folder: Path) -> None:
    await until(page, SETTLED, 30)
    await page.evaluate(PAINTED)
    await page.evaluate("document.activeElement?.blur()")
    await page.screenshot(path=folder / f"staff-{name}.png")


async def redeem(page: Page, code: str, total: str) -> None:
    await page.fill("#code", code)
    await page.press("#code", "Enter")
    await page.fill("#total", total)
    await page.press("#total", "Enter")


@pytest.mark.heavy
@pytest.mark.parametrize(("language", "width", "height"), [("zh-CN", 360, 740), ("en", 1920, 1080)])
async def test_the_ten_tasks(
    new_page: Tabs, kiosk: Rig, tmp_path: Path, language: str, width: int, height: int
) -> None:
    folder = Path(PICTURES or tmp_path)
    chinese = language == "zh-CN"
    suffix = "" if chinese else "-en"
    page = await console(new_page, kiosk, language, width, height)  # 1: sign in
    code = await kiosk.issue(SLIP)
    await redeem(page, code, "25")  # 2: redeem
    await until(page, "document.querySelector('#answer.confirmed')", 10)
    await picture(page, f"confirmed{suffix}", folder)
    await redeem(page, code, "25")  # 3: a coupon that was used already
    await until(page, "document.querySelector('#answer.refused')", 10)
    await picture(page, f"refused{suffix}", folder)
    await page.click("[data-live=recent] [data-post='/staff/rollback']")  # 4: undo
    await told(page, "已撤销" if chinese else "Undone")
    for path, selector, words, name in (
        (
            "coupons",
            "[data-post='/staff/hand-out'] button",
            "已打印 1 张" if chinese else "Printed: 1 of 1",
            "coupons",
        ),  # 5
        ("coupons", "[data-post='/staff/reprint']", "已打印" if chinese else "Printed", ""),  # 6
        ("records", "[data-post='/staff/day-slip']", "已打印" if chinese else "Printed", "records"),  # 7
        ("devices", "[data-post='/staff/test-printer']", "paper: ", "devices"),  # 8
    ):
        await page.goto(f"{kiosk.url}/staff/{path}")
        await page.click(selector)
        await told(page, words)
        if name:
            await picture(page, f"{name}{suffix}", folder)
    where = f"{kiosk.url}/staff/records?code={quote(code, safe='')}"  # 9: look a coupon up
    await page.goto(where)
    await until(page, "document.querySelectorAll('[data-live=rows] li').length >= 3", 10)
    await page.goto(f"{kiosk.url}/staff/stands")  # 10: a stand
    await until(page, "document.querySelector('[data-template=poster-a4]').naturalWidth > 60", 120)
    await picture(page, f"stands{suffix}", folder)
    await page.click("#poster button")
    await until(page, "document.querySelector('#poster-result img')?.naturalWidth > 100", 90)
    jobs = await kiosk.daemon.journal.jobs()
    assert sorted(j.kind for j in jobs if j.state == "printed") == ["coupon", "coupon", "day"]
    assert [a.state for a in await kiosk.daemon.journal.recent()] == ["rolled_back"]
    assert PIN not in await page.evaluate("document.documentElement.outerHTML")
