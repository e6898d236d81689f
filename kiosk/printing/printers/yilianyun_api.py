"""Yilianyun's open API for a self-owned application, versions 1 and 2 (facts: cloud-printers 3)."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from kiosk.printing.printers.cloud import SKEW_S, Cloud, NoAnswer, NotSent, Refused
from kiosk.printing.printers.port import Status, Trouble
from kiosk.printing.printers.yilianyun_account import YilianyunAccount
from kiosk.printing.printers.yilianyun_token import TokenFile

Kind = Literal["token", "sign", "again", "nothing_to_cancel", "quota", "configuration", "other"]
V1: dict[int, Kind] = {
    11: "sign", 14: "token", 18: "token", 9: "again", 21: "again", 22: "again", 23: "again", 45: "again",
    24: "nothing_to_cancel", 41: "quota",
    **dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 16, 17, 19, 20, 29, 30, 31, 35), "configuration"),
}  # fmt: skip
"""Result codes of version 1; those of version 2 are not published, its texts are read instead."""
PAUSE_S = 600.0
"""After the cloud refused our credentials no token is asked for so long: each try counts towards the 20 a day."""
FETCH_S = 8.0
PAGE, PAGES = 100, 3
"""Orders on a page of the list, and the pages that version 1 goes back."""
LEAST_S = 0.1
ORDER_STATES: dict[str, Literal["waiting", "printed", "cancelled"]] = {
    "0": "waiting",
    "1": "printed",
    "2": "cancelled",
}


def sign(client_id: str, secret: str, timestamp: int) -> str:
    """Return the signature: MD5 of client id, Unix seconds and secret, run together."""
    return hashlib.md5(f"{client_id}{timestamp}{secret}".encode()).hexdigest()  # noqa: S324  (Yilianyun's protocol)


def kind_of(code: int, text: str, version: int) -> Kind:
    """Tell what a result code asks for."""
    if version == 1:
        return V1.get(code, "other")
    low = text.lower()
    if "次数" in text or "上限" in text or "quota" in low or "limit" in low:
        return "quota"
    if "token" in low:
        return "token"
    if "sign" in low or "签名" in text:
        return "sign"
    return "configuration" if "client" in low or "machine" in low else "other"


def read_status(state: object) -> Status:
    """Read a printer's state: 0 offline (noticed late, up to 5 minutes), 1 online (noticed at once), 2 out of paper."""
    known = {
        "0": Status("offline", "Yilianyun says that it is offline"),
        "1": Status("ok"),
        "2": Status("out", "no paper"),
    }
    return known.get(str(state), Status("error", f"Yilianyun says {str(state)[:40]!r}"))


class CodedRefusal(Refused):
    """A refusal whose kind is known."""

    def __init__(self, detail: str, trouble: Trouble, code: int, kind: Kind) -> None:
        super().__init__(detail, trouble, code)
        self.kind = kind


class YilianyunApi:
    """The calls that a printer needs."""

    def __init__(self, account: YilianyunAccount, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self.version = account.api_version
        self.cloud = Cloud("Yilianyun", account.base_url, clock)
        self._tokens = TokenFile(account.data_dir, account.client_id, self.cloud.now)
        self._token = ""
        self._refused: tuple[float, Refused] | None = None
        self._flight: asyncio.Task[str] | None = None

    async def print_index(
        self, machine: str, content: str, origin: str, timeout_s: float, leaving: Callable[[], None]
    ) -> str:
        """Give an order and return its id; the same `origin` within 2 hours gives the first order's id and prints nothing.

        `leaving` is called when the order itself goes out, which is after a token was found.
        """
        params = {"machine_code": machine, "content": content, "origin_id": origin, "idempotence": "1"}
        body = await self.call("/print/index", params, timeout_s, leaving)
        number = body.get("id") if isinstance(body, dict) else None
        if number is None or not str(number):
            raise NoAnswer("Yilianyun took the order without giving it a number.")
        return str(number)

    async def order_state(
        self, machine: str, order: str, timeout_s: float
    ) -> Literal["waiting", "printed", "cancelled"]:
        """Return what became of an order. Version 1 calls cancelled orders waiting too."""
        params = {"machine_code": machine, "order_id": order}
        body = await self.call("/printer/getorderstatus", params, timeout_s)
        state = ORDER_STATES.get(str(body.get("status"))) if isinstance(body, dict) else None
        if state is None:
            raise NoAnswer("Yilianyun's state of the order cannot be read.")
        return state

    async def number_of(self, machine: str, origin: str, timeout_s: float) -> str:
        """Return the number of the order that was given under a key of ours; empty when there is none.

        Refused when there are more orders than the list goes back: then nobody can tell.
        """
        for page in range(1, PAGES + 1):
            params = {"machine_code": machine, "page_index": str(page), "page_size": str(PAGE)}
            rows = await self.call("/printer/getorderpaginglist", params, timeout_s)
            if not isinstance(rows, list):
                raise NoAnswer("Yilianyun's list of orders cannot be read.")
            for row in rows:
                if isinstance(row, dict) and str(row.get("origin_id")) == origin:
                    return str(row.get("id"))
            if len(rows) < PAGE:
                return ""
        raise Refused(f"the order is not among the last {PAGES * PAGE} that Yilianyun lists.", "no_answer")

    async def cancel(self, machine: str, order: str, timeout_s: float) -> None:
        """Cancel an order; Refused when there is nothing to cancel: printed, or being printed."""
        await self.call("/printer/cancelone", {"machine_code": machine, "order_id": order}, timeout_s)

    async def status(self, machine: str, timeout_s: float) -> Status:
        """Return the printer's state."""
        body = await self.call("/printer/getprintstatus", {"machine_code": machine}, timeout_s)
        return read_status(body.get("state") if isinstance(body, dict) else None)

    async def call(
        self, path: str, params: dict[str, str], timeout_s: float, leaving: Callable[[], None] = lambda: None
    ) -> Any:
        """Call with our token; one that is refused is renewed once. What cannot be sent in time is NotSent."""
        end = time.monotonic() + timeout_s

        async def post() -> Any:
            if (left := end - time.monotonic()) < LEAST_S:
                raise NotSent("Yilianyun's token came too late for this call.", "no_answer")
            leaving()
            return await self._post(path, {"access_token": token, **params}, left)

        token = await self._another("")
        try:
            return await self._right_time(post)
        except CodedRefusal as err:
            if err.kind != "token":
                raise
        token = await self._another(token)
        return await self._right_time(post)

    async def stop(self) -> None:
        """Let a fetch under way end, since its token replaces the one before, then close the connections."""
        if self._flight is not None:
            await asyncio.gather(self._flight, return_exceptions=True)
        await self.cloud.stop()

    # -- token --

    async def _another(self, bad: str) -> str:
        """Return a token other than the one refused; all who wait share one flight, which nobody's deadline breaks off."""
        if self._token and self._token != bad:
            return self._token
        if self._flight is None:
            self._flight = asyncio.create_task(self._get(bad), name="yilianyun-token")
            self._flight.add_done_callback(self._landed)
        return await asyncio.shield(self._flight)

    def _landed(self, flight: asyncio.Task[str]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # whoever waited has been told; nobody may have

    async def _get(self, bad: str) -> str:
        """Take another program's token, or fetch one."""
        async with self._tokens.alone():
            kept = self._tokens.read().token
            self._token = kept if kept and kept != bad else await self._fetch()
        return self._token

    async def _fetch(self) -> str:
        """Fetch a token; the caller holds the file. Without one the call that needs it is not sent."""
        if self._refused and time.monotonic() - self._refused[0] < PAUSE_S:
            raise self._refused[1]
        before = self._tokens.count_fetch()
        ask = {"grant_type": "client_credentials", "scope": "all"}
        try:
            body = await self._right_time(lambda: self._post("/oauth/oauth", ask, FETCH_S))
        except NotSent:
            self._tokens.write(before)  # never left: it did not count
            raise
        except NoAnswer as err:
            raise NotSent(f"{err} There is no token.", err.trouble) from None
        except CodedRefusal as err:
            if err.kind == "quota":
                self._tokens.used_up()
            self._refused = (time.monotonic(), err)
            raise
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or not token:
            raise NotSent("Yilianyun gave no token.", "io")
        self._tokens.keep(token)
        return token

    async def _right_time(self, post: Callable[[], Awaitable[Any]]) -> Any:
        """Post; after a wrong signature, once more by the cloud's clock when ours turned out to be off."""
        skew = self.cloud.skew_s
        try:
            return await post()
        except CodedRefusal as err:
            if err.kind != "sign" or abs(self.cloud.skew_s - skew) < SKEW_S:
                raise
        return await post()

    # -- wire --

    async def _post(self, path: str, params: dict[str, str], timeout_s: float) -> Any:
        now = int(self.cloud.now())
        own = {
            "client_id": self._account.client_id,
            "timestamp": str(now),
            "sign": sign(self._account.client_id, self._account.secret, now),
            "id": str(uuid.uuid4()),
        }
        url = self._account.base_url.rstrip("/") + path
        answer = await self.cloud.post(url, {**own, **params}, timeout_s)
        try:
            code = int(str(answer["error"]))
        except (KeyError, ValueError):
            raise NoAnswer("Yilianyun's answer has no result code.") from None
        if code:
            raise self._refusal(
                code, str(answer.get("error_description", "")), params.get("access_token", "")
            )
        return answer.get("body")

    def _refusal(self, code: int, text: str, token: str) -> CodedRefusal:
        """Say what a refusal means and what to do; what the cloud repeats of our secrets stays out."""
        for secret in (self._account.secret, token):
            text = text.replace(secret, "…") if secret else text
        kind = kind_of(code, text, self.version)
        said = f"Yilianyun refuses (error {code}: {text[:80]})"
        if kind == "sign" and self.cloud.clock_is_wrong:
            return CodedRefusal(
                f"{said}; this machine's clock is off by {abs(self.cloud.skew_s):.0f} s, set it.",
                "configuration",
                code,
                kind,
            )
        hint = {
            "sign": "; correct yilianyun.client_secret",
            "token": "; look for a second program with the same client_id",
            "quota": "; 20 tokens a day are given out, use another printer until midnight in China",
            "configuration": "; check yilianyun.client_id, client_secret and that the printer belongs to this application",
        }.get(kind, "")
        trouble: Trouble = "io" if kind in ("again", "other", "nothing_to_cancel") else "configuration"
        return CodedRefusal(f"{said}{hint}.", trouble, code, kind)
