"""What goes wrong at a counter: huge forms, wrong types, other people's ids, double clicks, a restart in the middle."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kiosk.web.staff import CLERK, MANAGER
from tests.web.rig import SLIP, Rig, rig
from tests.web.test_staff import Staff, staff

__all__ = ["staff"]
WRONG: tuple[Any, ...] = ([], "x", 1, {"code": 7}, {"job": ["a"]}, {"stock_id": {}}, {"rid": "../../etc"})


async def test_a_megabyte_and_wrong_types_are_a_sentence_each(staff: Staff) -> None:
    for name in sorted({**CLERK, **MANAGER}):
        headers, url = {"X-CSRF": staff.token}, f"{staff.kiosk.url}/staff/{name}"
        async with staff.browser.post(url, data=b"x" * 1_000_000, headers=headers) as answer:
            assert answer.status == 413, name
            assert (await answer.json())["message"].endswith((".", "。"))
        for wrong in () if name in NO_BODY else WRONG:
            async with staff.browser.post(url, json=wrong, headers=headers) as answer:
                value = await answer.json()
                refused = (
                    answer.status == 400 or not value.get("ok", True) or value.get("verdict") == "refused"
                )
                assert answer.status < 500, (name, wrong, value)
                assert refused, (name, wrong, value)
    assert await staff.kiosk.daemon.journal.recent() == []


NO_BODY = {
    "hold-slips",
    "release-slips",
    "claim-slip",
    "day-slip",
    "status-slip",
    "enrolment-slip",
    "examine",
    "sweep",
    "printer-find",
    "restart",
    "look-again",
    "reload-page",
}
"""They take no question, so no question can be wrong."""


async def asked(kiosk: Rig, method: str, path: str, **more: Any) -> tuple[int, str, str]:
    """Return status, text and type of what a browser in Chinese is shown."""
    headers = {"Accept-Language": "zh-CN", **more.pop("headers", {})}
    async with kiosk.http.request(
        method, kiosk.url + path, headers=headers, allow_redirects=False, **more
    ) as answer:
        return answer.status, await answer.text(), answer.headers.get("Location", answer.content_type)


@pytest.mark.parametrize("accept", ["text/html,*/*;q=0.8", "*/*"])
async def test_every_address_of_the_console_answers_in_the_pages_language(alone: Rig, accept: str) -> None:
    huge = {"pin": "1" * 1_000_000}
    for method, path, more, status, words in (
        ("GET", "/staff/nonsense", {}, 404, "店员台没有这个页面。"),
        ("PUT", "/staff/redeem", {}, 405, "这个地址不接受这种请求"),
        ("POST", "/staff/sign-in", {"data": huge}, 413, "超出本页表单的上限"),
        ("POST", "/staff/pair", {"data": huge}, 413, "超出本页表单的上限"),
        ("POST", "/staff/sign-out", {"data": huge}, 413, "超出本页表单的上限"),
        ("GET", "/staff/day.csv", {}, 401, "请重新登录"),
        ("GET", "/staff/slip/coupon.png", {}, 401, "请重新登录"),
    ):
        found, said, kind = await asked(alone, method, path, headers={"Accept": accept}, **more)
        assert (found, words in said) == (status, True), (path, said[-300:])
        assert kind == ("text/html" if "html" in accept else "application/json"), path


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/x-www-form-urlencoded; charset=nonsense",
        "application/x-www-form-urlencoded",
        "text/plain",
    ],
)
async def test_a_form_that_no_page_of_ours_posts_is_a_sentence_and_no_mistake(
    alone: Rig, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw = b"--x\r\nContent-Disposition: form-data; name=pin\r\n\r\n\xff"
    for path in ("sign-in", "sign-out", "pair"):
        status, said, _ = await asked(
            alone, "POST", f"/staff/{path}", data=raw, headers={"Content-Type": kind}
        )
        assert status == 400, path
        assert "请重新打开页面" in said, path
    assert [r.getMessage() for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")] == []


async def test_a_packed_form_is_a_sentence_and_no_mistake(
    alone: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a PIN, too: whoever reaches the page could fill the log."""
    for coding in ("gzip", "deflate", "br"):
        packed = {"Content-Encoding": coding, "Content-Type": "application/json", "Accept": "text/html"}
        for path in ("sign-in", "pair", "redeem"):
            status, said, kind = await asked(
                alone, "POST", f"/staff/{path}", data=io.BytesIO(b"\x1f\x8b" + b"\xff" * 40), headers=packed
            )
            assert (status, kind) == (415, "text/html"), (coding, path)
            assert f"Content-Encoding: {coding}" in said
            assert "请不要压缩" in said
    assert [r.getMessage() for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")] == []


async def test_a_body_in_broken_pieces_is_no_mistake_of_the_kiosk(
    alone: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    head = (
        b"HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for path in (b"/api/v1/redeem", b"/staff/sign-in"):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(alone.url.rpartition(":")[2]))
        writer.write(b"POST " + path + b" " + head + b"2\r\n{}\r\nXYZ\r\n{}\r\n")
        async with asyncio.timeout(20):
            first = await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert b" 400 " in first, (path, first)
    assert [r.getMessage() for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")] == []


async def test_an_address_of_a_change_leads_to_its_page(alone: Rig) -> None:
    for name, page in (
        ("", "/staff"),
        ("sign-in", "/staff"),
        ("pair", "/staff"),
        ("redeem", "/staff"),
        ("hand-out", "/staff/coupons"),
        ("decide", "/staff/records"),
        ("poster", "/staff/stands"),
        ("phone-slip", "/staff/devices"),
        ("printer-try", "/staff/printer"),
        ("restore", "/staff/settings"),
    ):
        assert (await asked(alone, "GET", f"/staff/{name}"))[::2] == (303, page), name


async def test_a_wrong_type_is_said_without_the_words_of_a_decoder(staff: Staff) -> None:
    for wrong in ({"code": 5}, [], {"code": "x" * 3000}):
        status, told = await staff.do("redeem", wrong or [1])
        assert status == 400
        assert not re.search("[A-Za-z]", told["message"]), told


async def test_other_peoples_ids_do_nothing(staff: Staff) -> None:
    for name, body in (
        ("rollback", {"rid": "0" * 24}),
        ("reprint", {"job": "0" * 24}),
        ("settle", {"job": "0" * 24}),
        ("decide", {"epoch": "ab", "seq": 7}),
        ("person-drop", {"id": "first"}),
        ("person", {"id": "nobody", "name": "X", "role": "manager", "pin": "86420"}),
        ("hide", {"stock_id": "nothing", "away": True}),
        ("phone-drop", {"id": "0" * 24}),
        ("phone-slip", {"person": "nobody"}),
        ("printer-drop", {"name": "nobody"}),
        ("test-printer", {"name": "nobody"}),
        ("office-print", {"name": "stand-a6-nobody", "queue": "nobody"}),
    ):
        status, told = await staff.do(name, body)
        assert (status, told["ok"]) == (200, False), name
        assert told["message"].endswith("。"), name
    assert await staff.kiosk.daemon.journal.acts() == [], "nothing was done, so nothing is noted"


async def test_two_tabs_and_a_double_click_redeem_and_undo_once(staff: Staff) -> None:
    code = await staff.kiosk.issue(SLIP)
    both = await asyncio.gather(
        *(staff.do("redeem", {"code": code, "request_no": f"T{n}"}) for n in range(2))
    )
    assert sorted(told["verdict"] for _, told in both) == ["confirmed", "refused"]
    (rid,) = [told["rid"] for _, told in both if told["verdict"] == "confirmed"]
    undone = await asyncio.gather(*(staff.do("rollback", {"rid": rid}) for _ in range(2)))
    assert sorted(told["ok"] for _, told in undone) == [False, True]


async def test_a_session_and_its_question_outlive_a_restart(tmp_path: Path) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with rig(tmp_path) as kiosk:
            held = Staff(kiosk, browser)
            await held.sign_in()
            code = await kiosk.issue(SLIP)
            _, first = await held.do("redeem", {"code": code, "request_no": "R7"})
            listen = kiosk.url.removeprefix("http://")
        async with rig(tmp_path, hub=False, listen=listen) as kiosk:
            held.kiosk = kiosk
            status, again = await held.do("redeem", {"code": code, "request_no": "R7"})
            assert (status, again["verdict"], again["rid"]) == (200, "confirmed", first["rid"])
