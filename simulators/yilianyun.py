"""Yilianyun's cloud with its printers. `python -m simulators.yilianyun --port P` serves until stopped.

Version 2 of the API is at /v2, version 1 at the root. One JSON line on standard output says where: {"port", "url", "url_v1",
"control", "account", "printers"}. Control, beside the API: `GET /_sim/state`, `POST /_sim/fault`, `POST /_sim/printer`,
`POST /_sim/settings`; names in docs/cloud-printers.md. Rules: facts, cloud-printers 3. What Yilianyun does not publish (version
2's result codes, the window of `timestamp`) is a setting.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from simulators.common import TRANSPORT, Faults, Site, main, through
from simulators.common_control import Control
from simulators.common_printer import Device
from simulators.yilianyun_markup import execute
from simulators.yilianyun_ops import OPERATIONS, App, Ask, YilianyunError
from simulators.yilianyun_push import Pushes
from simulators.yilianyun_tokens import Tokens

CLIENT_ID, SECRET = "1099000123", "4f1c0de5a7b84c6e9d2f3a1b5c7e9f01"
"""A made-up application, as in the facts' vectors."""
PRINTERS = {"4004500001": "msign0001", "4004500002": "msign0002"}
"""Made-up machines and the secret on their label; the first is bound to the application."""
FAULTS = {
    "none": "mends everything; what waits prints by itself",
    **TRANSPORT,
    "bad_signature": "answers error 11 whatever the signature",
    "error": "answers `code` (default 45, counted as version 1 does) with `msg`, nothing done",
    "unreachable": "answers error 9, the printer cannot be reached",
    "queue_full": "refuses orders with error 13",
    "token_expired": "forgets every token given out: error 18 until the next fetch",
    "quota": "gives out no token: error 41",
    "cancel_race": "the printer prints an order at the moment it is to be cancelled: error 24",
    "clock_skew": "the cloud's clock is `seconds` ahead (default 3600)",
    "offline": "the printer is off; the cloud notices after `lag_s` (default: the setting, 30)",
    "paper_out": "the printer has no paper",
    "online": "the printer is well again; what waits prints by itself",
    "deaf": "prints, and its acknowledgement never reaches the cloud",
}
COMMON = {"client_id", "access_token", "timestamp", "sign", "id"}
KNOWN = COMMON | {
    "machine_code", "content", "origin_id", "idempotence", "order_id", "page_index", "page_size", "picture_url", "img_url", "msign",
    "qr_key", "phone", "print_name", "voice", "type", "response_type", "cmd", "url", "status", "grant_type", "scope", "code",
    "refresh_token", "is_background",
}  # fmt: skip


class YilianyunSim:
    """The cloud."""

    def __init__(
        self,
        port: int = 0,
        client_id: str = CLIENT_ID,
        secret: str = SECRET,
        printers: Mapping[str, str] = PRINTERS,
    ) -> None:
        self.client_id, self._secret = client_id, secret
        self.faults = Faults(
            FAULTS,
            "print/index",
            {"bad_signature": "all", "quota": "oauth/oauth", "cancel_race": "printer/cancelone"},
        )
        self.calls: list[dict[str, str]] = []
        self.settings: dict[str, Any] = {
            "window_s": 300, "idempotence_default": 1, "idempotence_s": 7200, "old_token_s": 7200, "fetches_a_day": 20,
            "v2_code_base": 1000,
        }  # fmt: skip
        app = web.Application()
        self.site = Site(app, port)
        first = next(iter(printers), "")
        self.devices = {
            n: Device(n, k, execute, self.site.now, bound=n == first, lag_s=30) for n, k in printers.items()
        }
        self.tokens = Tokens(client_id, self.site.now, self.settings)
        self.pushes = Pushes(client_id, secret, self.site.now)
        self._app = App(client_id, self.devices, self.site.now, self.settings, self.pushes, self._race)
        self.control = Control(
            self.site, self.faults, self.devices, self.settings, "machine_code", self._state
        )
        self.control.on["token_expired"] = self.tokens.forget
        app.add_routes([*self.control.routes(), web.post("/{path:.*}", self._api)])

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

    def url(self, version: int = 2) -> str:
        """Return the base address of the API."""
        return f"http://127.0.0.1:{self.site.port}" + ("/v2" if version == 2 else "")

    def where(self) -> dict[str, Any]:
        """Return the line that says where it is."""
        return {
            "port": self.site.port, "url": self.url(), "url_v1": self.url(1), "control": self.url(1),
            "account": {"client_id": self.client_id, "client_secret": self._secret},
            "printers": {d.number: d.key for d in self.devices.values()},
        }  # fmt: skip

    def set_fault(self, ask: dict[str, Any]) -> None:
        """Set a fault, as POST /_sim/fault does."""
        self.control.set_fault(ask)

    # -- the API --

    async def _api(self, request: web.Request) -> web.Response:
        version = 2 if request.path.startswith("/v2/") else 1
        path = request.path.removeprefix("/v2").strip("/")
        form = {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
        self.calls.append(
            {
                "path": path,
                **{k: v for k, v in form.items() if k not in ("sign", "access_token", "refresh_token")},
            }
        )
        if path not in OPERATIONS and path not in ("oauth/oauth", "oauth/scancodemodel"):
            return web.Response(status=404, text="<html>404</html>", content_type="text/html")
        return await through(self.faults, path, request, lambda: self._answer(path, Ask(form, version)))

    async def _answer(self, path: str, ask: Ask) -> web.Response:
        try:
            self._check(path, ask)
            body, code, text = await self._do(path, ask), 0, "success"
        except YilianyunError as err:
            body, code, text = None, err.code, err.text
        answer: dict[str, Any] = {"error": str(code), "error_description": text}
        if ask.version == 2:
            answer["error"] = code + self.settings["v2_code_base"] if code else 0
            answer["timestamp"] = int(self.site.now())
        if body is not None:
            answer["body"] = body
        return web.Response(text=json.dumps(answer, ensure_ascii=False), content_type="application/json")

    async def _do(self, path: str, ask: Ask) -> Any:
        if path == "oauth/oauth":
            return self._token(ask)
        if path == "oauth/scancodemodel":
            raise YilianyunError(31)
        token = ask.need("access_token")
        if not self.tokens.is_valid(token):
            raise YilianyunError(18, "access_token过期或错误,请刷新access_token或者重新授权")
        self._fault(path)
        return await OPERATIONS[path](self._app, ask)

    def _fault(self, path: str) -> None:
        if fault := self.faults.take(path, "error"):
            raise YilianyunError(
                int(fault.number("code", 45)), str(fault.options.get("msg", "系统错误,请联系服务商"))
            )
        if self.faults.take(path, "unreachable"):
            raise YilianyunError(9)
        if self.faults.take(path, "queue_full"):
            raise YilianyunError(13)

    def _check(self, path: str, ask: Ask) -> None:
        """Check what every call shares: who, when, signature, a fresh UUID. A split body shows as fields that nobody knows."""
        given = ask.params
        for need in ("client_id", "timestamp", "sign", "id"):
            ask.need(need)
        if given["client_id"] != self.client_id:
            raise YilianyunError(5, "client_id不存在")
        right = hashlib.md5(f"{self.client_id}{given['timestamp']}{self._secret}".encode()).hexdigest()  # noqa: S324  (Yilianyun's protocol)
        fresh = re.fullmatch(r"\d{10}", given["timestamp"]) is not None and (
            abs(int(given["timestamp"]) - self.site.now()) <= self.settings["window_s"]
        )
        same = hmac.compare_digest(right.encode(), given["sign"].encode())
        if not (same and fresh) or set(given) - KNOWN or self.faults.take(path, "bad_signature"):
            raise YilianyunError(11)
        if not _is_uuid4(given["id"]):
            raise YilianyunError(33, "UUID不合法")

    def _token(self, ask: Ask) -> dict[str, Any]:
        grant = ask.need("grant_type")
        if grant == "authorization_code":
            raise YilianyunError(6, "code错误或已过期")
        if grant not in ("client_credentials", "refresh_token"):
            raise YilianyunError(27)
        if ask.need("scope") != "all":
            raise YilianyunError(15, "scope权限超出")
        refused = self.faults.take("oauth/oauth", "quota") is not None
        answer: dict[str, Any] | bool | None = None
        if not refused:
            answer = (
                self.tokens.fetch()
                if grant == "client_credentials"
                else self.tokens.refresh(ask.need("refresh_token"))
            )
        if answer is False:
            raise YilianyunError(20, "refresh_token过期或错误")
        if not isinstance(answer, dict):
            raise YilianyunError(41, "获取或刷新token次数超过上限")
        return (
            answer
            if ask.version == 2
            else {k: v for k, v in answer.items() if k not in ("refresh_expires_in", "client_id")}
        )

    def _race(self) -> bool:
        return self.faults.take("printer/cancelone", "cancel_race") is not None

    def _state(self) -> dict[str, Any]:
        return {
            "account": {"client_id": self.client_id, "client_secret": self._secret},
            "tokens": {"day": self.tokens.day, "fetched": self.tokens.fetched, "total": self.tokens.total},
            "calls": self.calls,
            "pushes": self.pushes.sent,
        }


def _is_uuid4(text: str) -> bool:
    try:
        return len(text) == 36 and uuid.UUID(text).version == 4
    except ValueError:
        return False


if __name__ == "__main__":
    account = ("--client-id", CLIENT_ID, "--client-secret", SECRET)
    main("Yilianyun's cloud with simulated printers.", YilianyunSim, account, "MACHINE#MSIGN", PRINTERS)
