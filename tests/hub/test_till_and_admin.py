"""POST /api/v1/redeem for tills, and the fleet console."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import msgspec
import pytest

from hub.admin import TRIES
from hub.parts import now
from hub.server import Hub
from hub.store import people, report, upload
from hub.store.catalog import BatchFile
from hub.till_api import device_of, till_key
from kiosk.sync import protocol as p

from .world import CAPPED, Journal, Kiosk, batch, batch_file, issued, opened

PASSWORD = "right-horse-9"


@pytest.fixture
async def http(hub: Hub) -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        hub.url, cookie_jar=jar, headers={"Accept-Language": "zh-CN"}
    ) as session:
        yield session


async def redeem(
    http: aiohttp.ClientSession, hub: Hub, body: Any, store: str = "kjy-south"
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {store}:{till_key(opened(hub), store)}"}
    async with http.post("/api/v1/redeem", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


# -- tills --


async def test_a_till_redeems_with_discount_and_tag(hub: Hub, http: aiohttp.ClientSession) -> None:
    parts = opened(hub)
    file = msgspec.convert(batch_file(batch("TAG", goods_tags=["MUTEX_STORE", "NO_MUTEX_STORE"])), BatchFile)
    await parts.database.run(parts.catalog.load, file)
    first, second = await issued(hub, "TAG", 2)
    status, told = await redeem(http, hub, {"code": first.code, "total": 1200, "request_no": "A1"})
    assert status == 200
    rid = told.pop("rid")
    assert told == {
        "verdict": "confirmed", "reason": "", "batch": "TAG", "first_use": None, "threshold": "met", "discount": 100,
        "goods_tag": "MUTEX_STORE",
    }  # fmt: skip
    assert (await redeem(http, hub, {"code": first.code, "total": 1200, "request_no": "A1"}))[1]["rid"] == rid
    _, told = await redeem(http, hub, {"code": second.code, "total": 1200, "own_coupon_applied": True})
    assert (told["verdict"], told["goods_tag"]) == ("confirmed", "NO_MUTEX_STORE")
    _, told = await redeem(http, hub, {"code": first.code, "total": 1200, "request_no": "A2"})
    assert (told["verdict"], told["reason"], told["first_use"]["store"]) == (
        "refused",
        "used",
        "科技园南区店",
    )
    rows = await parts.database.run(lambda c: list(report.redemptions(c, "main", None, None)))
    assert sorted(r["state"] for r in rows) == ["recorded", "recorded"]


async def test_a_till_may_number_its_requests_as_its_orders_at_wechat(
    hub: Hub, http: aiohttp.ClientSession
) -> None:
    first, second = await issued(hub, CAPPED, 2)
    number = "T_01-20261125|7*@" + "9" * 15
    _, told = await redeem(http, hub, {"code": first.code, "request_no": number})
    assert told["verdict"] == "confirmed"
    assert re.fullmatch("[0-9A-Za-z]{1,32}", told["rid"])
    assert (await redeem(http, hub, {"code": first.code, "request_no": number}))[1] == told
    assert (await redeem(http, hub, {"code": second.code, "request_no": number}))[1]["reason"] == "rid_reuse"
    assert (await redeem(http, hub, {"code": second.code, "request_no": number + "9"}))[0] == 400


async def test_tills_of_two_stores_may_count_alike(hub: Hub, http: aiohttp.ClientSession) -> None:
    first, second = await issued(hub, CAPPED, 2)
    told = [
        (await redeem(http, hub, {"code": one.code, "request_no": "0001"}, store))[1]["verdict"]
        for one, store in ((first, "kjy-south"), (second, "renmin"))
    ]
    assert told == ["confirmed", "confirmed"]
    assert (await redeem(http, hub, {"code": second.code, "request_no": "0001"}))[1]["reason"] == "rid_reuse"


@pytest.mark.parametrize(
    "key", ["", "Bearer", "Bearer kjy-south:0", "Basic a2p5", "Bearer renmin:KEY", "Bearer é:é", "Bearer :"]
)
async def test_without_a_key_nothing_is_redeemed(hub: Hub, http: aiohttp.ClientSession, key: str) -> None:
    [made] = await issued(hub, CAPPED)
    key = key.replace("KEY", till_key(opened(hub), "kjy-south"))
    async with http.post(
        "/api/v1/redeem", json={"code": made.code}, headers={"Authorization": key}
    ) as answer:
        assert (answer.status, (await answer.json())["error"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"code": ""}, {"code": "x" * 401}, {"code": 5}, {"code": "A", "total": -1}, {"code": "A", "total": 10**13},
        {"code": "A", "total": 1.5}, {"code": "A", "request_no": "a b"}, {"code": "A", "goods": [{}]}, {"code": "A", "store": "renmin"},
        {"code": "A", "goods": [{"id": "1", "quantity": 1, "price": 1}] * 501},
    ],
)  # fmt: skip
async def test_a_bad_request_is_one_sentence(hub: Hub, http: aiohttp.ClientSession, body: Any) -> None:
    status, told = await redeem(http, hub, body)
    assert (status, told["error"]) == (400, "bad_request")


async def test_a_store_that_is_not_there_has_no_till(hub: Hub, http: aiohttp.ClientSession) -> None:
    status, told = await redeem(http, hub, {"code": "ABC"}, "nowhere")
    assert (status, told["message"]) == (400, "there is no store nowhere.")


async def test_openapi_describes_what_is_there(hub: Hub, http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v1/openapi.json") as answer:
        doc = await answer.json()
    assert set(doc["paths"]) == {
        "/api/v1/redeem",
        "/api/v1/rollback",
        "/api/v1/openapi.json",
        "/healthz",
        "/metrics",
    }
    _, told = await redeem(http, hub, {"code": "ABC123"})
    schemas = doc["components"]["schemas"]
    assert set(told) == set(schemas["RedeemResult"]["properties"])
    assert set(schemas["RedeemAsk"]["properties"]) == {
        "code",
        "total",
        "goods",
        "own_coupon_applied",
        "request_no",
        "store",
    }
    for path, methods in doc["paths"].items():
        for method, about in methods.items():
            async with http.request(method, path, data=b"") as answer:
                assert str(answer.status) in about["responses"], path
                assert answer.content_type in about["responses"][str(answer.status)]["content"], path
    refs = set(re.findall(r'"\$ref": ?"#/components/schemas/(\w+)"', msgspec.json.encode(doc).decode()))
    assert refs <= set(schemas)


# -- console --


async def add(hub: Hub, name: str = "王店长", role: str = "manager", password: str = PASSWORD) -> None:
    await opened(hub).database.run(people.add, "main", name, role, password, now())


async def sign_in(
    http: aiohttp.ClientSession, name: str = "王店长", password: str = PASSWORD
) -> tuple[int, str]:
    async with http.post("/admin/sign-in", data={"name": name, "password": password}) as answer:
        return answer.status, await answer.text()


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]


async def test_a_person_signs_in_and_out(hub: Hub, http: aiohttp.ClientSession) -> None:
    await add(hub)
    async with http.get("/") as answer:
        assert "登录" in await answer.text()
    assert (await sign_in(http, password="wrong-horse-9"))[0] == 403
    status, page = await sign_in(http)
    assert status == 200
    assert "王店长 · 店长" in page
    assert "满10减1商家券" in page
    [cookie] = list(http.cookie_jar)
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    async with http.post("/admin/sign-out") as answer:
        assert "登录" in await answer.text()


async def test_guessing_locks_a_name_for_a_while(hub: Hub, http: aiohttp.ClientSession) -> None:
    await add(hub)
    await add(hub, "other")
    for _ in range(TRIES):
        assert (await sign_in(http, password="guess-guess"))[0] == 403
    status, page = await sign_in(http)
    assert (status, "尝试次数过多" in page) == (429, True)
    assert (await sign_in(http, "other"))[0] == 200


@pytest.mark.parametrize(
    "name",
    ["", "nobody", "\x00", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "é" * 200],
)
async def test_a_stranger_learns_nothing(http: aiohttp.ClientSession, name: str) -> None:
    status, page = await sign_in(http, name)
    assert (status, "用户名或密码不正确" in page) == (403, True)


@pytest.mark.parametrize("path", ["/admin/sign-in", "/admin/approve", "/c/kjy-south/claim"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n\r\n"),
        ("multipart/form-data", b"--"),
        ("application/x-www-form-urlencoded; charset=utf-9", b"name=a"),
        ("application/x-www-form-urlencoded", b"name=\xff"),
        ("application/x-www-form-urlencoded", b"a=1&" * 50),
    ],
    ids=["multipart", "boundary", "charset", "utf8", "fields"],
)
async def test_what_no_page_of_ours_posts_is_refused(
    http: aiohttp.ClientSession, path: str, kind: str, body: bytes
) -> None:
    async with http.post(path, data=body, headers={"Content-Type": kind}, allow_redirects=False) as answer:
        assert 400 <= answer.status < 500


@pytest.mark.parametrize(
    "cookie", ["a", "a.b.c", "é.1.x", "eA.99999999999.x", "eA==.x.x", "..", "a.9" + "9" * 5000 + ".c"]
)
async def test_a_forged_session_is_none(hub: Hub, cookie: str) -> None:
    await add(hub, "x")
    async with (
        aiohttp.ClientSession(hub.url) as http,
        http.get("/admin", headers={"Cookie": f"console={cookie}"}) as answer,
    ):
        assert answer.status == 200
        assert 'action="/admin/sign-in"' in await answer.text()


async def test_a_new_password_or_role_counts_at_once(hub: Hub, http: aiohttp.ClientSession) -> None:
    await add(hub)
    page = (await sign_in(http))[1]
    assert "暂停</button>" in page
    await add(hub, role="viewer", password="another-horse-9")
    async with http.get("/admin") as answer:
        assert 'action="/admin/sign-in"' in await answer.text()
    page = (await sign_in(http, password="another-horse-9"))[1]
    assert "暂停</button>" not in page


async def test_changes_need_role_and_form(hub: Hub, http: aiohttp.ClientSession) -> None:
    await add(hub)
    page = (await sign_in(http))[1]
    want = {"stock_id": CAPPED, "do": "pause"}
    for token in ("", "0" * 32, "é"):
        async with http.post("/admin/batch", data={**want, "csrf": token}) as answer:
            assert answer.status == 403
    async with (
        aiohttp.ClientSession(hub.url) as other,
        other.post("/admin/batch", data={**want, "csrf": csrf(page)}) as answer,
    ):
        assert answer.status == 403
    parts = opened(hub)
    found = await parts.database.run(parts.catalog.batch, CAPPED)
    assert found is not None
    assert found.status == "running"
    async with http.post("/admin/batch", data={**want, "csrf": csrf(page)}) as answer:
        assert answer.status == 200
    found = await parts.database.run(parts.catalog.batch, CAPPED)
    assert found is not None
    assert found.status == "paused"
    async with http.post("/admin/batch", data={"stock_id": "nothing\x00", "csrf": csrf(page)}) as answer:
        assert answer.status == 409
        assert "批次未能更改" in await answer.text()


async def test_a_kiosk_is_let_in_and_shut_out_on_the_page(hub: Hub, http: aiohttp.ClientSession) -> None:
    await add(hub, role="operator")
    kiosk = Kiosk(hub.url)
    code = (await kiosk.enrol(name="<b>柜台</b>"))[1]["code"]
    page = (await sign_in(http))[1]
    assert code in page
    assert "<b>柜台" not in page
    async with http.post(
        "/admin/approve", data={"csrf": csrf(page), "code": "WRONG", "store": "renmin"}
    ) as answer:
        assert (answer.status, "没有设备在等待" in await answer.text()) == (409, True)
    async with http.post(
        "/admin/approve", data={"csrf": csrf(page), "code": code, "store": "renmin"}
    ) as answer:
        assert "使用中" in await answer.text()
    assert (await kiosk.call("GET", "changes"))[0] == 200
    async with http.post("/admin/revoke", data={"csrf": csrf(page), "device": kiosk.device}) as answer:
        assert "已停用" in await answer.text()
    assert (await kiosk.call("GET", "changes"))[0] == 403
    await kiosk.close()


async def test_conflicts_and_what_was_noticed_are_shown(
    hub: Hub, http: aiohttp.ClientSession, kiosk: Kiosk
) -> None:
    await add(hub)
    [made] = await issued(hub, CAPPED)
    assert (await kiosk.ask(made.code))["status"] == "ok"
    book = Journal()
    book.record(made.coupon)
    book.add("redeem_record", "", {"coupon": "<script>"})
    told = await kiosk.upload(book.run())
    assert [i["status"] for i in told["items"]] == ["conflict", "quarantined"]
    page = (await sign_in(http))[1]
    assert made.coupon in page
    assert "有一条流水内容异常" in page
    assert "<script>" not in page


async def test_what_a_kiosk_has_lost_is_shown_by_number(
    hub: Hub, http: aiohttp.ClientSession, kiosk: Kiosk
) -> None:
    await add(hub)
    book = Journal("e1")
    for _ in range(6):
        book.add("state_report")
    await kiosk.upload(book.run())
    left = p.Ended("e1", ((1, 3), (8, 8)), 9, ((3, "0" * 64),))
    await kiosk.upload(p.Upload("e2", 1, p.GENESIS, (), left))
    page = (await sign_in(http))[1]
    assert "云端仍有的流水：第 3–6 条" in page
    assert "两边都已丢失的流水：第 7, 9 条" in page


@pytest.mark.parametrize(
    "left",
    [
        {"epoch": "e1", "kept": [[0, 1]], "had": 0},
        {"epoch": "e1", "kept": [[1, 1]] * 101, "had": 0},
        {"epoch": "e1"},
        7,
    ],
)
async def test_a_wrong_end_of_an_epoch_is_one_sentence(kiosk: Kiosk, left: Any) -> None:
    status, told = await kiosk.call(
        "POST", "journal", {"epoch": "e2", "first_seq": 1, "prev": p.GENESIS, "items": [], "ended": left}
    )
    assert (status, told["error"]) == (400, "bad_request")
    assert "ended" in told["message"]


async def test_an_approval_that_was_never_recorded_is_listed_and_can_be_freed(
    hub: Hub, http: aiohttp.ClientSession, kiosk: Kiosk
) -> None:
    await add(hub)
    made = await issued(hub, CAPPED, 2)
    await kiosk.upload(Journal().run())
    lost, kept = [await kiosk.ask(one.code) for one in made]
    assert "已批准但无流水" not in (await sign_in(http))[1], "its record may be on the way"
    book = Journal()
    book.record(made[1].coupon, kept["rid"], verdict="confirmed")
    await kiosk.upload(book.run())
    async with http.get("/admin") as answer:
        page = await answer.text()
    assert "已批准但无流水" in page
    assert f'name="rid" value="{lost["rid"]}"' in page
    waiting = page[page.index("已批准但无流水") : page.index("最近核销")]
    assert (lost["rid"] in waiting, kept["rid"] in waiting) == (True, False)
    for status, said in ((200, "已由人工释放"), (409, "该核销已有流水或已被释放")):
        async with http.post("/admin/give-up", data={"csrf": csrf(page), "rid": lost["rid"]}) as answer:
            assert (answer.status, said in await answer.text()) == (status, True)
    assert (await kiosk.ask(made[0].code))["status"] == "ok"
    async with http.post("/admin/give-up", data={"csrf": "0", "rid": lost["rid"]}) as answer:
        assert answer.status == 403


async def test_an_approval_of_a_kiosk_that_was_heard_a_day_later_is_listed(hub: Hub, kiosk: Kiosk) -> None:
    parts = opened(hub)
    [made] = await issued(hub, CAPPED)
    told = await kiosk.ask(made.code)

    async def listed() -> list[str]:
        return [row["rid"] for row in await parts.database.run(report.unconfirmed, parts.tenant)]

    for hours, found in ((23, []), (25, [told["rid"]])):
        await parts.database.run(upload.touch, parts.tenant, kiosk.device, now() + timedelta(hours=hours))
        assert await listed() == found


def test_no_two_stores_share_a_tills_identity() -> None:
    """The longest names of stores have 32 letters; the column of devices holds as many."""
    names = ["S1", "a" * 27, "a" * 28, "a" * 32, "a" * 31 + "b"]
    assert len({device_of(name) for name in names}) == len(names)
    assert all(device_of(name).startswith("till:") and len(device_of(name)) <= 32 for name in names)
    assert device_of("a" * 27) == "till:" + "a" * 27
