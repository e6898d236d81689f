"""The counter page proves what is on the glass: every way in which its code can be out of sight is told and mended."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops
from playwright.async_api import Page

from kiosk.counter.glass import STALE_S
from kiosk.events import Outcome
from simulators.demo import eyes
from tests.browser import Tabs, until
from tests.web.rig import Rig, eventually
from tests.web.states import Proofs

HURRY = "(() => { const real = setInterval; window.setInterval = (f, ms, ...more) => real(f, ms / %d, ...more); })()"
"""The page's own clock so many times as fast."""
WINDOW = (
    "document.body.append(Object.assign(document.createElement('div'), {innerText: '更新', style:"
    " 'position:fixed;left:20vmin;top:20vmin;width:20vmin;height:20vmin;background:#fff;z-index:9;pointer-events:none'}))"
)
FAULTS = {
    "another code": "document.querySelector('#qr path').setAttribute('d', 'M4 4h9v9h-9z')",
    "no modules": "document.querySelector('#qr path').remove()",
    "no code": "document.querySelector('#qr').remove()",
    "white on white": "document.querySelector('#qr path').style.fill = '#fff'",
    "black on black": "document.querySelector('.code').style.background = '#000'",
    "pale": "document.querySelector('.code').style.opacity = 0.4",
    "not displayed": "document.querySelector('.code').style.display = 'none'",
    "half off the glass": "document.querySelector('.scan').style.translate = '-20vmin 0'",
    "too small to read": "document.querySelector('#qr').style.width = '40px'",
    "under a window": WINDOW,
}


async def counter(new_page: Tabs, kiosk: Rig, faster: int = 1) -> Page:
    return await counter_at(new_page, kiosk, "/", HURRY % faster)


async def counter_at(new_page: Tabs, kiosk: Rig, place: str, before: str = "") -> Page:
    page = await new_page(kiosk.url + place, before=before)
    await until(page, "document.body.dataset.seq !== '0' && document.querySelector('.ticket')", 20)
    return page


async def test_whatever_hides_the_code_is_told_by_the_next_proof(new_page: Tabs, kiosk: Rig) -> None:
    proofs = Proofs(kiosk)
    _, view = await kiosk.get("/api/v1/counter")
    right = "".join(view["qr"]["modules"])
    page = await counter(new_page, kiosk, faster=20)
    for name, script in FAULTS.items():
        assert await proofs.next() == right, f"before: {name}"
        await page.evaluate(script)
        await proofs.next()  # it may have been under way
        assert await proofs.next() != right, name
        await page.reload()


@pytest.mark.parametrize("fault", ["another code", "under a window"])
async def test_a_wrong_or_covered_code_is_mended(new_page: Tabs, kiosk: Rig, fault: str) -> None:
    page = await counter(new_page, kiosk)
    async with page.expect_event("load", timeout=30_000):
        await page.evaluate(FAULTS[fault])
    await until(page, "document.querySelector('#qr path')", 10)
    assert eyes.codes(await page.screenshot())["qr"].endswith("/c/kjy-south")


async def test_another_page_on_the_machine_does_not_hide_that_the_kept_one_is_dead(
    new_page: Tabs, kiosk: Rig
) -> None:
    """A frame in the page of simulated devices, a developer's tab: right, and not what the customer sees."""
    watch, clock = kiosk.daemon.watch, kiosk.daemon.clock
    assert watch is not None
    keeper = {"connector": "on", "page": "kept"}
    await kiosk.post("/api/v1/counter/screen", keeper)
    kept = await new_page(kiosk.url + "/?page=kept")
    await eventually(lambda: watch.state() == "ok")
    await new_page(kiosk.url + "/", before=HURRY % 20)
    _, view = await kiosk.get("/api/v1/counter")
    right = {"seq": view["seq"], "bits": "".join(view["qr"]["modules"]), "frame": 1 << 40, "visible": True}
    assert (await kiosk.post("/api/v1/counter/proof", right))[1]["state"] == "elsewhere"
    await kept.close()
    mono = clock.mono
    clock.mono = lambda: mono() + STALE_S + 1  # type: ignore[method-assign]
    try:
        await kiosk.post("/api/v1/counter/screen", keeper)
        assert (await kiosk.post("/api/v1/counter/proof", right))[1]["state"] == "elsewhere"
        assert watch.state() == "stale"
    finally:
        clock.mono = mono  # type: ignore[method-assign]


TOGGLES = (
    "window.toggles = 0, new MutationObserver((seen) => { toggles += seen.length; })"
    ".observe(document.querySelector('#below'), {attributes: true}), 1"
)

QUIET = "(window.was === toggles ? ++window.same : (window.was = toggles, window.same = 0)) > 20"


async def test_the_kept_page_draws_all_of_itself_while_a_screenshot_is_taken_and_nobody_sees_it(
    new_page: Tabs, kiosk: Rig
) -> None:
    page, other = [await counter_at(new_page, kiosk, place) for place in ("/?page=kept", "/")]
    for one in (page, other):
        await one.evaluate(TOGGLES)
    before = await page.screenshot()
    asked = await kiosk.post("/api/v1/counter/screen", {"connector": "on", "page": "kept", "looks": True})
    assert asked[0] == 200
    await until(page, "toggles > 10", 10)
    during = [await page.screenshot() for _ in range(4)]
    await until(page, QUIET, 20)
    assert await page.evaluate("document.querySelector('#below').hidden"), "and then it rests"
    assert await other.evaluate("toggles") == 0
    for png in during:
        assert eyes.codes(png)["qr"].endswith("/c/kjy-south")
        assert furthest(before, png) <= 4, "no eye sees four steps of 255"


def furthest(one: bytes, other: bytes) -> int:
    """Return the largest difference of any colour of any pixel."""
    first, second = (Image.open(io.BytesIO(png)).convert("RGB") for png in (one, other))
    return max(high for _, high in ImageChops.difference(first, second).getextrema())  # type: ignore[misc,union-attr]


async def test_no_browser_is_offered_to_translate_the_page(new_page: Tabs, kiosk: Rig) -> None:
    """Chromium in English lays its offer over a Chinese page, and over the top of the screen."""
    page = await counter(new_page, kiosk)
    assert await page.evaluate("document.documentElement.translate") is False
    assert await page.evaluate("document.querySelector('meta[name=google]').content") == "notranslate"


PLACES = """new Promise(done => { const seen = []; const box = document.querySelector('#counter'); const told = new MutationObserver(() => {
  const r = box.getBoundingClientRect(); seen.push([r.left / innerHeight * 100, r.top / innerHeight * 100]);
  if (seen.length === 18) { told.disconnect(); done(seen); } }); told.observe(box, {attributes: true, attributeFilter: ['style']}); })"""


async def test_the_page_wanders_so_that_nothing_burns_in_and_the_code_stays_whole(
    new_page: Tabs, kiosk: Rig
) -> None:
    proofs = Proofs(kiosk)
    page = await counter(new_page, kiosk, faster=200)
    places = [tuple(round(v, 2) for v in place) for place in await page.evaluate(PLACES)]
    assert len(set(places)) == 9, "nine places in turn"
    assert places[:9] == places[9:], "for ever"
    assert max(abs(v) for place in places for v in place) == 0.5
    assert [round(sum(v), 6) for v in zip(*places[:9], strict=True)] == [0, 0], "around its own place"
    assert eyes.codes(await page.screenshot())["qr"].endswith("/c/kjy-south")
    _, view = await kiosk.get("/api/v1/counter")
    assert {await proofs.next() for _ in range(5)} == {"".join(view["qr"]["modules"])}


async def test_a_page_whose_script_fails_is_noticed_and_loaded_anew(new_page: Tabs, kiosk: Rig) -> None:
    page = await counter(new_page, kiosk, faster=10)
    async with page.expect_event("load", timeout=30_000):
        await page.evaluate("document.querySelector('#merchant').remove()")
        kiosk.daemon.bus.publish(Outcome(kind="info", title="请稍候", until_s=60))
    await until(page, "document.querySelector('#outcome-title').textContent === '请稍候'", 10)
