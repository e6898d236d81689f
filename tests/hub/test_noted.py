"""What was noticed in journals is said on the fleet console, in both languages, with what is needed to act on it."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from hub.parts import now
from hub.schema import audit
from hub.server import Hub
from hub.store import report

from .test_till_and_admin import add, sign_in
from .world import CAPPED, Journal, Kiosk, issued, opened

HEADS = {"zh-CN": "异常记录", "en": "Noticed"}
SAID = {
    "after_revocation": {"zh-CN": "已停用的终端补报了", "en": "A kiosk that was shut out reports"},
    "void_of_used": {"zh-CN": "小票的券码在核销之后才被作废", "en": "made void after it had been used"},
}


async def console(hub: Hub, language: str) -> str:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        hub.url, cookie_jar=jar, headers={"Accept-Language": language}
    ) as session:
        status, page = await sign_in(session)
    assert status == 200
    return page


async def note(hub: Hub, what: str, detail: dict[str, Any]) -> None:
    row = sa.insert(audit).values(tenant="main", at=now(), actor="kA", what=what, detail=detail)
    await opened(hub).database.run(lambda c: c.execute(row))


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_everything_that_is_noted_has_a_sentence(hub: Hub, language: str) -> None:
    await add(hub)
    for what in report.NOTED:
        await note(hub, what, {})
    page = await console(hub, language)
    told = page[page.index("<h2>" + HEADS[language]) :]
    assert told.count("<tr><td>") == len(report.NOTED)
    assert all(said[language] in told for said in SAID.values())


async def test_a_void_of_a_kiosk_that_was_shut_out_can_be_acted_on(hub: Hub, kiosk: Kiosk) -> None:
    """The approval is listed with a button that frees it; the note names coupon and redemption."""
    parts = opened(hub)
    await add(hub)
    [made] = await issued(hub, CAPPED)
    rid = (await kiosk.ask(made.code))["rid"]
    await parts.database.run(parts.devices.revoke, kiosk.device, "boss", now())
    book = Journal()
    book.add("void", rid, {"coupon": made.coupon, "stock_id": CAPPED, "why": "answer lost"})
    await kiosk.upload(book.run())
    page = await console(hub, "en")
    assert 'action="/admin/give-up"><input type="hidden" name="csrf" value="' in page
    assert f'name="rid" value="{rid}"' in page
    assert f"<code>{made.coupon} · {rid}</code>" in page
