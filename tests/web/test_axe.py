"""axe-core finds nothing serious on the pages that customers and shops see. Rules: WCAG 2.2 A and AA, and axe's own good practice."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Page

from kiosk.counter.brand import READABLE, contrast
from tests.browser import Tabs, frames, until
from tests.web.rig import Rig, rig
from tests.web.states import STATES, Stage

SERIOUS = ("serious", "critical")
LEAST = 15
"""So many rules found something to look at, or axe did not see the page."""


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core, which the package of the lock carries."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.submodule_search_locations, "pip install -r requirements/dev.txt"
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8")


async def serious(page: Page, axe: str) -> list[str]:
    """Return what axe-core finds serious, one line a finding."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe + "\n;true")
    found: dict[str, Any] = await page.evaluate(
        "() => axe.run(document, {resultTypes: ['violations']}).then(r => ({rules: r.passes.length + r.violations.length,"
        " bad: r.violations.map(v => ({id: v.id, impact: v.impact, nodes: v.nodes.map(n => n.html + ' ' + n.failureSummary)}))}))"
    )
    assert found["rules"] >= LEAST, "the page was not looked at"
    return [f"{v['id']} ({v['impact']}): {v['nodes']}" for v in found["bad"] if v["impact"] in SERIOUS]


@pytest.mark.parametrize("size", [(1280, 720), pytest.param((600, 1024), marks=pytest.mark.heavy)])
async def test_the_counter_page_in_every_state(
    new_page: Tabs, kiosk: Rig, axe: str, size: tuple[int, int]
) -> None:
    page = await new_page(kiosk.url + "/", *size)
    stage = Stage(kiosk)
    for state in STATES:
        seq = await stage.enter(state)
        await until(page, f"Number(document.body.dataset.seq) >= {seq}", 10)
        assert await serious(page, axe) == [], state
    await page.close()


TEXTS = """[...document.querySelectorAll((document.querySelector('#outcome').hidden ? 'main' : '#outcome') + ' :is(p, h1, .worth)')].filter(e => e.checkVisibility() && e.textContent.trim()).map(e => {
  const range = document.createRange(); range.selectNodeContents(e); const r = range.getBoundingClientRect();
  return [e.textContent.trim(), r.left, r.top, r.right, r.bottom]; })"""


async def contrasts(page: Page) -> dict[str, float]:
    """Measure the contrast of every text on the glass: its background's commonest colour and the colour farthest from that."""
    with Image.open(io.BytesIO(await page.screenshot())) as shot:
        image = shot.convert("RGB")
    found = {}
    for text, *box in await page.evaluate(TEXTS):
        left, top, right, bottom = (max(0, round(v)) for v in box)
        seen = image.crop((left, top, min(right, image.width), min(bottom, image.height))).getcolors(1 << 20)
        assert seen, text
        ground = max(seen)[1]
        found[text] = max(contrast(ground, colour) for _, colour in seen)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    "look", ["warm", *(pytest.param(n, marks=pytest.mark.heavy) for n in ("fresh", "plain"))]
)
async def test_every_text_can_be_read_also_on_the_gradient_that_axe_does_not_judge(
    new_page: Tabs, tmp_path: Path, look: str
) -> None:
    async with rig(tmp_path, more={"screen": {"look": look}}) as kiosk:
        stage = Stage(kiosk)
        for size in ((1920, 1080), (1080, 1920)):
            page = await new_page(kiosk.url + "/", *size)
            for state in (
                "ready",
                "offline",
                "no-batches",
                "outcome-confirmed",
                "outcome-retry",
                "outcome-refused",
            ):
                seq = await stage.enter(state)
                await until(page, f"Number(document.body.dataset.seq) >= {seq}", 10)
                await frames(page)
                told = await contrasts(page)
                assert len(told) >= 2, state
                assert {t: c for t, c in told.items() if c < READABLE} == {}, (state, size)
            await page.close()


async def test_the_measure_of_contrast_can_fail(new_page: Tabs, kiosk: Rig) -> None:
    page = await new_page(kiosk.url + "/", 1920, 1080)
    await page.evaluate("document.querySelector('#scan').style.color = '#e88'")
    told = await contrasts(page)
    assert min(told.values()) < READABLE
    await page.close()


@pytest.mark.heavy
@pytest.mark.parametrize(
    "screen", [{"look": "fresh"}, {"look": "plain"}, {"colour": "#ffd400"}, {"colour": "#8fb8de"}]
)
async def test_other_looks_and_the_merchants_colours(
    new_page: Tabs, tmp_path: Path, axe: str, screen: dict[str, str]
) -> None:
    async with rig(tmp_path, more={"screen": screen, "locale": "en"}) as kiosk:
        for size in ((1280, 720), (600, 1024)):
            page = await new_page(kiosk.url + "/", *size)
            await until(page, "document.querySelector('.ticket')", 10)
            assert await serious(page, axe) == [], size
            await page.close()


async def test_the_simulated_devices_and_what_a_printed_code_opens(
    new_page: Tabs, kiosk: Rig, axe: str
) -> None:
    kiosk.daemon.bench.press()
    link = (await kiosk.get("/api/v1/counter"))[1]["link"]
    for url, ready in (
        (kiosk.url + "/simulator", "document.querySelector('#slips img')"),
        (link, "document.querySelector('main')"),
    ):
        page = await new_page(url, 1280, 900)
        await until(page, ready, 30)
        assert await serious(page, axe) == [], url
        await page.close()


async def test_axe_sees_what_is_wrong(new_page: Tabs, kiosk: Rig, axe: str) -> None:
    """The check can fail: grey on white, a picture and a button without a name."""
    page = await new_page(kiosk.url + "/", 1280, 720)
    await page.evaluate(
        "document.querySelector('.ticket .offer').style.color = '#bbb'; document.querySelector('#qr').removeAttribute('aria-label');"
        "document.querySelector('main').append(document.createElement('button'))"
    )
    told = " ".join(await serious(page, axe))
    assert {"color-contrast", "svg-img-alt", "button-name"} <= set(told.replace("(", " ").split())
    await page.close()
