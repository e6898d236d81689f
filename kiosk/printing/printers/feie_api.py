"""Feie's open API (facts: cloud-printers 2): one address, operations by name, signed by time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kiosk.printing.printers.cloud import SKEW_S, Cloud, NoAnswer, Refused
from kiosk.printing.printers.port import Status, Trouble

REGIONS = {
    "cn": "https://api.feieyun.cn/Api/Open/",
    "jp": "https://api.jp.feieyun.com/Api/Open/",
    "de": "https://api.de.feieyun.com/Api/Open/",
}
"""Each region has accounts of its own; a printer of one is unknown to the others (`ret` 1002)."""
BAD_SIGNATURE, NOT_BOUND = -3, 1002
COUNT_DAY = timedelta(hours=8)
"""Feie counts its days in China's time."""


class FeieAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Who prints."""

    user: str
    ukey: str
    base_url: str = REGIONS["cn"]
    backurl: str = ""
    """Where Feie tells of prints, registered in its console too; empty: it is asked alone."""

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"FeieAccount(user={self.user!r}, base_url={self.base_url!r})"


class Counted(msgspec.Struct, frozen=True):
    """The printer's orders of one day."""

    day: str
    printed: int
    waiting: int

    @property
    def all(self) -> int:
        """Return the orders that arrived and were not dropped."""
        return self.printed + self.waiting


def sign(user: str, ukey: str, stime: int) -> str:
    """Return the signature: SHA-1 of user, key and Unix seconds, run together."""
    return hashlib.sha1(f"{user}{ukey}{stime}".encode()).hexdigest()  # noqa: S324  (Feie's protocol)


def read_status(text: str) -> Status:
    """Read Feie's words. `不正常` (not normal) contains `正常` (normal), so it is looked for first."""
    if "离线" in text:
        return Status("offline", "Feie has not heard from the printer for 2 minutes")
    if "不正常" in text:
        return Status("out", "no paper, or the cover is open")
    if "正常" in text:
        return Status("ok")
    return Status("error", f"Feie says {text[:40]!r}")


class FeieApi:
    """The calls that a printer needs."""

    def __init__(self, account: FeieAccount, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self.cloud = Cloud("Feie", account.base_url, clock)

    async def print_msg(self, sn: str, content: str, copies: int, expired: int, timeout_s: float) -> str:
        """Give an order and return its id. `expired`: Unix seconds by Feie's clock, after which it is dropped."""
        params = {"sn": sn, "content": content, "times": str(copies), "expired": str(expired)}
        if self._account.backurl:
            params["backurl"] = self._account.backurl
        data = await self._call("Open_printMsg", params, timeout_s)
        if not isinstance(data, str | int) or not str(data):
            raise NoAnswer("Feie took the order without giving it a number.")
        return str(data)

    async def is_printed(self, order: str, timeout_s: float) -> bool:
        """Tell whether the printer has acknowledged an order; false says nothing about what will come."""
        data = await self._call("Open_queryOrderState", {"orderid": order}, timeout_s)
        return data is True or data in ("true", 1, "1")

    async def count(self, sn: str, timeout_s: float) -> Counted:
        """Return today's counters of a printer."""
        day = (datetime.fromtimestamp(self.cloud.now(), UTC) + COUNT_DAY).strftime("%Y-%m-%d")
        data = await self._call("Open_queryOrderInfoByDate", {"sn": sn, "date": day}, timeout_s)
        try:
            return Counted(day, int(data["print"]), int(data["waiting"]))
        except (KeyError, TypeError, ValueError):
            raise NoAnswer("Feie's counters cannot be read.") from None

    async def status(self, sn: str, timeout_s: float) -> Status:
        """Return the printer's state; up to 2 minutes old."""
        return read_status(str(await self._call("Open_queryPrinterStatus", {"sn": sn}, timeout_s)))

    async def _call(self, name: str, params: dict[str, str], timeout_s: float) -> Any:
        """Call once; after a wrong signature, once more by the cloud's clock when ours turned out to be off."""
        first = self.cloud.skew_s
        try:
            return await self._once(name, params, timeout_s)
        except Refused as err:
            if err.code != BAD_SIGNATURE or abs(self.cloud.skew_s - first) < SKEW_S:
                raise
        return await self._once(name, params, timeout_s)

    async def _once(self, name: str, params: dict[str, str], timeout_s: float) -> Any:
        stime = int(self.cloud.now())
        own = {"user": self._account.user, "stime": str(stime), "apiname": name}
        own["sig"] = sign(self._account.user, self._account.ukey, stime)
        answer = await self.cloud.post(self._account.base_url, {**own, **params}, timeout_s)
        try:
            code = int(answer["ret"])
        except (KeyError, TypeError, ValueError):
            raise NoAnswer("Feie's answer has no result code.") from None
        if code:
            raise Refused(*self._why(code, str(answer.get("msg", ""))), code)
        return answer.get("data")

    def _why(self, code: int, text: str) -> tuple[str, Trouble]:
        """Say what a refusal means and what to do."""
        said = f"Feie refuses (ret {code}: {text[:80]})"
        if code == BAD_SIGNATURE and self.cloud.clock_is_wrong:
            return (
                f"{said}; this machine's clock is off by {abs(self.cloud.skew_s):.0f} s, set it.",
                "configuration",
            )
        if code == BAD_SIGNATURE:
            return f"{said}; correct feie.ukey.", "configuration"
        if code == NOT_BOUND:
            return (
                f"{said}; bind the printer to this account, or set feie.base_url to the region of the account: "
                f"{', '.join(REGIONS.values())}.",
                "configuration",
            )
        if code in (-2, 1001):
            return f"{said}; check feie.user and the number in the printer's address.", "configuration"
        return f"{said}.", "io"
