"""The staff console does what its buttons say."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.web.rig import CAPPED, PIN, SLIP, Rig


class Staff:
    """A signed-in browser."""

    def __init__(self, kiosk: Rig, browser: aiohttp.ClientSession) -> None:
        self.kiosk, self.browser, self.token = kiosk, browser, ""

    async def sign_in(self, pin: str = PIN) -> None:
        async with self.browser.post(self.kiosk.url + "/staff/sign-in", data={"pin": pin}) as answer:
            self.token = re.search(r'data-csrf="([0-9a-f]{32})"', await answer.text())[1]  # type: ignore[index]

    async def page(self, language: str = "zh-CN", path: str = "/staff") -> str:
        async with self.browser.get(self.kiosk.url + path, headers={"Accept-Language": language}) as answer:
            return await answer.text()

    async def do(self, name: str, body: Any = None) -> tuple[int, Any]:
        headers = {"X-CSRF": self.token, "Accept-Language": "zh-CN"}
        async with self.browser.post(
            f"{self.kiosk.url}/staff/{name}", json=body or {}, headers=headers
        ) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def staff(kiosk: Rig) -> AsyncIterator[Staff]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        held = Staff(kiosk, browser)
        await held.sign_in()
        yield held


async def test_redeem_undo_and_the_day(staff: Staff) -> None:
    code = await staff.kiosk.issue(SLIP)
    _, told = await staff.do("redeem", {"code": code})
    assert (told["verdict"], told["title"], told["check"]) == (
        "confirmed",
        "云端已确认",
        "满20元可用，请核对",
    )
    page = await staff.page()
    assert "回头客满20减3" in page
    assert f'"rid":"{told["rid"]}"' in page
    assert (await staff.do("rollback", {"rid": told["rid"]}))[1] == {
        "ok": True,
        "message": "已撤销，此券可再次使用。",
    }
    assert "已撤销" in await staff.page()


async def test_slips_are_printed_and_printed_again(staff: Staff, tmp_path: Path) -> None:
    assert (await staff.do("claim-slip"))[1]["ok"] is True
    assert (await staff.do("day-slip"))[1]["ok"] is True
    jobs = await staff.kiosk.daemon.journal.jobs()
    assert {j.kind for j in jobs} == {"claim", "day"}
    assert (await staff.do("reprint", {"job": jobs[0].id}))[1]["ok"] is True
    assert (await staff.do("reprint", {"job": "nothing"}))[1]["ok"] is False
    assert len(list((tmp_path / "kiosk" / "slips").glob("*.png"))) == 3


async def test_a_stand_is_made_in_a_process_of_its_own(staff: Staff) -> None:
    status, told = await staff.do("poster", {"template": "stand-a6", "look": "fresh"})
    assert status == 200, told
    async with staff.browser.get(staff.kiosk.url + told["pdf"]) as answer:
        assert (answer.status, (await answer.read())[:5]) == (200, b"%PDF-")
    async with staff.kiosk.http.get(staff.kiosk.url + told["pdf"]) as answer:
        assert answer.status == 401, "files are for staff"
    status, own = await staff.do("poster", {"template": "stand-a6", "look": "fresh", "headline": "满30减5"})
    assert (status, own["pdf"] == told["pdf"]) == (200, False), "other words, another file"
    status, told = await staff.do("poster", {"template": "nothing"})
    assert status == 422
    assert "nothing" in told["message"]
    assert (await staff.do("poster", {"template": "../../etc"}))[0] == 400


async def test_both_languages_and_no_box(staff: Staff) -> None:
    from ui.fonts import missing

    for language, words in (("zh-CN", "核销"), ("en", "Redeem")):
        page = await staff.page(language)
        assert words in page
        assert not missing(re.sub(r"<[^>]*>", "", page))


async def test_signing_out_ends_the_session(staff: Staff) -> None:
    async with staff.browser.post(staff.kiosk.url + "/staff/sign-out", data={"csrf": staff.token}) as answer:
        assert 'name="pin"' in await answer.text()
    assert (await staff.do("redeem", {"code": "ABCDEFGH"}))[0] == 401


async def test_names_from_the_hub_cannot_become_markup(staff: Staff) -> None:
    hub = staff.kiosk.hub
    assert hub is not None
    assert hub.parts is not None
    parts = hub.parts

    def rename(c: Any) -> None:
        import msgspec

        from hub.store.catalog import BatchFile

        batch = parts.catalog.batch(c, CAPPED)
        merchant = parts.catalog.merchant(c)
        assert batch is not None
        assert merchant is not None
        evil = "<script>alert(1)</script>"
        parts.catalog.load(
            c,
            BatchFile(
                msgspec.structs.replace(merchant, name=evil),
                parts.catalog.stores(c),
                (msgspec.structs.replace(batch, name=evil),),
            ),
        )

    await parts.database.run(rename)
    await staff.kiosk.view(lambda v: v["merchant"]["name"].startswith("<script>"))
    for page in (await staff.page(), (await staff.kiosk.get("/"))[1]):
        assert "<script>alert" not in page
