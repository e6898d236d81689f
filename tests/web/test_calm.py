"""Bad input and haste: the counter page stays calm, names what is wrong and shows the code."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Page

from hub.store.catalog import BatchFile
from simulators.demo import eyes
from tests.browser import Tabs, until
from tests.web.rig import CAPPED, Rig, rig
from tests.web.states import Stage

CUT = (
    "[...document.querySelectorAll('main p, main h1')].filter(e => e.offsetParent && (e.getBoundingClientRect().right > innerWidth + 1"
    " || e.getBoundingClientRect().bottom > innerHeight + 1)).map(e => e.textContent)"
)


async def change(kiosk: Rig, edit: Any) -> None:
    """Load a changed file of batches into the hub."""
    assert kiosk.hub is not None
    parts = kiosk.hub.parts
    assert parts is not None

    def work(c: Any) -> None:
        merchant, batches = parts.catalog.merchant(c), parts.catalog.batches(c)
        assert merchant is not None
        merchant, batches = edit(merchant, batches)
        parts.catalog.load(c, BatchFile(merchant, parts.catalog.stores(c), tuple(batches)))

    await parts.database.run(work)
    parts.bell.ring()


async def _shown(new_page: Tabs, kiosk: Rig, width: int, height: int) -> Page:
    page = await new_page(kiosk.url + "/", width, height)
    await until(page, "document.body.dataset.seq !== '0' && document.querySelector('.ticket, .none')", 20)
    assert eyes.codes(await page.screenshot())["qr"].endswith("/c/kjy-south")
    assert await page.evaluate(CUT) == []
    return page


@pytest.mark.parametrize("size", [(1280, 720), (480, 800)])
async def test_a_name_of_60_characters_and_40_batches(
    tmp_path: Path, new_page: Tabs, size: tuple[int, int]
) -> None:
    async with rig(tmp_path) as kiosk:

        def many(merchant: Any, batches: Any) -> tuple[Any, Any]:
            one = next(b for b in batches if b.stock_id == CAPPED)
            more = [
                msgspec.structs.replace(one, stock_id=f"MANY-{n}", number=0, name="满减商家券" * 12)
                for n in range(40)
            ]
            return msgspec.structs.replace(merchant, name="超长商户名称" * 10), more

        await change(kiosk, many)
        view = await kiosk.view(lambda v: len(v["batches"]) > 40)
        assert view["merchant"]["name"].startswith("超长商户名称超长")
        await _shown(new_page, kiosk, *size)


async def test_no_batch_at_all_is_said(tmp_path: Path, new_page: Tabs) -> None:
    async with rig(tmp_path) as kiosk:
        assert kiosk.hub is not None
        parts = kiosk.hub.parts
        assert parts is not None
        for batch in (await kiosk.get("/api/v1/counter"))[1]["batches"]:
            await parts.database.run(parts.catalog.set_status, batch["stock_id"], "paused")
        parts.bell.ring()
        await kiosk.view(lambda v: v["batches"] == [])
        await _shown(new_page, kiosk, 800, 480)


async def test_a_hub_that_changes_ten_times_a_second_and_ten_clients(tmp_path: Path, new_page: Tabs) -> None:
    async with rig(tmp_path) as kiosk:
        pages = []
        for _ in range(3):
            page = await new_page(kiosk.url + "/", 800, 480)
            pages.append(page)
        watchers = [
            asyncio.create_task(kiosk.view(lambda v: v["merchant"]["name"] == "第49次")) for _ in range(7)
        ]
        for n in range(50):
            await change(kiosk, lambda m, b, n=n: (msgspec.structs.replace(m, name=f"第{n}次"), b))
        views = await asyncio.gather(*watchers)
        assert {v["link"] for v in views} == {views[0]["link"]}
        for page in pages:
            await until(page, "document.querySelector('#merchant').textContent === '第49次'", 20)
            assert (
                await page.evaluate("document.querySelectorAll('head link[href^=\"/ui/font/\"]').length") <= 4
            )
            await page.close()


PNG = b"\x89PNG\r\n\x1a\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><!--' + b"x" * 10_000_000 + b"--></svg>"


@pytest.mark.parametrize(
    ("name", "made", "said"),
    [
        ("logo.png", b"", ""),
        ("logo.png", b"not a picture", ""),
        ("logo.png", PNG + b"\0" * 20_000_000, "has 19.1 MB; at most 2 MB are shown"),
        ("logo.svg", SVG, "is no PNG, JPEG or WebP"),
        ("logo.png", SVG, "has 9.5 MB; at most 2 MB are shown"),
        ("logo.png", None, "is not there"),
    ],
)
async def test_a_logo_that_is_none_or_huge_is_named_and_leaves_the_page_whole(
    tmp_path: Path, new_page: Tabs, name: str, made: bytes | None, said: str
) -> None:
    logo = tmp_path / name
    if made is not None:
        logo.write_bytes(made)
    async with rig(tmp_path, more={"screen": {"logo": str(logo)}}) as kiosk:
        page = await _shown(new_page, kiosk, 800, 480)
        assert await page.evaluate("document.querySelector('#logo').checkVisibility()") is False
        _, doctor = await kiosk.get("/api/v1/doctor")
        problems = [f["sentence"] for f in doctor["findings"] if f["name"] == "config"]
        assert [said in p for p in problems] == [True] if said else problems == []


async def test_the_page_is_light(tmp_path: Path, new_page: Tabs) -> None:
    async with rig(tmp_path) as kiosk:
        page = await new_page(kiosk.url + "/", 1280, 720)
        await until(page, "document.querySelector('.ticket')", 20)
        sizes = await page.evaluate(
            "performance.getEntriesByType('resource').filter(e => !e.name.includes('/events') && !e.name.endsWith('.ttf'))"
            ".map(e => e.decodedBodySize).concat(performance.getEntriesByType('navigation').map(e => e.decodedBodySize))"
        )
        assert 0 < sum(sizes) < 100_000, "page, styles and script, fonts not counted"
        await page.close()


LONG = "非常非常长的文字" * 62 + "到此为止"
"""500 characters."""


@pytest.mark.parametrize("size", [(1280, 720), (480, 320), (480, 800)])
async def test_texts_of_500_characters_never_touch_the_code(
    tmp_path: Path, new_page: Tabs, size: tuple[int, int]
) -> None:
    assert len(LONG) == 500
    async with rig(tmp_path) as kiosk:
        stage = Stage(kiosk)
        view = (await kiosk.get("/api/v1/counter"))[1]
        long = {
            "merchant": {"name": LONG},
            "store": {**view["store"], "name": LONG},
            "batches": [{**b, "name": LONG, "offer": LONG, "period": LONG} for b in view["batches"]],
            "slip": {"enabled": True, "text": LONG},
        }
        page = await new_page(kiosk.url + "/", *size)
        for change, state in ((long, "ready"), (long, "offline")):
            seq = await stage.enter(state, change)
            await until(page, f"Number(document.body.dataset.seq) >= {seq}", 20)
            assert eyes.codes(await page.screenshot())["qr"].endswith("/c/kjy-south")
            assert await page.evaluate(CUT) == []
        seq = await stage.enter("outcome-refused", texts=(LONG, LONG, LONG))
        await until(page, f"Number(document.body.dataset.seq) >= {seq}", 20)
        inside = "(() => { const r = document.querySelector('#outcome-title').getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; })()"
        assert await page.evaluate(inside), "the sentence begins on the glass"
        await page.close()
