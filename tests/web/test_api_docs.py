"""/api/docs and the description: every operation, in both languages, nothing from elsewhere."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from kiosk.web.api import operations
from kiosk.web.api.docs import ROOMS, SCOPES
from kiosk.web.api.openapi import codes_of, document
from kiosk.web.api.problems import CODES
from kiosk.web.api.summaries import SUMMARIES
from tests.web.rig import Rig

HEAVIEST = 150 * 1024


async def fetched(kiosk: Rig, path: str, language: str) -> tuple[int, str, str]:
    """Return the bytes on the wire, the text and the content type."""
    headers = {"Accept-Language": language, "Accept-Encoding": "gzip"}
    async with kiosk.http.get(kiosk.url + path, headers=headers, auto_decompress=False) as answer:
        assert answer.status == 200, path
        raw = await answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            import gzip

            return len(raw), gzip.decompress(raw).decode("utf-8", "replace"), answer.content_type
        return len(raw), raw.decode("utf-8", "replace"), answer.content_type


@pytest.mark.parametrize(("language", "title"), [("en", "Local API"), ("zh-CN", "本地接口")])
async def test_the_page_says_everything_in_both_languages(alone: Rig, language: str, title: str) -> None:
    size, html, media = await fetched(alone, "/api/docs", language)
    assert media == "text/html"
    assert f"<h1>{title}</h1>" in html
    for op in operations():
        assert f"{op.address}</code>" in html, op.address
    for code in CODES:
        assert f'id="{code}"' in html, "where a problem's type points to"
    assert "<script" not in html
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
    targets, ids = set(re.findall(r'href="#([^"]+)"', html)), set(re.findall(r'id="([^"]+)"', html))
    assert targets <= ids, targets - ids
    if language == "zh-CN":
        said = re.findall(r"<p>(.*?)</p>", html)
        assert not [p for p in map(unescape, said) if not re.search("[一-鿿]", p)]
    assets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', html)
    sheets = [await fetched(alone, unescape(a), language) for a in assets]
    fonts = [u for _, css, _ in sheets for u in re.findall(r"url\(['\"]?(/ui/font/[^)'\"]+)", css)]
    weights = [n for n, _, _ in sheets] + [(await fetched(alone, f, language))[0] for f in fonts]
    assert fonts
    assert size + sum(weights) <= HEAVIEST, (size, weights)


def test_every_operation_is_summed_up_in_a_sentence_with_chinese() -> None:
    assert {op.summary for op in operations()} == set(SUMMARIES) - {"Describe the interface."}
    assert all(op.summary.endswith(".") for op in operations())
    assert {op.handler.__module__.rpartition(".")[2] for op in operations()} == set(ROOMS)
    assert {op.scope for op in operations()} - {None} == set(SCOPES)


def test_every_code_belongs_to_an_operation_or_to_all() -> None:
    used = {code for op in operations() for code in codes_of(op)}
    assert set(CODES) - used == {"not_found", "method_not_allowed"}, "those are of addresses that are none"


def test_the_description_is_made_of_the_types() -> None:
    doc = document()
    assert doc["openapi"] == "3.1.0"
    redeem: dict[str, Any] = doc["paths"]["/api/v1/redeem"]["post"]
    asked = redeem["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    fields = doc["components"]["schemas"][asked]["properties"]
    assert (fields["total"]["anyOf"][0]["minimum"], fields["code"]["maxLength"]) == (0, 2048)
    assert redeem["x-scope"] == "redeem"
    assert {"200", "400", "401", "403", "413", "415", "421", "422", "500", "503"} == set(redeem["responses"])
    for ways in doc["paths"].values():
        if "post" in ways:
            keyed = "application/json" in ways["post"]["requestBody"]["content"]
            named = [p["name"] for p in ways["post"].get("parameters", ())]
            assert ("Idempotency-Key" in named) is keyed
    names = [way["operationId"] for ways in doc["paths"].values() for way in ways.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", ["/api/docs", "/api/v1/openapi.json"])
async def test_whoever_reaches_the_kiosk_may_read_how_it_is_asked(alone: Rig, path: str) -> None:
    async with alone.http.get(alone.url + path, headers={"X-Forwarded-For": "192.168.1.9"}) as answer:
        assert answer.status == 200
