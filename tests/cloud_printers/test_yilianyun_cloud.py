"""The simulated Yilianyun answers a client that knows nothing of ours as the facts say the real one does."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulators import yilianyun_push
from tests.cloud_printers.rig import Rig, until

MACHINE, OTHER = "4004500001", "4004500002"
CLIENT, SECRET = "1099000123", "4f1c0de5a7b84c6e9d2f3a1b5c7e9f01"


class Client:
    """Speaks plain HTTP, in one version."""

    def __init__(self, rig: Rig, http: aiohttp.ClientSession) -> None:
        self.rig, self.http, self.version, self.token = rig, http, int(rig.kind[-1]), ""

    def fields(self, **change: str) -> dict[str, str]:
        at = change.get("timestamp", str(int(time.time())))
        sign = hashlib.md5(f"{CLIENT}{at}{SECRET}".encode()).hexdigest()
        return {"client_id": CLIENT, "timestamp": at, "sign": sign, "id": str(uuid.uuid4()), **change}

    async def post(self, path: str, data: Any) -> tuple[int, Any]:
        """Return the result code by version 1's numbers, and the body."""
        async with self.http.post(self.rig.sim.url(self.version) + path, data=data, headers=FORM) as answer:
            assert answer.status == 200
            value = json.loads(await answer.text())
        assert isinstance(value["error"], str if self.version == 1 else int)
        assert ("timestamp" in value) == (self.version == 2)
        code = int(value["error"])
        assert (value["error_description"] == "success") == (code == 0)
        return (code - 1000 if self.version == 2 and code else code), value.get("body")

    async def call(self, path: str, **params: str) -> tuple[int, Any]:
        return await self.post(path, self.fields(**{"access_token": self.token, **params}))

    async def fetch(self) -> tuple[int, Any]:
        return await self.post("/oauth/oauth", self.fields(grant_type="client_credentials", scope="all"))

    async def print(self, origin: str, **params: str) -> Any:
        code, body = await self.call(
            "/print/index",
            **{"machine_code": MACHINE, "content": "券\n", "origin_id": origin, "idempotence": "1", **params},
        )
        assert code == 0
        assert isinstance(body["id"], str if self.version == 1 else int)
        assert body["origin_id"] == origin
        return str(body["id"])


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def client(yilianyun: Rig) -> Any:
    async with aiohttp.ClientSession() as http:
        made = Client(yilianyun, http)
        made.token = (await made.fetch())[1]["access_token"]
        yield made


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sign": "0" * 32}, 11),
        ({"timestamp": "1767225600"}, 11),
        ({"id": "not-a-uuid"}, 33),
        ({"id": str(uuid.UUID(int=1))}, 33),
        ({"client_id": "1"}, 5),
        ({"access_token": "wrong"}, 18),
        ({"access_token": ""}, 12),
        ({"machine_code": "4004599999"}, 8),
        ({"machine_code": OTHER}, 10),
        ({"machine_code": ""}, 12),
    ],
)
async def test_error_answers(client: Client, change: dict[str, str], code: int) -> None:
    assert (await client.call("/printer/getprintstatus", **{"machine_code": MACHINE, **change}))[0] == code


async def test_a_body_that_is_not_encoded_is_a_wrong_signature(client: Client) -> None:
    from urllib.parse import urlencode

    plain = urlencode(
        client.fields(access_token=client.token, machine_code=MACHINE, origin_id="a1", idempotence="1")
    )
    assert (await client.post("/print/index", plain + "&content=salt&pepper"))[0] == 11


async def test_twenty_tokens_a_day_and_the_old_one_dies(client: Client) -> None:
    client.rig.sim.control.set_settings({"old_token_s": 3600})
    old = client.token
    for _ in range(19):
        code, body = await client.fetch()
        assert code == 0
    assert (await client.fetch())[0] == 41
    assert body["machine_code"] == ""
    assert (await client.call("/printer/getprintstatus", machine_code=MACHINE))[0] == 0
    client.rig.sim.site.ahead_s = 3700
    client.token = body["access_token"]
    late = {"timestamp": str(int(time.time()) + 3700), "machine_code": MACHINE}
    assert (await client.call("/printer/getprintstatus", **late))[0] == 0
    client.token = old
    assert (await client.call("/printer/getprintstatus", **late))[0] == 18


async def test_a_refresh_counts_and_its_repeat_does_not(client: Client) -> None:
    _, body = await client.fetch()
    ask = {"grant_type": "refresh_token", "scope": "all", "refresh_token": body["refresh_token"]}
    first = await client.post("/oauth/oauth", client.fields(**ask))
    assert first[0] == 0
    assert await client.post("/oauth/oauth", client.fields(**ask)) == first
    assert client.rig.sim.tokens.total == 3
    assert (await client.post("/oauth/oauth", client.fields(**{**ask, "refresh_token": "x"})))[0] == 20


async def test_a_key_prints_once_in_two_hours_whatever_the_content(client: Client) -> None:
    first = await client.print("k1")
    assert await client.print("k1", content="other\n") == first
    await until(lambda: client.rig.paper == 1)
    client.rig.sim.site.ahead_s = 7300
    again = await client.print("k1", timestamp=str(int(time.time()) + 7300))
    assert again != first


@pytest.mark.parametrize(("default", "orders"), [(0, 2), (1, 1)])
async def test_without_idempotence_the_default_decides(client: Client, default: int, orders: int) -> None:
    client.rig.sim.control.set_settings({"idempotence_default": default})
    for _ in range(2):
        await client.call("/print/index", machine_code=MACHINE, content="x", origin_id="k1")
    assert len(client.rig.orders) == orders


async def test_keys_have_each_versions_limits(client: Client) -> None:
    long, signs = "k" * 33, "k-1"
    wanted = 47 if client.version == 1 else 0
    for origin in (long, signs):
        code, _ = await client.call(
            "/print/index", machine_code=MACHINE, content="x", origin_id=origin, idempotence="1"
        )
        assert code == wanted
    assert (await client.call("/print/index", machine_code=MACHINE, content="x", origin_id="k" * 65))[0] == 47


async def test_states_and_cancelling(client: Client) -> None:
    client.rig.sim.set_fault({"fault": "paper_out"})
    number = await client.print("k1")
    ask = {"machine_code": MACHINE, "order_id": number}
    assert (await client.call("/printer/getorderstatus", **ask))[1]["status"] == 0
    assert str((await client.call("/printer/getprintstatus", machine_code=MACHINE))[1]["state"]) == "2"
    assert (await client.call("/printer/cancelone", **ask))[0] == 0
    assert (await client.call("/printer/cancelone", **ask))[0] == 24
    assert (await client.call("/printer/getorderstatus", **ask))[1]["status"] == (
        0 if client.version == 1 else 2
    )
    client.rig.sim.set_fault({"fault": "online"})
    ask["order_id"] = await client.print("k2")
    await until(lambda: client.rig.paper == 1)
    assert (await client.call("/printer/getorderstatus", **ask))[1]["status"] == 1
    assert (await client.call("/printer/cancelone", **ask))[0] == 24


async def test_the_list_of_orders_has_pages(client: Client) -> None:
    for n in range(3):
        await client.print(f"k{n}")
    code, body = await client.call(
        "/printer/getorderpaginglist", machine_code=MACHINE, page_index="1", page_size="2"
    )
    assert code == 0
    assert [o["origin_id"] for o in body] == ["k2", "k1"]
    assert set(body[0]) == {"id", "origin_id", "status", "content", "receiving_time", "print_time"}
    for index, size in (("4" if client.version == 1 else "101", "2"), ("1", "101")):
        assert (
            await client.call(
                "/printer/getorderpaginglist", machine_code=MACHINE, page_index=index, page_size=size
            )
        )[0] == 47


async def test_jobs_wait_for_the_key_on_the_device(client: Client) -> None:
    assert (await client.call("/printer/btnprint", machine_code=MACHINE, response_type="btnopen"))[0] == 0
    await client.print("k1")
    assert str((await client.call("/printer/getprintstatus", machine_code=MACHINE))[1]["state"]) == "1"
    client.rig.device.press_key()
    await until(lambda: client.rig.paper == 1)


async def test_printers_are_bound_by_the_secret_on_their_label(client: Client) -> None:
    assert (await client.call("/printer/addprinter", machine_code=OTHER, msign="wrong"))[0] == 35
    assert (await client.call("/printer/addprinter", machine_code=OTHER, msign="msign0002"))[0] == 0
    assert (await client.call("/printer/printinfo", machine_code=OTHER))[1]["print_width"] == "58mm"
    assert (await client.call("/printer/deleteprinter", machine_code=OTHER))[0] == 0
    assert (await client.call("/printer/printinfo", machine_code=OTHER))[0] == 10
    assert (await client.post("/oauth/scancodemodel", client.fields(machine_code=OTHER, qr_key="x")))[0] == 31


async def test_tags_are_executed(client: Client) -> None:
    await client.print(
        "k1",
        content="<MN>2</MN>@@2big\n<FB>bold</FB>\n<LR>left,right</LR>\n<BR3>123456</BR3><BR2>ab-1</BR2><BR>6901234567892</BR>\n<br>\n",
    )
    await until(lambda: client.rig.paper == 2)
    slip = client.rig.device.slips[0]
    assert (slip["lines"][0]["text"], slip["lines"][0]["width"]) == ("big", 2)
    assert slip["lines"][1]["bold"]
    assert slip["lines"][2]["text"] == "left" + " " * 23 + "right"
    assert [code["data"] for code in slip["barcodes"]] == ["123456", "ab-1"]
    assert "[EAN13 6901234567892]" in slip["text"]
    assert "<br>" in slip["text"]


async def test_the_26th_tag_is_printed_as_it_is(client: Client) -> None:
    await client.print("k1", content="<center>x</center>\n" * 26)
    await until(lambda: client.rig.paper == 1)
    lines = client.rig.device.slips[0]["lines"]
    assert [line["text"] for line in lines[:25]] == ["x"] * 25
    assert lines[25]["text"] == "<center>x</center>"


async def test_pushes_are_probed_signed_and_given_up_after_three(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yilianyun_push, "PAUSE_S", 0.05)
    got: list[dict[str, str]] = []

    async def probe(_: web.Request) -> web.Response:
        return web.json_response({"data": "OK"})

    async def receive(request: web.Request) -> web.Response:
        got.append({k: str(v) for k, v in (await request.post()).items()})
        return web.json_response({"data": "no"})

    app = web.Application()
    app.add_routes([web.get("/push", probe), web.post("/push", receive)])
    async with TestServer(app) as server:
        url = str(server.make_url("/push"))
        assert (await client.call("/oauth/setpushurl", cmd="oauth_finish", url=url + "x", status="open"))[
            0
        ] == 47
        assert (await client.call("/oauth/setpushurl", cmd="oauth_finish", url=url, status="open"))[0] == 0
        number = await client.print("k1")
        await until(lambda: len(client.rig.sim.pushes.sent) == 3)
    assert len(got) == 3
    push = got[0]
    assert (push["cmd"], push["order_id"], push["state"], push["origin_id"]) == (
        "oauth_finish",
        number,
        "1",
        "k1",
    )
    right = hashlib.md5(f"{CLIENT}{push['push_time']}{SECRET}".encode()).hexdigest()
    assert push["sign"] == right.upper()
