"""A phone is paired by a slip: once, for one person, until it is removed."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import zxingcpp
from PIL import Image

from kiosk.web import phones
from tests.browser import Tabs
from tests.web.rig import Rig, rig
from tests.web.test_staff import Staff, staff
from tests.web.test_staff_people import CLERK_PIN, clerk, hire

__all__ = ["clerk", "staff"]
NO = {"allow_redirects": False}


async def slip(staff: Staff, body: dict[str, str] | None = None, host: str = "192.168.1.20:8443") -> str:
    """Print a pairing slip and read the path of its QR code from the paper."""
    headers = {"X-CSRF": staff.token, "Host": host, "Origin": f"https://{host}", "Accept-Language": "zh-CN"}
    url = staff.kiosk.url + "/staff/phone-slip"
    async with staff.browser.post(url, json=body or {}, headers=headers) as answer:
        assert (await answer.json())["ok"] is True, await answer.text()
    papers = sorted((staff.kiosk.daemon.data_dir / "slips").glob("*.png"), key=lambda p: p.stat().st_mtime_ns)
    with Image.open(papers[-1]) as paper:
        (code,) = zxingcpp.read_barcodes(paper.convert("L"))
    assert code.text.startswith(f"https://{host}/staff/pair/")
    return code.text.removeprefix(f"https://{host}")


def phone() -> aiohttp.ClientSession:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"User-Agent": agent, "Accept-Language": "zh-CN"}
    )


async def pair(kiosk: Rig, browser: aiohttp.ClientSession, path: str) -> int:
    form = {"code": path.rsplit("/", 1)[1]}
    async with browser.post(kiosk.url + "/staff/pair", data=form, **NO) as answer:
        return answer.status


async def test_a_clerk_cannot_print_a_managers_slip_again(staff: Staff, clerk: Staff) -> None:
    path = await slip(staff)
    assert "/staff/reprint" not in await clerk.page(path="/staff/coupons")
    [job] = [j for j in await staff.kiosk.daemon.journal.jobs() if j.kind == "pairing"]
    assert path.rsplit("/", 1)[1] not in job.slip.decode(), "the journal keeps no key to the console"
    assert (await clerk.do("reprint", {"job": job.id}))[1]["ok"] is False
    assert len(await staff.kiosk.daemon.journal.jobs()) == 1, "nothing went to the printer"


async def test_a_slip_pairs_one_phone_for_its_person(staff: Staff) -> None:
    await hire(staff.kiosk)
    path = await slip(staff, {"person": "P1"})
    async with phone() as browser, phone() as other:
        for _ in range(2):  # whoever scans looks first; that spends nothing
            async with browser.get(staff.kiosk.url + path) as answer:
                page = await answer.text()
                assert (answer.status, "小李" in page) == (200, True)
        assert await pair(staff.kiosk, browser, path) == 303
        assert await pair(staff.kiosk, other, path) == 403, "once"
        held = Staff(staff.kiosk, browser)
        held.token = re.search(r'data-csrf="([0-9a-f]{32})"', await held.page())[1]  # type: ignore[index]
        assert (await held.do("look", {"code": "ABCDEFGH"}))[0] == 200
        assert (await held.do("rollback", {"rid": "0" * 24}))[0] == 403, "a clerk's phone"
        page = await staff.page(path="/staff/devices")
        assert "iPhone" in page
        token = re.search(r'phone-drop" data-body=\'{"id":"([0-9a-f]{24})"}', page)[1]  # type: ignore[index]
        assert (await staff.do("phone-drop", {"id": token}))[1]["ok"] is True
        assert (await held.do("look", {"code": "ABCDEFGH"}))[0] == 401, "at once"
        assert "iPhone" not in await staff.page(path="/staff/devices")
    acts = [a.what for a in await staff.kiosk.daemon.journal.acts()]
    assert acts == ["phone_gone", "phone", "phone_slip"]


async def test_two_taps_at_once_pair_one_phone(staff: Staff) -> None:
    path = await slip(staff)
    async with phone() as one, phone() as two:
        ends = await asyncio.gather(*(pair(staff.kiosk, b, path) for b in (one, two, one, two)))
    assert sorted(ends) == [303, 403, 403, 403]


async def test_a_slip_is_stale_after_ten_minutes_and_a_phone_after_thirty_days(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = staff.kiosk.daemon.clock
    now = clock.wall()
    old, path = await slip(staff), await slip(staff)
    async with phone() as browser, phone() as late:
        assert await pair(staff.kiosk, browser, path) == 303
        monkeypatch.setattr(clock, "wall", lambda: now + timedelta(seconds=phones.CODE_S + 60))
        assert await pair(staff.kiosk, late, old) == 403
        async with late.get(staff.kiosk.url + old) as answer:
            assert (answer.status, "请重新打印一张" in await answer.text()) == (404, True)
        monkeypatch.setattr(clock, "wall", lambda: now + timedelta(days=29))
        assert 'name="pin"' not in await Staff(staff.kiosk, browser).page()
        monkeypatch.setattr(clock, "wall", lambda: now + timedelta(days=31))
        assert 'name="pin"' in await Staff(staff.kiosk, browser).page()


async def test_a_clerk_pairs_their_own_phone_only(clerk: Staff) -> None:
    status, told = await clerk.do("phone-slip", {"person": "first"})
    assert (status, told["error"]) == (403, "manager")
    await hire(clerk.kiosk, pin="8642", name="小王", who="P2")
    other = await slip(clerk)
    async with phone() as browser:
        assert await pair(clerk.kiosk, browser, other) == 303
        (token,) = await phones.kept(_services(clerk.kiosk), phones.PAIRED)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as third:
            colleague = Staff(clerk.kiosk, third)
            await colleague.sign_in("8642")
            assert "小李" not in await colleague.page(path="/staff/devices")
            assert (await colleague.do("phone-drop", {"id": token}))[1]["ok"] is False
        await hire(clerk.kiosk, pin=CLERK_PIN, role="manager")
        assert 'name="pin"' in await Staff(clerk.kiosk, browser).page(), "another role, another session"


def _services(kiosk: Rig) -> phones.Services:
    from kiosk.web.services import SERVICES

    return kiosk.daemon.server._runner.app[SERVICES]  # type: ignore[union-attr]


async def test_a_kiosk_that_serves_this_machine_alone_says_so(staff: Staff, tmp_path: Path) -> None:
    _, told = await staff.do("phone-slip", {})
    assert told["ok"] is False
    assert "店长在“设置”里" in told["message"]
    assert await staff.kiosk.daemon.journal.jobs() == []
    async with rig(tmp_path / "lan", hub=False, listen="0.0.0.0:0", tls="off") as kiosk:
        kiosk.daemon.server.url = kiosk.url.replace("0.0.0.0", "127.0.0.1")
        async with phone() as browser:
            held = Staff(kiosk, browser)
            await held.sign_in()
            from kiosk.web.lan import addresses

            told = (await held.do("phone-slip", {}))[1]
            assert told["ok"] is bool(addresses()), told


async def test_the_slip_cannot_be_had_without_bound(staff: Staff) -> None:
    for _ in range(phones.MOST_WAITING):
        await slip(staff)
    headers = {"X-CSRF": staff.token, "Host": "192.168.1.20", "Origin": "http://192.168.1.20"}
    async with staff.browser.post(staff.kiosk.url + "/staff/phone-slip", json={}, headers=headers) as answer:
        assert (await answer.json())["ok"] is False


async def test_on_the_phone_it_is_one_tap(new_page: Tabs, staff: Staff) -> None:
    path = await slip(staff)
    page = await new_page(staff.kiosk.url + path, 360, 740, locale="zh-CN", is_mobile=True)
    await page.click("text=配对这部手机 >> nth=-1")
    await page.wait_for_selector("#code")
    assert "店长" in await page.inner_text("header")
