"""Signing in at the fleet console: guesses elsewhere harm nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from hub.admin import TRIES
from hub.server import Hub

from .test_till_and_admin import add, sign_in


@pytest.fixture
async def http(hub: Hub) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(hub.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def test_a_guesser_elsewhere_does_not_shut_an_operator_out(
    hub: Hub, http: aiohttp.ClientSession
) -> None:
    await add(hub)
    http.headers["X-Forwarded-For"] = "203.0.113.9"
    for _ in range(TRIES):
        assert (await sign_in(http, password="guess-guess"))[0] == 403
    assert (await sign_in(http))[0] == 429
    http.headers["X-Forwarded-For"] = "203.0.113.10"
    assert (await sign_in(http))[0] == 200


@pytest.mark.parametrize("said", [("Sec-Fetch-Site", "cross-site"), ("Origin", "http://elsewhere.example")])
async def test_a_page_elsewhere_cannot_sign_in_or_be_counted(
    hub: Hub, http: aiohttp.ClientSession, said: tuple[str, str]
) -> None:
    await add(hub)
    http.headers[said[0]] = said[1]
    for _ in range(TRIES + 1):
        assert (await sign_in(http))[0] == 403
        assert (await sign_in(http, password="guess-guess"))[0] == 403
    del http.headers[said[0]]
    assert (await sign_in(http))[0] == 200
