"""Feie's cloud with its printers. `python -m simulators.feie --port P` serves until stopped.

One JSON line on standard output says where: {"port", "url", "control", "account", "printers"}. Control, beside the API:
`GET /_sim/state`, `POST /_sim/fault`, `POST /_sim/printer`, `POST /_sim/settings`; names in docs/cloud-printers.md.
Rules: facts, cloud-printers 2. What Feie does not publish (window of `stime`, code of a too long order) is a setting.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from simulators.common import TRANSPORT, Faults, Site, main, through
from simulators.common_control import Control
from simulators.common_printer import Device
from simulators.feie_callback import Pushes
from simulators.feie_markup import execute
from simulators.feie_ops import OPERATIONS, FeieError, Shop

USER, UKEY = "counter@example.test", "Zk3pQ9vLm2Xr7TbW"
"""A made-up account, as in the facts' vectors."""
PRINTERS = {"920000001": "abcd1234", "920000002": "efgh5678"}
"""Made-up printers and the KEY on their label; the first is bound to the account."""
FAULTS = {
    "none": "mends everything; what waits prints by itself",
    **TRANSPORT,
    "bad_signature": "answers ret -3 whatever the signature",
    "error": "answers `ret` (default 1999) with `msg`, nothing done",
    "queue_full": "refuses orders (what Feie answers is not published; ret is a setting)",
    "clock_skew": "the cloud's clock is `seconds` ahead (default 3600)",
    "offline": "the printer is off; the cloud notices after `lag_s` (default: the setting, 120)",
    "paper_out": "the printer has no paper",
    "online": "the printer is well again; what waits prints by itself",
    "deaf": "prints, and its acknowledgement never reaches the cloud",
}


class FeieSim:
    """The cloud."""

    def __init__(
        self, port: int = 0, user: str = USER, ukey: str = UKEY, printers: Mapping[str, str] = PRINTERS
    ) -> None:
        self.user, self._ukey = user, ukey
        self.faults = Faults(FAULTS, "Open_printMsg", {"bad_signature": "all"})
        self.calls: list[dict[str, str]] = []
        self.settings: dict[str, Any] = {
            "window_s": 300,
            "too_long_ret": -2,
            "queue_full_ret": 1999,
            "full_stop": False,
        }
        app = web.Application()
        self.site = Site(app, port)
        self.pushes = Pushes()
        first = next(iter(printers), "")
        self.devices = {
            n: Device(n, k, execute, self.site.now, bound=n == first) for n, k in printers.items()
        }
        self._shop = Shop(self.devices, self.site.now, self.settings, self._push)
        self.control = Control(self.site, self.faults, self.devices, self.settings, "sn", self._state)
        app.add_routes(
            [
                *self.control.routes(),
                web.post("/Api/Open/{rest:.*}", self._api),
                web.post("/Api/Open", self._api),
            ]
        )

    # -- life --

    async def start(self) -> None:
        """Serve and switch the printers on."""
        await self.site.start()
        for device in self.devices.values():
            device.start()

    async def stop(self) -> None:
        """Hang up."""
        await self.pushes.stop()
        for device in self.devices.values():
            await device.stop()
        await self.site.stop()

    @property
    def url(self) -> str:
        """Return the base address of the API."""
        return f"http://127.0.0.1:{self.site.port}/Api/Open/"

    def where(self) -> dict[str, Any]:
        """Return the line that says where it is."""
        return {
            "port": self.site.port, "url": self.url, "control": f"http://127.0.0.1:{self.site.port}",
            "account": {"user": self.user, "ukey": self._ukey}, "printers": {d.number: d.key for d in self.devices.values()},
        }  # fmt: skip

    def set_fault(self, ask: dict[str, Any]) -> None:
        """Set a fault, as POST /_sim/fault does."""
        self.control.set_fault(ask)

    def _push(self, url: str, order: str) -> None:
        self.pushes.push(url, order, int(self.site.now()))

    # -- the API --

    async def _api(self, request: web.Request) -> web.Response:
        form = await request.post()
        params = {k: v for k, v in form.items() if isinstance(v, str)}
        name = params.get("apiname", "")
        self.calls.append({k: v for k, v in params.items() if k not in ("sig",)})
        return await through(self.faults, name, request, lambda: self._answer(name, params))

    async def _answer(self, name: str, params: dict[str, str]) -> web.Response:
        began = time.monotonic()
        try:
            self._check(name, params)
            data, ret, msg = OPERATIONS[name](self._shop, params), 0, "ok"
        except FeieError as err:
            data, ret, msg = None, err.ret, err.text
        took = int((time.monotonic() - began) * 1000)
        text = json.dumps({"msg": msg, "ret": ret, "data": data, "serverExecutedTime": took})
        if params.get("debug") == "1":
            return web.Response(text=f"<pre>{text}</pre>", content_type="text/html")
        return web.Response(text=text, content_type="application/json")

    def _check(self, name: str, params: dict[str, str]) -> None:
        """Check what every call shares: nothing empty, who, when, signature."""
        for need in ("user", "stime", "sig", "apiname"):
            params.setdefault(need, "")
        if any(v in ("", "null", "undefined") for v in params.values()):
            raise FeieError(-2, '参数错误 : 参数值不能传空字符，"null"，"undefined".')
        if params["user"] != self.user:
            raise FeieError(-2, "参数错误 : 该帐号未注册.")
        right = hashlib.sha1(f"{self.user}{self._ukey}{params['stime']}".encode()).hexdigest()  # noqa: S324  (Feie's protocol)
        fresh = re.fullmatch(r"\d{10}", params["stime"]) is not None and (
            abs(int(params["stime"]) - self.site.now()) <= self.settings["window_s"]
        )
        same = hmac.compare_digest(right.encode(), params["sig"].encode())
        if not same or not fresh or self.faults.take(name, "bad_signature"):
            raise FeieError(-3, "验证失败 : 签名错误.")
        if name not in OPERATIONS:
            raise FeieError(-2, "参数错误 : apiname不存在.")
        if fault := self.faults.take(name, "error"):
            raise FeieError(
                int(fault.number("ret", 1999)), str(fault.options.get("msg", "系统繁忙，请稍后再试."))
            )
        if name == "Open_printMsg" and self.faults.take(name, "queue_full"):
            raise FeieError(self.settings["queue_full_ret"], "打印机队列已满.")

    def _state(self) -> dict[str, Any]:
        return {
            "account": {"user": self.user, "ukey": self._ukey},
            "calls": self.calls,
            "pushes": self.pushes.sent,
            "push_key": self.pushes.public_key,
        }


if __name__ == "__main__":
    account = ("--user", USER, "--ukey", UKEY)
    main("Feie's cloud with simulated printers.", FeieSim, account, "SN#KEY", PRINTERS)
