"""The counter page in Chromium: what is on the glass, and that the page notices when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from kiosk.events import Outcome
from simulators.demo import eyes
from tests.browser import Tabs, fonts, until
from tests.web.rig import Rig, eventually, rig
from ui.fonts import missing

SHOWN = ("#merchant", "#store", "#scan", ".ticket .offer", ".ticket .when")


async def counter(new_page: Tabs, kiosk: Rig, width: int = 1280, height: int = 720) -> Page:
    page = await new_page(kiosk.url + "/", width, height)
    await until(page, "document.body.dataset.seq !== '0' && document.querySelector('.ticket, .none')", 20)
    return page


async def _looks_right(page: Page, kiosk: Rig, name: str) -> None:
    png = await page.screenshot()
    assert eyes.codes(png).get("qr") == (await kiosk.get("/api/v1/counter"))[1]["link"], name
    cut = await page.evaluate(
        "[...document.querySelectorAll('main p, main h1')].filter(e => e.offsetParent && (e.scrollWidth > e.clientWidth + 1"
        " || e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().bottom > innerHeight + 1)).map(e => e.textContent)"
    )
    assert cut == [], f"{name}: cut off"


async def test_code_and_real_glyphs_are_on_the_glass_and_the_page_proves_it(
    new_page: Tabs, kiosk: Rig
) -> None:
    page = await counter(new_page, kiosk)
    await _looks_right(page, kiosk, "1280x720")
    for selector in SHOWN:
        drawn = await fonts(page, selector)
        assert drawn, selector
        assert all(f["isCustomFont"] for f in drawn), (selector, drawn)
        assert not missing(await page.evaluate(f"document.querySelector('{selector}').textContent"))
    outside = await page.evaluate(
        "performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin) && !n.startsWith('data:'))"
    )
    assert outside == [], "nothing comes from anywhere else"
    await _proves(kiosk)


async def _proves(kiosk: Rig) -> None:
    """Wait until the page has reported and the daemon found it right."""
    await eventually(lambda: kiosk.daemon.glass is not None and kiosk.daemon.glass.state() == "ok", 30)


@pytest.mark.parametrize(
    "kind", ["confirmed", "accepted", "refused", "retry", "help", "printed", "info", "busy"]
)
async def test_every_outcome_has_a_shape_and_words(new_page: Tabs, alone: Rig, kind: str) -> None:
    page = await counter(new_page, alone, 800, 480)
    alone.daemon.bus.publish(Outcome(kind=kind, title="请稍候", detail="满20减3", hint="满20元可用，请核对"))  # type: ignore[arg-type]
    await until(page, "!document.querySelector('#outcome').hidden", 10)
    assert await page.evaluate(
        "document.querySelector('#outcome-shape svg path, #outcome-shape svg circle') !== null"
    )
    assert await page.evaluate(
        "document.querySelector('#outcome').innerText.replace(/\\s+/g, ' ').trim()"
    ) == ("请稍候 满20减3 满20元可用，请核对")
    drawn = await fonts(page, "#outcome-hint")
    assert all(f["isCustomFont"] for f in drawn), drawn


async def test_new_names_get_their_glyphs_before_they_are_shown(new_page: Tabs, kiosk: Rig) -> None:
    page = await counter(new_page, kiosk)
    kiosk.daemon.bus.publish(Outcome(kind="info", title="魑魅魍魉饕餮", until_s=30))
    await until(page, "document.querySelector('#outcome-title').textContent === '魑魅魍魉饕餮'", 10)
    drawn = await fonts(page, "#outcome-title")
    assert [f["isCustomFont"] for f in drawn] == [True]


async def test_the_page_comes_back_by_itself_after_the_daemon(new_page: Tabs, tmp_path: Path) -> None:
    async with rig(tmp_path, hub=False) as kiosk:
        page = await counter(new_page, kiosk)
        listen = kiosk.url.removeprefix("http://")
        await kiosk.daemon.stop()
        await until(page, "document.querySelector('#state').textContent !== ''", 20)
    async with rig(tmp_path, hub=False, listen=listen) as kiosk:
        await until(page, "document.querySelector('#state').textContent === ''", 20)
        kiosk.daemon.bus.publish(Outcome(kind="info", title="请稍候", until_s=30))
        await until(page, "document.querySelector('#outcome-title').textContent === '请稍候'", 20)


async def test_the_bench_presses_scans_and_shows_paper(new_page: Tabs, kiosk: Rig) -> None:
    page = await new_page(kiosk.url + "/simulator", 1400, 900)
    await page.click("#press")
    await until(page, "document.querySelector('#slips img')?.naturalWidth === 384", 30)
    await page.fill("#code", "134567890123456789")
    await page.click("#scan button")
    await until(page, "document.querySelector('#said').textContent !== ''", 10)
    await eventually(lambda: kiosk.daemon.bench.lights["colour"] == "red")
    await until(page, "document.querySelector('#light').classList.contains('red')", 10)


@pytest.mark.heavy
async def test_a_page_left_open_does_not_grow(new_page: Tabs, alone: Rig) -> None:
    page = await counter(new_page, alone)
    inside = await page.context.new_cdp_session(page)

    async def updates(first: int, count: int) -> int:
        for n in range(first, first + count):
            alone.daemon.bus.publish(Outcome(kind="info", title=f"请稍候 {n}", until_s=30))
            await until(page, f"document.querySelector('#outcome-title').textContent === '请稍候 {n}'", 10)
        await inside.send("HeapProfiler.collectGarbage")
        used: int = (await inside.send("Runtime.getHeapUsage"))["usedSize"]
        return used

    await updates(0, 200)
    nodes = await page.evaluate("document.querySelectorAll('*').length")
    before = await updates(200, 100)
    after = await updates(300, 1700)
    assert await page.evaluate("document.querySelectorAll('*').length") == nodes
    assert after - before < 1_000_000, (before, after)
