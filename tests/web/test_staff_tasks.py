"""The ten tasks of a clerk in Chromium, as docs/staff.md tells them; KIOSK_PICTURES names where its pictures go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page

from kiosk.printing.printers.port import Outcome
from tests.browser import Tabs, until
from tests.web.rig import CAPPED, PIN, SLIP, Rig

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


SIZES = {"phone": (360, 740), "till": (1920, 1080)}
SHOWN = {("zh-CN", "phone"): "", ("en", "till"): "-en"}
"""Which runs the manual shows, and how its pictures are called there."""
WORDS = {
    "zh-CN": {"undone": "已撤销", "out": "已打印 1 张", "printed": "已打印", "noted": "已打印", "doubt": "请查看是否已打印"},
    "en": {"undone": "Undone", "out": "Printed: 1 of 1", "printed": "Printed", "noted": "Printed", "doubt": "Look whether"},
}  # fmt: skip


class Clerk:
    """One who does the ten tasks, and takes pictures of them."""

    by_keyboard = False

    def __init__(self, page: Page, kiosk: Rig, language: str, folder: Path, hub: bool, suffix: str) -> None:
        self.page, self.kiosk, self.words, self.folder = page, kiosk, WORDS[language], folder
        self.hub, self.suffix = hub, suffix

    async def tap(self, selector: str) -> None:
        """Click on something; whoever has no mouse goes there with the tab key and presses Enter."""
        if not self.by_keyboard:
            return await self.page.click(selector)
        await self.page.wait_for_selector(f"{selector}:enabled")
        await self.reach(selector)
        return await self.page.keyboard.press("Enter")

    async def reach(self, selector: str) -> None:
        """Go somewhere with the tab key alone."""
        for _ in range(150):
            if await self.page.evaluate("s => document.activeElement.matches(s)", selector):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"the tab key does not lead to {selector}")

    async def redeem(self, code: str, total: str) -> None:
        if not self.by_keyboard:
            return await redeem(self.page, code, total)
        for selector, text in (("#code", code), ("#total", total)):
            await self.page.wait_for_selector(selector)
            await self.reach(selector)
            await self.page.keyboard.insert_text(text)
            await self.page.keyboard.press("Enter")
        return None

    async def picture(self, name: str) -> None:
        if self.hub or name == "offline":
            await picture(self.page, f"{name}{self.suffix}", self.folder)

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.kiosk.url}/staff/{path}")

    async def press(self, path: str, selector: str, words: str, name: str = "") -> None:
        await self.open(path)
        await self.tap(selector)
        await told(self.page, self.words[words])
        if name:
            await self.picture(name)

    async def redeem_and_look(self, code: str) -> None:
        """Redeem a coupon (2), see that one was used already (3), undo (4)."""
        page = self.page
        sure = "confirmed" if self.hub else "offline"
        await self.redeem(code, "25")
        await until(page, f"document.querySelector('#answer.{sure}')", 20)
        await self.picture("confirmed" if self.hub else "offline")
        await self.redeem(code, "25")
        await until(page, "document.querySelector('#answer.refused')", 20)
        await self.picture("refused")
        await self.tap("[data-live=recent] [data-post='/staff/rollback']")
        await told(page, self.words["undone"])
        await self.picture("undone")

    async def slips(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Hand a slip out (5); settle one of which nobody knows, print it again (6)."""
        hand_out = "[data-post='/staff/hand-out'] button"
        await self.press("coupons", hand_out, "out", "coupons")
        (printer,) = self.kiosk.daemon.spooler.printers

        async def falls_silent(*_: Any, **__: Any) -> Outcome:
            return Outcome("unknown", "no_answer", "it took the job and fell silent")

        with monkeypatch.context() as patched:
            patched.setattr(printer, "send", falls_silent)
            await self.tap(hand_out)
            await self.page.wait_for_selector("[data-live=jobs] [data-post='/staff/settle']")
        await self.open("records")
        await self.picture("doubt")
        await self.tap("#decide [data-post='/staff/settle']")
        await told(self.page, self.words["noted"])
        await self.press("coupons", "[data-post='/staff/reprint']", "printed")

    async def rest(self, code: str) -> None:
        """Close the day (7), test the printer (8), look a coupon up (9), make a stand (10)."""
        page = self.page
        await self.press("records", "[data-post='/staff/day-slip']", "printed", "records")
        await self.open("devices")
        await self.tap("[data-post='/staff/test-printer']")
        await told(page, "paper: ")
        await self.picture("devices")
        await self.open(f"records?code={quote(code, safe='')}#search")
        await until(page, "document.querySelectorAll('[data-live=rows] li').length >= 3", 10)
        await page.evaluate("document.querySelector('#search').scrollIntoView()")
        await self.picture("search")
        await self.open("stands")
        await until(page, "document.querySelector('[data-template=poster-a4]').naturalWidth > 60", 120)
        await self.picture("stands")
        await self.tap("#poster button.wide")
        await until(page, "document.querySelector('#poster-result img')?.naturalWidth > 100", 90)


@pytest.mark.heavy
@pytest.mark.parametrize("hub", [True, False], ids=["hub", "alone"])
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("language", list(WORDS))
async def test_the_ten_tasks(
    new_page: Tabs,
    kiosk: Rig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    size: str,
    hub: bool,
) -> None:
    shown = SHOWN.get((language, size))
    folder = Path(PICTURES) if PICTURES and shown is not None else tmp_path
    page = await new_page(kiosk.url + "/staff", *SIZES[size], locale=language, is_mobile=size == "phone")
    page.on("dialog", lambda dialog: dialog.accept())
    clerk = Clerk(page, kiosk, language, folder, hub, f"-{language}-{size}" if shown is None else shown)
    await clerk.picture("sign-in")
    await page.fill("#pin", PIN)  # 1: sign in
    await page.press("#pin", "Enter")
    await page.wait_for_selector("#code")
    code = await kiosk.issue(SLIP if hub else CAPPED)
    if not hub:
        assert kiosk.hub is not None
        await kiosk.view(lambda v: next(b for b in v["batches"] if b["stock_id"] == CAPPED)["claimed"] == 1)
        await kiosk.hub.stop()
        await kiosk.view(lambda v: v["status"]["hub"] == "offline")
    await clerk.redeem_and_look(code)
    await clerk.slips(monkeypatch)
    await clerk.rest(code)
    jobs = await kiosk.daemon.journal.jobs()
    assert sorted(j.kind for j in jobs if j.state == "printed") == ["coupon", "coupon", "coupon", "day"]
    assert [a.state for a in await kiosk.daemon.journal.recent()] == ["rolled_back"]
    assert [a.what for a in await kiosk.daemon.journal.acts("settle")] == ["settle"]
    assert PIN not in await page.evaluate("document.documentElement.outerHTML")
    assert list(folder.glob("staff-*.png")), "pictures of what was done are kept"


@pytest.mark.heavy
async def test_the_ten_tasks_without_a_mouse(
    new_page: Tabs, kiosk: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await new_page(kiosk.url + "/staff", *SIZES["till"], locale="zh-CN")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.keyboard.type(PIN)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#code")
    clerk = Clerk(page, kiosk, "zh-CN", tmp_path, True, "")
    clerk.by_keyboard = True
    code = await kiosk.issue(SLIP)
    await clerk.redeem_and_look(code)
    await clerk.slips(monkeypatch)
    await clerk.rest(code)
    assert [a.state for a in await kiosk.daemon.journal.recent()] == ["rolled_back"]
