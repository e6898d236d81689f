"""Every address walked by those who may not: strangers, other sites' pages, clerks, programs without the right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from kiosk.web.api import operations
from kiosk.web.api.callers import ALL
from kiosk.web.staff import MANAGER
from tests.web.rig import PIN, Rig
from tests.web.test_api_callers import made
from tests.web.test_staff import Staff
from tests.web.test_staff_people import CLERK_PIN, hire

OPEN = {"/staff/sign-in", "/staff/sign-out", "/staff/pair", "/staff/certificate"}
"""What is posted before there is a session, or without a page of ours; their tests are in test_door and test_staff_phones."""
MANAGERS = {f"/staff/{name}" for name in (*MANAGER, "logo", "restore")}
FILL = {
    "template": "stand-a6",
    "look": "warm",
    "name": "stand-a6-x.pdf",
    "kind": "coupon",
    "code": "x" * 22,
}


def addresses(kiosk: Rig, method: str) -> list[str]:
    """Return every address of the console that takes a method, with something in its places."""
    app = kiosk.daemon.server._runner.app  # type: ignore[union-attr]
    found = set()
    for route in app.router.routes():
        resource = route.resource
        if route.method != method or resource is None or not resource.canonical.startswith("/staff"):
            continue
        names = resource.get_info().get("pattern")
        parts = {n: FILL[n] for n in names.groupindex} if names else {}
        found.add(str(resource.url_for(**parts)) if parts else resource.canonical)
    assert len(found) > (40 if method == "POST" else 14)
    return sorted(found)


async def ask(
    browser: aiohttp.ClientSession, kiosk: Rig, method: str, path: str, **headers: str
) -> web.Response:
    """Return the answer, read."""
    more: dict[str, Any] = {} if method == "GET" else {"data": b"{}"}
    headers = {"Content-Type": "application/json", **headers}
    async with browser.request(
        method, kiosk.url + path, headers=headers, allow_redirects=False, **more
    ) as answer:
        return web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)


@pytest.fixture
async def clerk(alone: Rig) -> AsyncIterator[Staff]:
    await hire(alone)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        held = Staff(alone, browser)
        await held.sign_in(CLERK_PIN)
        yield held


async def acts(kiosk: Rig) -> list[str]:
    return [a.what for a in await kiosk.daemon.journal.acts()]


async def test_a_stranger_gets_nothing_but_the_question_for_the_pin(alone: Rig) -> None:
    for path in addresses(alone, "POST"):
        if path not in OPEN:
            assert (await ask(alone.http, alone, "POST", path)).status == 401, path
    for path in addresses(alone, "GET"):
        if path.endswith("/staff/events"):
            async with alone.http.get(alone.url + path) as answer:
                assert answer.status == 401
            continue
        answer = await ask(alone.http, alone, "GET", path)
        assert answer.status in (200, 303, 401, 404), path
        if answer.status == 200:
            assert b'name="pin"' in answer.body, path  # type: ignore[operator]
            assert b"data-csrf" not in answer.body, path  # type: ignore[operator]
    assert await acts(alone) == []


async def test_no_page_but_ours_changes_anything(clerk: Staff) -> None:
    wrongs = (
        {},
        {"X-CSRF": "0" * 32},
        {"X-CSRF": clerk.token, "Origin": "https://evil.example"},
        {"X-CSRF": clerk.token, "Sec-Fetch-Site": "cross-site"},
    )
    for path in addresses(clerk.kiosk, "POST"):
        for headers in () if path in OPEN | MANAGERS else wrongs:
            answer = await ask(clerk.browser, clerk.kiosk, "POST", path, **headers)
            assert (answer.status, b'"csrf"' in answer.body) == (403, True), (path, headers)  # type: ignore[operator]
    assert await acts(clerk.kiosk) == []


async def test_a_clerk_does_nothing_of_a_managers_by_hand(clerk: Staff) -> None:
    theirs = [("POST", path) for path in addresses(clerk.kiosk, "POST") if path in MANAGERS]
    assert {path for _, path in theirs} == MANAGERS
    for method, path in (*theirs, ("GET", "/staff/diagnostics.zip")):
        answer = await ask(clerk.browser, clerk.kiosk, method, path, **{"X-CSRF": clerk.token})
        assert (answer.status, b'"manager"' in answer.body) == (403, True), path  # type: ignore[operator]
    assert await acts(clerk.kiosk) == []


async def test_a_program_does_nothing_without_its_right(alone: Rig) -> None:
    """Each operation is asked for by a token with every right but the one it needs, and by nobody at all from elsewhere."""
    for scope in sorted(ALL):
        rest = await made(alone, *sorted(ALL - {scope}), name=f"all but {scope}")
        mine = [op for op in operations() if op.scope == scope]
        assert mine, scope
        for op in mine:
            path = op.address.replace("{", "").replace("}", "")
            for headers, status in ((rest, 403), ({"X-Forwarded-For": "192.168.1.9"}, 401)):
                async with alone.http.request(op.method, alone.url + path, headers=headers) as answer:
                    assert answer.status == status, (op.method, op.path, headers)
                    assert answer.content_type == "application/problem+json"
    kept = await acts(alone)
    assert kept == ["token"] * len(ALL)


async def test_a_page_elsewhere_guesses_no_pin_and_shuts_nobody_out(alone: Rig) -> None:
    url = alone.url + "/staff/sign-in"
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        for _ in range(6):
            async with alone.http.post(url, data={"pin": "0000"}, headers=headers) as answer:
                assert answer.status == 403
    async with alone.http.post(url, data={"pin": PIN}) as answer:
        assert answer.status == 200, "nobody was shut out"
    assert await acts(alone) == []


async def test_guessing_pins_is_journalled_and_shown_to_managers_alone(clerk: Staff) -> None:
    for guess in range(6):
        async with clerk.kiosk.http.post(
            clerk.kiosk.url + "/staff/sign-in", data={"pin": f"99{guess:02}"}
        ) as answer:
            assert answer.status == (403 if guess < 5 else 429)
    assert "locked" in await acts(clerk.kiosk)
    await clerk.kiosk.daemon.journal.put("pin_failures", "{}")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        manager = Staff(clerk.kiosk, browser)
        await manager.sign_in(PIN)
        assert "127.0.0.1" in await manager.page(path="/staff/settings")
    assert "127.0.0.1" not in await clerk.page(path="/staff/settings")
