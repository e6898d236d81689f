"""The simulated Feie answers a client that knows nothing of ours as the facts say the real one does."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import signal
import sys
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from simulators import feie_callback
from tests.cloud_printers.rig import Rig, until

SN, OTHER = "920000001", "920000002"
EMPTY = '参数错误 : 参数值不能传空字符，"null"，"undefined".'


class Client:
    """Speaks plain HTTP."""

    def __init__(self, rig: Rig, http: aiohttp.ClientSession) -> None:
        self.rig, self.http = rig, http

    async def raw(self, apiname: str, **params: str) -> aiohttp.ClientResponse:
        stime = params.pop("stime", str(int(time.time())))
        user = params.pop("user", "counter@example.test")
        sig = hashlib.sha1(f"{user}Zk3pQ9vLm2Xr7TbW{stime}".encode()).hexdigest()
        form = {"user": user, "stime": stime, "sig": params.pop("sig", sig), "apiname": apiname, **params}
        return await self.http.post(self.rig.sim.url, data=form)

    async def call(self, apiname: str, **params: str) -> tuple[int, str, Any]:
        answer = await self.raw(apiname, **params)
        assert answer.status == 200, "Feie answers 200 to everything"
        value = json.loads(await answer.text())
        assert list(value) == ["msg", "ret", "data", "serverExecutedTime"]
        return value["ret"], value["msg"], value["data"]

    async def print(self, **params: str) -> str:
        ret, _, number = await self.call("Open_printMsg", **{"sn": SN, "content": "券<BR>", **params})
        assert ret == 0
        assert isinstance(number, str)
        assert number.startswith(f"{SN}_")
        return number


@pytest.fixture
async def client(feie: Rig) -> Any:
    async with aiohttp.ClientSession() as http:
        yield Client(feie, http)


@pytest.mark.parametrize(
    ("apiname", "params", "ret", "text"),
    [
        ("Open_queryPrinterStatus", {"sn": SN, "user": "nobody@example.test"}, -2, "参数错误 : 该帐号未注册."),
        ("Open_queryPrinterStatus", {"sn": SN, "sig": "0" * 40}, -3, "验证失败 : 签名错误."),
        ("Open_queryPrinterStatus", {"sn": SN, "sig": "签名"}, -3, "验证失败 : 签名错误."),
        ("Open_queryPrinterStatus", {"sn": SN, "stime": "1767225600000"}, -3, "验证失败 : 签名错误."),
        ("Open_queryPrinterStatus", {"sn": SN, "stime": "1767225600"}, -3, "验证失败 : 签名错误."),
        ("Open_queryPrinterStatus", {"sn": ""}, -2, EMPTY),
        ("Open_printMsg", {"sn": SN, "content": "null"}, -2, EMPTY),
        ("Open_printMsg", {"sn": SN, "content": "x", "backurl": "undefined"}, -2, EMPTY),
        ("Open_queryPrinterStatus", {}, 1001, "参数错误 : 打印机编号和用户uid不能为空."),
        ("Open_queryPrinterStatus", {"sn": "12-34"}, 1001, "验证失败 : 打印机编号不合法。"),
        ("Open_queryPrinterStatus", {"sn": OTHER}, 1002, "验证失败 : 打印机编号和用户不匹配."),
        ("Open_queryOrderState", {"orderid": "x"}, 1001, "参数错误 : 订单ID错误."),
        ("Open_queryOrderInfoByDate", {"sn": SN, "date": "2026-13-01"}, 1001, "参数错误 : 时间格式不正确。"),
        ("Open_queryOrderInfoByDate", {"sn": SN, "date": "20261125"}, 1001, "参数错误 : 时间格式不正确。"),
    ],
)  # fmt: skip
async def test_error_answers(
    client: Client, apiname: str, params: dict[str, str], ret: int, text: str
) -> None:
    assert await client.call(apiname, **params) == (ret, text, None)


async def test_answers_are_escaped_json(client: Client) -> None:
    raw = await (await client.raw("Open_queryPrinterStatus", sn=SN)).read()
    assert raw.isascii()
    assert json.loads(raw)["data"] == "在线，工作状态正常"


async def test_debug_is_no_json(client: Client) -> None:
    with pytest.raises(ValueError):
        json.loads(await (await client.raw("Open_queryPrinterStatus", sn=SN, debug="1")).text())


async def test_an_order_is_false_until_it_is_printed(client: Client) -> None:
    client.rig.device.print_s = 0.5
    number = await client.print()
    assert await client.call("Open_queryOrderState", orderid=number) == (0, "ok", False)
    await until(lambda: client.rig.paper == 1)
    assert await client.call("Open_queryOrderState", orderid=number) == (0, "ok", True)


async def test_the_limit_is_in_bytes_and_its_code_a_setting(client: Client) -> None:
    assert (await client.call("Open_printMsg", sn=SN, content="券" * 1666))[0] == 0
    assert (await client.call("Open_printMsg", sn=SN, content="券" * 1667))[0] == -2
    client.rig.sim.control.set_settings({"too_long_ret": 1005})
    assert (await client.call("Open_printMsg", sn=SN, content="券" * 1667))[0] == 1005


@pytest.mark.parametrize("ahead_s", [-5, 0, 24 * 3600 + 60])
async def test_an_expiry_is_within_a_day(client: Client, ahead_s: int) -> None:
    expired = str(int(time.time()) + ahead_s)
    assert (await client.call("Open_printMsg", sn=SN, content="x", expired=expired))[0] == -2


async def test_what_waits_prints_by_itself_when_the_printer_is_back(client: Client) -> None:
    client.rig.sim.set_fault({"fault": "offline"})
    first, second = await client.print(content="one<BR>"), await client.print(content="two<BR>")
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
    assert (await client.call("Open_queryOrderInfoByDate", sn=SN, date=day))[2] == {"print": 0, "waiting": 2}
    calls = len(client.rig.sim.calls)
    client.rig.sim.set_fault({"fault": "online"})
    await until(lambda: client.rig.paper == 2)
    assert len(client.rig.sim.calls) == calls
    assert [slip["order"] for slip in client.rig.device.slips] == [first, second]
    assert (await client.call("Open_queryOrderInfoByDate", sn=SN, date=day))[2] == {"print": 2, "waiting": 0}


async def test_an_expired_order_is_dropped_and_stays_false(client: Client) -> None:
    client.rig.sim.set_fault({"fault": "paper_out"})
    number = await client.print(expired=str(int(time.time()) + 2))
    client.rig.sim.site.ahead_s = 60
    client.rig.sim.set_fault({"fault": "online"})
    await until(lambda: client.rig.orders[0].state == "dropped")
    client.rig.sim.site.ahead_s = 0
    assert (await client.call("Open_queryOrderState", orderid=number))[2] is False
    assert client.rig.paper == 0


async def test_offline_is_noticed_after_two_minutes(client: Client) -> None:
    client.rig.sim.set_fault({"fault": "offline", "lag_s": 120})
    assert (await client.call("Open_queryPrinterStatus", sn=SN))[2] == "在线，工作状态正常"
    client.rig.device.lag_s = 0.01
    await asyncio.sleep(0.05)
    assert (await client.call("Open_queryPrinterStatus", sn=SN))[2] == "离线"
    assert (await client.call("Open_printerInfo", sn=SN))[2]["status"] == 0


async def test_out_of_paper_contains_the_word_normal(client: Client) -> None:
    client.rig.sim.set_fault({"fault": "paper_out"})
    client.rig.sim.control.set_settings({"full_stop": True})
    assert (await client.call("Open_queryPrinterStatus", sn=SN))[2] == "在线，工作状态不正常。"


async def test_lists_are_ok_even_when_every_line_failed(client: Client) -> None:
    ret, msg, data = await client.call(
        "Open_printerAddlist", printerContent=f"{OTHER}#wrong#后厨\n999999999#k\n{SN}#abcd1234"
    )
    assert (ret, msg, data["ok"]) == (0, "ok", [])
    assert len(data["no"]) == 3
    assert all("错误" in line for line in data["no"])
    assert (await client.call("Open_printerAddlist", printerContent=f"{OTHER}#efgh5678#后厨#"))[2]["no"] == []
    assert (await client.call("Open_queryPrinterStatus", sn=OTHER))[0] == 0
    assert (await client.call("Open_printerDelList", snlist=f"{OTHER}-123456789"))[2] == {
        "ok": [f"{OTHER}成功"],
        "no": ["123456789打印机不存在"],
    }
    assert (await client.call("Open_printerDelList", snlist=OTHER))[2]["no"] == [f"{OTHER}用户UID不匹配"]


async def test_clearing_takes_the_whole_queue(client: Client) -> None:
    client.rig.device.held = True
    await client.print()
    await client.print()
    assert await client.call("Open_delPrinterSqs", sn=SN) == (0, "ok", True)
    assert client.rig.device.waiting() == []


async def test_one_qr_code_an_order_and_barcodes_that_fit(client: Client) -> None:
    await client.print(
        content="<QR>a</QR><QR>b</QR><BC128_C>12345678901234567890123</BC128_C><BC128_A>AB12</BC128_A><hb>x</hb><CUT>"
    )
    await until(lambda: client.rig.paper == 1)
    (slip,) = client.rig.device.slips
    assert [code["data"] for code in slip["qr"]] == ["a"]
    assert [code["data"] for code in slip["barcodes"]] == ["AB12"]
    assert "<hb>x</hb>" in slip["text"]
    assert slip["cut"]


async def test_a_push_is_signed_and_repeated_until_it_succeeds(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feie_callback, "PAUSE_S", 0.05)
    got: list[dict[str, str]] = []

    async def receive(request: web.Request) -> web.Response:
        got.append({k: str(v) for k, v in (await request.post()).items()})
        return web.Response(text="SUCCESS" if len(got) == 2 else "later")

    app = web.Application()
    app.router.add_post("/done", receive)
    async with TestServer(app) as server:
        number = await client.print(backurl=str(server.make_url("/done")))
        await until(lambda: len(got) == 2)
    assert got[0] == got[1]
    assert got[0]["orderId"] == number
    signed = "&".join(f"{k}={got[0][k]}" for k in ("orderId", "status", "stime"))
    async with client.http.get(f"{client.rig.sim.where()['control']}/_sim/state") as answer:
        key = serialization.load_pem_public_key((await answer.json())["push_key"].encode())
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(got[0]["sign"]), signed.encode(), padding.PKCS1v15(), hashes.SHA256())


async def test_faults_are_set_over_http_and_wrong_ones_named(client: Client) -> None:
    control = client.rig.sim.where()["control"]
    async with client.http.post(f"{control}/_sim/fault", json={"fault": "no_such"}) as answer:
        assert answer.status == 400
        assert "timeout_after" in (await answer.json())["error"]
    async with client.http.post(
        f"{control}/_sim/fault", json={"fault": "error", "ret": 1234, "times": 1}
    ) as answer:
        assert (await answer.json())["fault"] == "error"
    assert (await client.call("Open_printMsg", sn=SN, content="x"))[0] == 1234
    await client.print()


@pytest.mark.parametrize("module", ["simulators.feie", "simulators.yilianyun"])
async def test_the_command_says_where_and_stops(module: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        where = json.loads(await process.stdout.readline())
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{where['port']}/_sim/state") as answer,
        ):
            assert (await answer.json())["fault"] == "none"
        process.send_signal(signal.SIGTERM)
        assert await process.stdout.read() == b""
        assert await process.wait() == 0
