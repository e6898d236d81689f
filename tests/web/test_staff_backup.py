"""A backup taken and put back with the mouse alone: in Chromium, at kiosks that run as programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.browser import Tabs, until
from tests.daemon.program import Program, config
from tests.web.test_staff_restart import PIN, free_port

PASSPHRASE = "correct horse"


async def settings_of(new_page: Tabs, listen: str) -> Page:
    page = await new_page(f"http://{listen}/staff", 1280, 800, locale="zh-CN", accept_downloads=True)
    page.on("dialog", lambda dialog: dialog.accept())
    await page.fill("#pin", PIN)
    await page.click("form button")
    await page.wait_for_selector("#code")
    await page.goto(f"http://{listen}/staff/settings")
    return page


@pytest.mark.heavy
async def test_a_kiosk_goes_on_on_another_card(new_page: Tabs, tmp_path: Path) -> None:
    listen, file = f"127.0.0.1:{free_port()}", tmp_path / "kiosk.backup"
    (tmp_path / "old").mkdir()
    async with Program(config(tmp_path / "old", listen=listen)) as kiosk:
        device = (await kiosk.ready()).says["device"]
        page = await settings_of(new_page, listen)
        await page.fill("#new-name", "小李")
        await page.fill("#new-pin", "24680")
        await page.click("form[data-post='/staff/person'][data-clear] button")
        await until(page, "document.querySelector('[data-live=people]').textContent.includes('小李')", 20)
        await page.fill("#passphrase", PASSPHRASE)
        async with page.expect_download() as download:
            await page.click("#backup button")
        await (await download.value).save_as(file)
        await page.close()
    listen = f"127.0.0.1:{free_port()}"
    (tmp_path / "new").mkdir()
    async with Program(config(tmp_path / "new", listen=listen)) as kiosk:
        assert (await kiosk.ready()).says["device"] != device
        page = await settings_of(new_page, listen)
        await page.click("summary:has-text('恢复备份')")
        await page.set_input_files("#file", file)
        await page.fill("#old-passphrase", "another horse")
        await page.click("#restore button")
        await until(page, "document.querySelector('#told').textContent.includes('口令不对')", 20)
        await page.fill("#old-passphrase", PASSPHRASE)
        await page.click("#restore button")
        await page.click("[data-again]")
        await page.wait_for_selector("#pin", timeout=40_000)  # every session of this card has ended
        await page.fill("#pin", PIN)
        await page.click("form button")
        await page.wait_for_selector("#code")
        await page.goto(f"http://{listen}/staff/settings")
        await until(page, f"document.body.textContent.includes({device[:16]!r})", 20)
        assert "小李" in await page.inner_text("[data-live=people]")
        await page.close()
