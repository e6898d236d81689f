"""A wrong redemption is undone at the hub: role-checked, once, noted, and told to its kiosk alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from hub import admin
from hub.errors import Refused
from hub.parts import Parts, now
from hub.server import Hub
from hub.store import feed
from hub.store.acts import Undone
from hub.till_api import till_key
from kiosk.coupons.ids import new_rid

from .command import Run
from .lease_world import Till, filled, row
from .test_decide import ask, redeemed, upload, uses
from .test_till_and_admin import add, csrf, redeem, sign_in
from .test_upload import noted, state, take
from .world import CAPPED, Journal, issue, issued, on_both, opened


def undo(parts: Parts, rid: str, **more: Any) -> Undone:
    return parts.database.call(parts.acts.roll_back, rid, "wrong customer", "boss", now(), **more)


def told(parts: Parts, device: str) -> list[str]:
    _, _, items = parts.database.call(feed.since, "main", device, "")
    return [i.id for i in items if i.type == "rollback"]


def honoured(parts: Parts, device: str = "kA") -> tuple[Any, str, Journal]:
    """Redeem a coupon at a kiosk with its record; return coupon, rid and journal."""
    [made] = issue(parts, CAPPED)
    rid, book = new_rid(), Journal()
    assert ask(parts, made.code, rid, device).status == "ok"
    book.record(made.coupon, rid, verdict="confirmed")
    take(parts, device, book.run())
    return made, rid, book


@on_both
def test_a_redemption_is_undone_once_and_its_kiosk_alone_is_told(parts: Parts) -> None:
    made, rid, _ = honoured(parts)
    assert undo(parts, rid) == Undone(rid, False)
    assert undo(parts, rid) == Undone(rid, True)
    assert (state(parts, rid), uses(parts, made.coupon), redeemed(parts, CAPPED)) == ("rolled_back", 0, 0)
    [note] = noted(parts, "rolled_back")
    assert (note["rid"], note["coupon"], note["device"], note["why"]) == (
        rid,
        made.coupon,
        "kA",
        "wrong customer",
    )
    assert (told(parts, "kA"), told(parts, "kB")) == ([rid], [])
    assert ask(parts, made.code, device="kB").status == "ok"


@on_both
def test_what_the_kiosk_says_of_it_later_frees_no_second_use(parts: Parts) -> None:
    made, rid, book = honoured(parts)
    undo(parts, rid)
    book.add("rollback", "", {"of": rid, "why": "wrong customer", "by": "hub: boss"})
    book.record(made.coupon, rid, verdict="confirmed")
    verdicts = [i.verdict for i in take(parts, "kA", book.run(2)).items]
    assert verdicts == ["rolled_back", "rolled_back"]
    assert ask(parts, made.code, device="kB").status == "ok"
    assert uses(parts, made.coupon) == redeemed(parts, CAPPED) == 1


@on_both
def test_what_a_kiosk_undid_itself_is_undone_already(parts: Parts) -> None:
    made, rid, book = honoured(parts)
    book.add("rollback", "", {"of": rid, "why": "", "by": "staff"})
    take(parts, "kA", book.run(2))
    assert undo(parts, rid) == Undone(rid, True)
    assert told(parts, "kA") == []
    assert uses(parts, made.coupon) == 0


@on_both
def test_a_use_that_comes_free_resolves_a_conflict(parts: Parts) -> None:
    made, rid, _ = honoured(parts)
    other = Journal()
    other.record(made.coupon, "later")
    upload(parts, "kB", other)
    assert state(parts, "later") == "conflict"
    undo(parts, rid)
    assert state(parts, "later") == "recorded"
    assert uses(parts, made.coupon) == redeemed(parts, CAPPED) == 1


@on_both
def test_a_conflict_that_is_undone_frees_nothing(parts: Parts) -> None:
    made, _, _ = honoured(parts)
    other = Journal()
    other.record(made.coupon, "later")
    upload(parts, "kB", other)
    undo(parts, "later")
    assert (state(parts, "later"), told(parts, "kB")) == ("rolled_back", ["later"])
    assert uses(parts, made.coupon) == redeemed(parts, CAPPED) == 1


@on_both
def test_an_approval_that_its_kiosk_may_be_about_to_honour_is_not_undone(parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    rid = new_rid()
    ask(parts, made.code, rid)
    with pytest.raises(Refused, match="not honoured") as caught:
        undo(parts, rid)
    assert caught.value.error == "not_honoured"
    assert (state(parts, rid), noted(parts, "rolled_back")) == ("ok", [])
    with pytest.raises(Refused, match="no redemption"):
        undo(parts, "nothing")


@on_both
def test_a_use_from_a_lease_goes_back_to_the_lease(parts: Parts) -> None:
    [made] = filled(parts, 1)
    till = Till(parts, "kA")
    till.lease("L1")
    rid = till.honour(made.coupon, "L1")
    till.upload()
    assert row(parts, "L1").used == 1
    undo(parts, rid)
    assert (row(parts, "L1").used, uses(parts, made.coupon)) == (0, 0)
    assert ask(parts, made.code, device="kB").reason == "leased_elsewhere"


# -- who may --


@pytest.fixture
async def http(hub: Hub) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        hub.url, cookie_jar=jar, headers={"Accept-Language": "zh-CN"}
    ) as session:
        yield session


async def ask_undo(
    http: aiohttp.ClientSession, hub: Hub, body: Any, store: str | None = "kjy-south"
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {store}:{till_key(opened(hub), store)}"} if store else {}
    async with http.post("/api/v1/rollback", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_till_undoes_its_own_redemption_and_no_other(hub: Hub, http: aiohttp.ClientSession) -> None:
    [made] = await issued(hub, CAPPED)
    _, first = await redeem(http, hub, {"code": made.code, "total": 1200, "request_no": "A1"})
    assert (await ask_undo(http, hub, {"rid": first["rid"]}, "renmin"))[0] == 404
    assert (await ask_undo(http, hub, {"request_no": "A1"}, "renmin"))[0] == 404
    assert (await ask_undo(http, hub, {"rid": first["rid"]}, None))[0] == 401
    assert (await ask_undo(http, hub, {}))[1]["error"] == "bad_request"
    told = [await ask_undo(http, hub, {"request_no": "A1", "why": "wrong item"}) for _ in range(2)]
    assert told == [(200, {"rid": first["rid"], "again": again}) for again in (False, True)]
    _, late = await redeem(http, hub, {"code": made.code, "total": 1200, "request_no": "A1"})
    assert (late["verdict"], late["reason"]) == ("refused", "voided"), "the old request takes no effect again"
    _, fresh = await redeem(http, hub, {"code": made.code, "total": 1200, "request_no": "A2"})
    assert fresh["verdict"] == "confirmed"


async def test_a_person_needs_a_role_that_may_change_things(hub: Hub, http: aiohttp.ClientSession) -> None:
    parts = opened(hub)
    _, rid, _ = honoured(parts)
    await add(hub, role="viewer")
    page = (await sign_in(http))[1]
    assert "撤销</button>" not in page
    assert (await ask_undo(http, hub, {"rid": rid}, None))[0] == 401
    cookie = next(one.value for one in http.cookie_jar if one.key == admin.COOKIE)
    good = admin._mark(parts, "csrf", cookie.split(".")[2])[:32]
    async with http.post("/admin/rollback", data={"csrf": good, "rid": rid, "why": "x"}) as answer:
        assert answer.status == 403, "the form is right, the role is not"
    assert state(parts, rid) == "recorded"
    await add(hub, role="manager")
    page = (await sign_in(http))[1]
    assert f'name="rid" value="{rid}"' in page
    for status, said in ((200, "一笔核销已由人工撤销"), (409, "没有撤销：此前已撤销")):
        async with http.post(
            "/admin/rollback", data={"csrf": csrf(page), "rid": rid, "why": "点错"}
        ) as answer:
            assert (answer.status, said in await answer.text()) == (status, True)
    [note] = noted(parts, "rolled_back")
    assert note["why"] == "点错"


async def test_another_pages_form_undoes_nothing(hub: Hub, http: aiohttp.ClientSession) -> None:
    """A form may be sent as text/plain with the person's cookie; what it holds reads like JSON."""
    parts = opened(hub)
    _, rid, _ = honoured(parts)
    await add(hub, role="manager")
    await sign_in(http)
    forged = json.dumps({"rid": rid, "why": "="})
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        async with http.post("/api/v1/rollback", data=forged, headers={"Content-Type": kind}) as answer:
            assert (answer.status, (await answer.json())["error"]) == (400, "bad_request")
    assert state(parts, rid) == "recorded"
    assert (await ask_undo(http, hub, {"rid": rid}, None))[0] == 200


def test_the_command_undoes_once(loaded: Run, parts: Parts) -> None:
    _, rid, _ = honoured(parts)
    assert "--why" in loaded.wrong(2, "rollback", rid)
    assert "--why is 1 to" in loaded.wrong(2, "rollback", rid, "--why", " ")
    assert loaded("rollback", rid, "--why", "wrong customer")[:2] == (
        0,
        f"{rid} is undone; its coupon can be used again.\n",
    )
    assert loaded("rollback", rid, "--why", "again")[:2] == (
        1,
        f"{rid} was undone before; nothing has changed.\n",
    )
    assert "no redemption" in loaded.wrong(1, "rollback", "nothing", "--why", "x")


def test_the_command_frees_what_a_kiosk_that_was_shut_out_never_recorded(loaded: Run, parts: Parts) -> None:
    [made] = issue(parts, CAPPED)
    rid = new_rid()
    parts.database.call(parts.devices.enrol, "kA", b"x" * 32, "", None, {}, now())
    assert ask(parts, made.code, rid).status == "ok"
    assert "not honoured" in loaded.wrong(1, "rollback", rid, "--why", "its record may be on the way")
    parts.database.call(parts.devices.revoke, "kA", "boss", now())
    assert loaded("rollback", rid, "--why", "answer lost")[0] == 0
    assert "not honoured" in loaded.wrong(1, "rollback", rid, "--why", "again")
    assert ask(parts, made.code, device="kB").status == "ok"
