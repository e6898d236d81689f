"""/c/{id}: what a customer sees and can do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest
from yarl import URL

from hub.parts import now
from hub.server import Hub
from hub.store.catalog import BatchFile
from kiosk.coupons.code import read
from ui.codes import modules

from .world import CAPPED, CASH, NEVER, SLIP, batch, batch_file, on_both, opened

PAGE = "/c/kjy-south"


@pytest.fixture
async def browser(hub: Hub) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        hub.url, cookie_jar=jar, headers={"Accept-Language": "zh-CN"}
    ) as session:
        yield session


async def get(browser: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with browser.get(URL(path, encoded=True)) as answer:
        return answer.status, await answer.text()


async def form_of(browser: aiohttp.ClientSession, page: str = PAGE) -> str:
    found = re.search(r'name="form" value="([^"]+)"', (await get(browser, page))[1])
    assert found is not None
    return found[1]


async def post(
    browser: aiohttp.ClientSession, form: str, stock_id: str, page: str = PAGE
) -> tuple[int, str, str]:
    async with browser.post(
        f"{page}/claim", data={"form": form, "stock_id": stock_id}, allow_redirects=False
    ) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


async def load(hub: Hub, *batches: dict[str, Any], **more: Any) -> None:
    parts = opened(hub)
    await parts.database.run(parts.catalog.load, msgspec.convert(batch_file(*batches, **more), BatchFile))


async def test_the_list_shows_what_can_be_had_here(browser: aiohttp.ClientSession) -> None:
    status, page = await get(browser, PAGE)
    assert status == 200
    shown = set(re.findall(r'data-stock="([^"]+)"', page))
    assert {CAPPED, NEVER, CASH} <= shown
    assert SLIP not in shown  # comes from the button
    assert "1286950000000054" not in shown  # paused
    assert "满10减1" in page
    assert "剩余 3000 张" in page
    assert "自动抵扣" in page


@on_both
async def test_a_claim_gives_a_code_that_opens(hub: Hub, browser: aiohttp.ClientSession) -> None:
    status, where, _ = await post(browser, await form_of(browser), CAPPED)
    assert (status, where[: len(PAGE) + 8]) == (303, f"{PAGE}/coupon/")
    status, page = await get(browser, where)
    assert status == 200
    readable = re.search(r'id="readable">([^<]+)<', page)
    assert readable is not None
    short = re.search(r'class="barcode" role="img" aria-label="([^"]+)"', page)
    assert short is not None
    assert readable[1].replace(" ", "") == short[1]
    parts = opened(hub)
    drawn = re.search(r'class="qr".*?viewBox="0 0 (\d+)', page)
    assert drawn is not None
    mine = await parts.database.run(parts.coupons.show, _openid(browser), where.rpartition("/")[2])
    assert mine is not None
    assert len(modules(mine.code, "L")) + 8 == int(drawn[1])
    assert read(mine.code).__class__.__name__ == "Signed"
    found = await parts.database.run(parts.catalog.batch, CAPPED)
    assert found is not None
    assert found.claimed == 1
    assert f'href="{where}"' in (await get(browser, PAGE))[1]


def _openid(browser: aiohttp.ClientSession) -> str:
    [cookie] = [c for c in browser.cookie_jar if c.key == "who"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    return cookie.value.partition(".")[0]


@on_both
async def test_a_double_click_claims_once(hub: Hub, browser: aiohttp.ClientSession) -> None:
    form = await form_of(browser)
    told = await asyncio.gather(*(post(browser, form, CAPPED) for _ in range(6)))
    assert {t[0] for t in told} == {303}
    assert len({t[1] for t in told}) == 1
    found = await opened(hub).database.run(opened(hub).catalog.batch, CAPPED)
    assert found is not None
    assert found.claimed == 1


async def test_one_page_claims_of_two_batches(browser: aiohttp.ClientSession) -> None:
    form = await form_of(browser)
    first, second = await post(browser, form, CAPPED), await post(browser, form, NEVER)
    assert (first[0], second[0]) == (303, 303)
    assert first[1] != second[1]


async def test_each_customer_has_a_limit(browser: aiohttp.ClientSession) -> None:
    for _ in range(2):
        assert (await post(browser, await form_of(browser), NEVER))[0] == 303
    status, _, page = await post(browser, await form_of(browser), NEVER)
    assert (status, "已达到领取上限" in page) == (409, True)


async def test_the_last_coupon_goes_to_one(hub: Hub, browser: aiohttp.ClientSession) -> None:
    await load(
        hub, batch("LAST", stock=1), batch("PAUSED", status="paused"), batch("ELSEWHERE", stores=["renmin"])
    )
    assert (await post(browser, await form_of(browser), "LAST"))[0] == 303
    async with aiohttp.ClientSession(hub.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as other:
        status, _, page = await post(other, await form_of(other), "LAST")
        assert (status, "已领完" in page) == (409, True)
        for stock_id, words in (
            ("PAUSED", "暂停发放"),
            ("ELSEWHERE", "停止发放"),
            ("nothing", "停止发放"),
            (CASH, "停止发放"),
            (SLIP, "停止发放"),
        ):
            status, _, page = await post(other, await form_of(other), stock_id)
            assert (status, words in page) == (409, True), stock_id


@pytest.mark.parametrize("stock_id", ["\x00", "é" * 99, "<script>", "' OR 1=1 --", ""])
async def test_odd_batches_are_no_batches(browser: aiohttp.ClientSession, stock_id: str) -> None:
    status, _, page = await post(browser, await form_of(browser), stock_id)
    assert (status, "停止发放" in page) == (409, True)


@pytest.mark.parametrize("form", ["", "x", "é.é", "a.b.c", "0" * 24 + "." + "0" * 32, "\x00.\x00"])
async def test_a_form_of_somebody_else_claims_nothing(browser: aiohttp.ClientSession, form: str) -> None:
    await get(browser, PAGE)
    status, _, page = await post(browser, form, CAPPED)
    assert (status, "停留太久" in page) == (403, True)


async def test_a_forged_cookie_is_a_first_visit(hub: Hub, browser: aiohttp.ClientSession) -> None:
    await post(browser, await form_of(browser), CAPPED)
    mine = _openid(browser)
    for value in (mine, f"{mine}.", f"{mine}.{'0' * 32}", f"{mine}.é"):
        async with aiohttp.ClientSession(hub.url, cookies={"who": value}) as thief, thief.get(PAGE) as answer:
            assert answer.status == 200
            assert "/coupon/" not in await answer.text()
            assert "who" in answer.cookies


async def test_a_coupon_is_shown_to_its_owner_only(hub: Hub, browser: aiohttp.ClientSession) -> None:
    _, where, _ = await post(browser, await form_of(browser), CAPPED)
    async with aiohttp.ClientSession(hub.url) as other, other.get(where) as answer:
        assert answer.status == 404
        assert "没有这张券" in await answer.text()
    for odd in ("0-0", "x", "1-1-1", "9" * 40 + "-1", "%00", "１-１"):
        assert (await get(browser, f"{PAGE}/coupon/{quote(odd, safe='%')}"))[0] == 404


async def test_a_used_coupon_says_so(hub: Hub, browser: aiohttp.ClientSession) -> None:
    from hub.store.uses import take_use

    _, where, _ = await post(browser, await form_of(browser), CAPPED)
    await opened(hub).database.run(take_use, "main", where.rpartition("/")[2], "kA")
    page = (await get(browser, where))[1]
    assert "此券已使用" in page
    assert where not in (await get(browser, PAGE))[1]


@pytest.mark.parametrize(
    "path",
    [
        "nowhere",
        "%2f",
        "%2F..%2F",
        "%00",
        "%ff",
        "x" * 500,
        quote("科技园"),
        quote("😀"),
        "a%20b",
        "..%2f..",
        "<b>",
        "%27",
        "kjy-south%00",
    ],
)
@on_both
async def test_an_unknown_store_is_a_friendly_page(browser: aiohttp.ClientSession, path: str) -> None:
    status, page = await get(browser, f"/c/{path}")
    assert status == 404
    assert "这个二维码没有对应的门店" in page
    assert "Content-Security-Policy" in (await browser.head(URL(f"/c/{path}", encoded=True))).headers


@pytest.mark.parametrize("path", ["/c", "/c/", "/c/kjy-south/nothing", "/c/a/b/c/d"])
async def test_a_torn_address_is_a_friendly_page(browser: aiohttp.ClientSession, path: str) -> None:
    status, page = await get(browser, path)
    assert (status, "没有对应的门店" in page) == (404, True)


async def test_names_are_never_markup(hub: Hub, browser: aiohttp.ClientSession) -> None:
    evil = "<img src=x onerror=alert(1)>\"'&{{7*7}}"
    await load(
        hub,
        batch("EVIL", kind="exchange", value=0, threshold=0, goods=["1"], name=evil),
        stores=[{"id": "evil", "name": evil, "address": evil}],
    )
    form = await form_of(browser, "/c/evil")
    _, where, _ = await post(browser, form, "EVIL", "/c/evil")
    for path in ("/c/evil", where):
        page = (await get(browser, path))[1]
        assert "<img" not in page
        assert "&lt;img src=x onerror=alert(1)&gt;&#34;&#39;&amp;{{7*7}}" in page


async def test_pages_speak_the_visitors_language_and_are_not_kept(hub: Hub) -> None:
    for language, words, tag in (
        ("en-GB,en;q=0.9", "Claim now", "en"),
        ("zh-CN", "立即领取", "zh-CN"),
        ("fr", "立即领取", "zh-CN"),
    ):
        async with (
            aiohttp.ClientSession(hub.url) as http,
            http.get(PAGE, headers={"Accept-Language": language}) as answer,
        ):
            page = await answer.text()
            assert words in page
            assert f'lang="{tag}"' in page
            assert answer.headers["Cache-Control"] == "no-store"


async def test_without_the_demo_nobody_claims_in_a_browser(hub: Hub, browser: aiohttp.ClientSession) -> None:
    form = await form_of(browser)
    opened(hub).settings = msgspec.structs.replace(hub.settings, demo=type(hub.settings.demo)())
    assert "请在微信中打开" in (await get(browser, PAGE))[1]
    status, _, page = await post(browser, form, CAPPED)
    assert (status, "请在微信中打开" in page) == (403, True)


async def test_a_big_or_broken_form_is_refused(browser: aiohttp.ClientSession) -> None:
    async with browser.post(
        f"{PAGE}/claim",
        data=b"form=" + b"x" * 1_000_000,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ) as answer:
        assert answer.status == 413
    for content in (b"--x\r\nContent-Disposition: nonsense", b"", b"--y--"):
        async with browser.post(
            f"{PAGE}/claim", data=content, headers={"Content-Type": "multipart/form-data; boundary=x"}
        ) as answer:
            assert answer.status in (400, 403)


async def test_a_batch_that_is_over_is_not_given(hub: Hub, browser: aiohttp.ClientSession) -> None:
    year = now().year
    await load(
        hub,
        batch("OVER", begins=f"{year - 1}-01-01T00:00:00+08:00", ends=f"{year - 1}-02-01T00:00:00+08:00"),
        batch("SOON", begins=f"{year + 1}-01-01T00:00:00+08:00"),
    )
    for stock_id, words in (("OVER", "活动已结束"), ("SOON", "活动还没有开始")):
        assert stock_id not in (await get(browser, PAGE))[1]
        status, _, page = await post(browser, await form_of(browser), stock_id)
        assert (status, words in page) == (409, True)
