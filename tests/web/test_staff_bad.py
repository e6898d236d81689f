"""What goes wrong at a counter: huge forms, wrong types, other people's ids, double clicks, a restart in the middle."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from kiosk.web.staff import CLERK, MANAGER
from tests.web.rig import SLIP, rig
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
