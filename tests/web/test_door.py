"""Who may do what: strangers' pages, strangers' names, proxies, tokens, PINs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.web.rig import PIN, Rig, rig

REDEEM = {"code": "ABCDEF"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "https://evil.example"}, 401),
        ({"Sec-Fetch-Site": "cross-site"}, 401),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"X-Forwarded-For": "192.168.1.9"}, 401),
        ({"X-Forwarded-Proto": "https"}, 401),
        ({"X-Forwarded-Host": "kiosk.shop.example"}, 401),
        ({"Forwarded": "for=192.168.1.9"}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Host": "192.168.1.20:8080"}, 401),
        ({"Host": "kiosk.local"}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer \xfc\xfc"}, 401),
    ],
)
async def test_only_the_machine_itself_may_redeem_without_a_token(
    alone: Rig, headers: dict[str, str], status: int
) -> None:
    assert (await alone.post("/api/v1/redeem", REDEEM, headers=headers))[0] == status


async def test_a_form_of_another_page_is_not_json(alone: Rig) -> None:
    async with alone.http.post(alone.url + "/api/v1/redeem", data={"code": "ABCDEF"}) as answer:
        assert answer.status == 415


async def test_the_holder_of_the_token_may_call_from_elsewhere(alone: Rig, tmp_path: Path) -> None:
    file = tmp_path / "kiosk" / "local.token"
    assert file.stat().st_mode & 0o777 == 0o600
    token = file.read_text().strip()
    headers = {"X-Forwarded-For": "192.168.1.9", "Authorization": f"Bearer {token}"}
    assert (await alone.post("/api/v1/redeem", REDEEM, headers=headers))[0] == 200


async def test_metrics_and_devices_are_for_the_machine(alone: Rig) -> None:
    for path in ("/metrics", "/api/v1/settings", "/simulator"):
        assert (await alone.get(path, headers={"X-Forwarded-For": "10.0.0.9"}))[0] in (401, 403), path


async def test_names_of_a_proxy_are_let_in_when_configured(tmp_path: Path) -> None:
    async with rig(tmp_path, hub=False, hosts=("shop.example",)) as kiosk:
        assert (await kiosk.get("/staff", headers={"Host": "shop.example"}))[0] == 200
        assert (await kiosk.get("/staff", headers={"Host": "other.example"}))[0] == 421


async def _sign_in(kiosk: Rig, pin: str, session: aiohttp.ClientSession | None = None, **more: Any) -> int:
    async with (session or kiosk.http).post(
        kiosk.url + "/staff/sign-in", data={"pin": pin}, **more
    ) as answer:
        return answer.status


async def test_five_wrong_pins_shut_the_door_also_after_a_restart(tmp_path: Path) -> None:
    async with rig(tmp_path, hub=False) as kiosk:
        assert [await _sign_in(kiosk, "0000") for _ in range(6)] == [403] * 5 + [429]
        assert await _sign_in(kiosk, PIN) == 429
    async with rig(tmp_path, hub=False) as kiosk:
        assert await _sign_in(kiosk, PIN) == 429


async def test_a_session_needs_its_token_and_its_own_pages(kiosk: Rig) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        assert await _sign_in(kiosk, PIN, browser) == 200
        async with browser.get(kiosk.url + "/staff") as answer:
            page = await answer.text()
        found = re.search(r'data-csrf="([0-9a-f]{32})"', page)
        assert found
        ask = {"json": {"code": "ABCDEFGH"}}
        async with browser.post(kiosk.url + "/staff/redeem", **ask) as answer:
            assert answer.status == 403
        good = {"X-CSRF": found[1]}
        async with browser.post(
            kiosk.url + "/staff/redeem", headers={**good, "Origin": "https://evil.example"}, **ask
        ) as answer:
            assert answer.status == 403
        async with browser.post(kiosk.url + "/staff/redeem", headers=good, **ask) as answer:
            assert answer.status == 200
            assert (await answer.json())["verdict"] == "refused"
    async with kiosk.http.post(kiosk.url + "/staff/redeem", headers=good, **ask) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("cookie", ["", "x", "1.2.3", "99999999999.aa.bb", "99999999999..", "é.é.é"])
async def test_a_made_up_session_is_none(alone: Rig, cookie: str) -> None:
    async with alone.http.get(alone.url + "/staff", headers={"Cookie": f"staff={cookie}"}) as answer:
        assert answer.status == 200
        assert 'name="pin"' in await answer.text()


async def test_every_answer_keeps_the_page_to_itself(alone: Rig) -> None:
    for path in ("/", "/staff", "/api/v1/counter", "/api/v1/nothing", "/static/counter.js"):
        async with alone.http.get(alone.url + path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_no_path_leads_out_of_the_made_files(kiosk: Rig) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        assert await _sign_in(kiosk, PIN, browser) == 200
        for name in ("../local.token", "..%2Flocal.token", "a.pdf/../../local.token", "%2e%2e/staff.pin"):
            async with browser.get(f"{kiosk.url}/staff/made/{name}") as answer:
                assert answer.status in (404, 400), name
