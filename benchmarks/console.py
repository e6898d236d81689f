"""The console: what its pages weigh, when they paint, how fast a verdict is there, how many of them a kiosk serves.

The kiosk is whole (journal, hub over loopback, simulated devices), the browser is Chromium over loopback. Bars (issue: staff console): a
page with everything that it loads at most 150 KB; first paint at most 300 ms. The rate and the 99th percentile of pages and of redeeming
are shown beside a page of aiohttp that renders nothing, asked by the same client in turns.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import web

from benchmarks.figures import p99, shown
from simulators.demo.chromium import find
from tests.browser import Tabs, own_chromium, until
from tests.web.rig import PIN, SLIP, Rig, rig

TABS = ("", "/coupons", "/records", "/stands", "/devices", "/settings", "/printer")
ROUNDS = 200
PAINTS = 15
CLICKS = 25
AT_ONCE = 8
WEIGHT = """[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')].reduce((sum, e) => sum + e.encodedBodySize, 0)"""
PAINT = """new Promise(done => { const seen = () => performance.getEntriesByName('first-contentful-paint')[0];
  const look = () => seen() ? done(seen().startTime) : setTimeout(look, 10); look(); })"""
CLICK = """() => { window.verdict = new Promise(done => { const box = document.querySelector('#answer');
  new MutationObserver((_, watch) => { if (!box.hidden && /confirmed|offline|refused|unknown/.test(box.className)) { watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - window.begun))); } }).observe(box, {attributes: true}); });
  document.querySelector('#answer').className = 'answer'; document.querySelector('#answer').hidden = true;
  window.begun = performance.now(); document.querySelector('#go').click(); }"""


async def _in_browser(kiosk: Rig, new_page: Tabs) -> None:
    for name, size in (("phone", (360, 740)), ("till", (1920, 1080))):
        page = await new_page(kiosk.url + "/staff", *size, locale="zh-CN")
        await page.fill("#pin", PIN)
        await page.click("form button")
        await page.wait_for_selector("#code")
        session = await page.context.new_cdp_session(page)
        for tab in TABS:
            await session.send("Network.clearBrowserCache")
            await page.goto(f"{kiosk.url}/staff{tab}")
            await page.evaluate("document.fonts.ready.then(() => true)")
            if tab == "/stands":  # with all its pictures
                await until(
                    page,
                    "[...document.querySelectorAll('img')].every(i => i.complete && i.naturalWidth > 0)",
                    60,
                )
            weight = await page.evaluate(WEIGHT) / 1000
            paints = []
            for _ in range(PAINTS):
                await page.goto(f"{kiosk.url}/staff{tab}")
                paints.append(await page.evaluate(PAINT))
            print(
                shown(f"first paint, {name}, /staff{tab}", paints, "ms", bar="300 ms")
                + f"  {weight:.0f} KB (bar 150)"
            )
        if name == "phone":
            await _clicks(kiosk, page)
        await page.close()


async def _clicks(kiosk: Rig, page: object) -> None:
    """Type a code and a total; from the click on "redeem" to the painted verdict."""
    from playwright.async_api import Page

    assert isinstance(page, Page)
    await page.goto(kiosk.url + "/staff")
    took = []
    for _ in range(CLICKS):
        await page.fill("#code", await kiosk.issue(SLIP))
        await page.press("#code", "Enter")
        await until(page, "!document.querySelector('#ask-total').hidden", 20)
        await page.fill("#total", "25")
        await page.evaluate(CLICK)
        took.append(await page.evaluate("window.verdict"))
    print(shown("click on redeem -> verdict painted", took, "ms"))


async def _bare() -> tuple[web.AppRunner, str]:
    """Serve a page of the same size that nobody has to render."""
    page = web.Response

    async def plain(_: web.Request) -> web.Response:
        return page(text="x" * 12_000, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", plain)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


async def _many(work: Callable[[int], Awaitable[None]], rounds: int) -> tuple[list[float], float]:
    """Do something many times, some at once; return milliseconds of each and how many a second."""
    took: list[float] = []
    numbers = iter(range(rounds))

    async def one() -> None:
        for n in numbers:
            begun = time.perf_counter()
            await work(n)
            took.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return took, rounds / (time.perf_counter() - begun)


async def _over_http(kiosk: Rig) -> None:
    runner, bare = await _bare()
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with session.post(kiosk.url + "/staff/sign-in", data={"pin": PIN}) as answer:
            found = re.search(r'data-csrf="([0-9a-f]{32})"', await answer.text())
        assert found is not None

        async def get(url: str) -> None:
            async with session.get(url) as answer:
                assert answer.status == 200
                await answer.read()

        async def redeem(n: int) -> None:
            url, headers = kiosk.url + "/staff/redeem", {"X-CSRF": found[1]}
            body = {"code": codes[n], "total": 2500, "request_no": f"B{n}"}
            async with session.post(url, json=body, headers=headers) as answer:
                assert (await answer.json())["verdict"] == "confirmed"

        peer, rate = await _many(lambda _: get(bare), ROUNDS)
        print(f"{shown(f'bare page, {AT_ONCE} at once', peer, 'ms')}  {rate:.0f}/s")
        for tab in TABS:
            took, mine = await _many(lambda _, tab=tab: get(f"{kiosk.url}/staff{tab}"), ROUNDS)
            print(f"{shown(f'/staff{tab}, {AT_ONCE} at once', took, 'ms', peer)}  {mine:.0f}/s")
        codes = [await kiosk.issue(SLIP) for _ in range(ROUNDS)]
        took, mine = await _many(redeem, ROUNDS)
        print(f"{shown(f'redeem, hub answering, {AT_ONCE} at once', took, 'ms', peer)}  {mine:.0f}/s")
    await runner.cleanup()
    assert statistics.median(took) <= p99(took)


async def _measure() -> None:
    chromium = find()
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as base:
        async with rig(Path(base)) as kiosk:
            await _over_http(kiosk)
            if chromium is None:
                print("there is no Chromium here: paint, weight and click are not measured.")
                return
            async with own_chromium(chromium) as (_, new_page):
                await _in_browser(kiosk, new_page)


def main() -> None:
    """Measure."""
    asyncio.run(_measure())


if __name__ == "__main__":
    main()
