"""A third cloud, in the manner of those in the facts (cloud-printers 5): what a new driver has to be, and nothing else in the house.

No key of ours, no expiry, nothing to take back; but an order for a printer that is off can be refused. Below the driver
stands the cloud that the tests run it against.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from aiohttp import web

from kiosk.printing import layout as lay
from kiosk.printing.markup import beyond, can_carry, safe
from kiosk.printing.pictures import Pictures
from kiosk.printing.printers.abilities import Abilities
from kiosk.printing.printers.cloud import (
    SKEW_S,
    Cloud,
    CloudError,
    NoAnswer,
    Refused,
    pauses,
    trouble_of_state,
)
from kiosk.printing.printers.cloud_printer import CloudPrinter, Order
from kiosk.printing.printers.clouds import Account, Driver
from kiosk.printing.printers.port import Outcome, Status, Trouble, has_left
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered, Report
from kiosk.printing.slip import Slip
from simulators import common_printer
from simulators.common import TRANSPORT, Faults, Site, through
from simulators.common_control import Control
from simulators.common_markup import Pen
from simulators.common_printer import Device

# -- the driver: abilities, renderer, calls, printer --

CAN = Abilities(refuses_offline=True, most=4000, cuts=True)
STATES = {
    0: Status("offline", "the third cloud does not see it"),
    1: Status("ok"),
    2: Status("out", "no paper"),
}
BAD_SIGNATURE, OFFLINE = -3, 1003
CALL_S = 2.0


def render(slip: Slip, profile: Profile, pictures: Pictures | None = None) -> Rendered:
    """Return one order's content."""
    laid = lay.lay_out(slip, profile.width_dots, safe)
    lost, degraded = beyond(slip, laid.blocks, CAN, "Third")
    lost, out = [*laid.lost, *lost], ""
    for block in laid.blocks:
        match block:
            case lay.Line():
                out += f"{block.text}\n"
            case lay.FeedBlock():
                out += "\n" * block.lines
            case lay.CutBlock():
                out += "<cut>"
            case lay.QrBlock() if can_carry(block.data):
                out += f"<qr>{block.data}</qr>"
            case lay.QrBlock() | lay.BarBlock() | lay.LogoBlock():
                lost.append("the third cloud prints no such code or picture.")
    return Rendered(out.encode(), Report(tuple(lost), (*laid.degraded, *degraded), profile.columns))


def sign(user: str, key: str, timestamp: int) -> str:
    """Return the signature: SHA-1 of account, key and Unix seconds."""
    return hashlib.sha1(f"{user}{key}{timestamp}".encode()).hexdigest()


class ThirdPrinter(CloudPrinter[Order]):
    """A printer at the third cloud."""

    title = "Third"
    wants = "third"
    can = CAN

    def __init__(
        self, name: str, url: str, profile: Profile, number: str, account: Account, **clock: Any
    ) -> None:
        super().__init__(name, url, profile, number, **clock)
        self._account, self._cloud = account, Cloud("Third", account.base_url, self.clock)

    async def _call(self, op: str, timeout_s: float, **params: str) -> Any:
        skew = self._cloud.skew_s
        try:
            return await self._once(op, timeout_s, params)
        except Refused as err:
            if err.code != BAD_SIGNATURE or abs(self._cloud.skew_s - skew) < SKEW_S:
                raise
        return await self._once(op, timeout_s, params)

    async def _once(self, op: str, timeout_s: float, params: dict[str, str]) -> Any:
        now, who = int(self._cloud.now()), self._account
        form = {"user": who.who, "timestamp": str(now), "sign": sign(who.who, who.key, now), **params}
        answer = await self._cloud.post(f"{who.base_url}{op}", form, timeout_s)
        if "code" not in answer:
            raise NoAnswer("Third answers without a code.")
        if code := int(answer["code"]):
            trouble: Trouble = "not_present" if code == OFFLINE else "configuration"
            raise Refused(
                f"Third refuses ({code}); correct the account or the printer's number.", trouble, code
            )
        return answer["data"]

    async def _print(self, work: Order, content: str, rid: str, copies: int) -> Outcome:
        try:
            await self._state()
        except CloudError as err:
            return Outcome("failed", err.trouble, f"{err} No order was given.")
        work.leaves()
        ask = {"sn": self.number, "content": content, "copies": str(copies), "mode": "0"}
        try:
            work.number = str(await self._call("print", min(CALL_S, work.left() * 0.5), **ask))
        except NoAnswer as err:
            return Outcome("unknown", "no_answer", str(err), work.size)
        except CloudError as err:
            work.maybe = False
            return Outcome("failed", err.trouble, str(err))
        await has_left(work.number)
        return await self._follow(work)

    async def follow_up(self, reference: str, *, rid: str, age_s: float, whole_s: float) -> Outcome | None:
        """Tell what became of an order of the last run."""
        now = asyncio.get_running_loop().time()
        work = Order(0, now - age_s, now + max(1.0, whole_s - age_s), number=reference, maybe=True)
        try:
            await self._call("order", CALL_S, orderid=reference)
        except Refused as err:
            return Outcome("unknown", err.trouble, str(err))
        except CloudError:
            return None
        return await self._follow(work)

    async def _follow(self, work: Order) -> Outcome:
        pause = pauses()
        while work.left() > 0.6:
            try:
                if await self._call("order", 0.3, orderid=work.number) is True:
                    return Outcome("printed", "", f"order {work.number}", work.size)
            except CloudError:
                pass  # asked again until the time is over
            await asyncio.sleep(min(next(pause), max(0.05, work.left() - 0.6)))
        try:
            why = await self._state()
        except CloudError as err:
            why = Status("nobody_answered", str(err))
        return Outcome("unknown", trouble_of_state(why), "the printer did not print in time", work.size)

    async def _state(self) -> Status:
        return STATES[int(await self._call("state", 0.4, sn=self.number))]

    async def _close(self) -> None:
        await self._cloud.stop()


DRIVER = Driver(scheme="third", title="Third", example="300000001", can=CAN, render=render, open=ThirdPrinter)


# -- the cloud --

USER, KEY = "shop@example.test", "userkey0123456789"
FAULTS = dict.fromkeys(
    ("none", *TRANSPORT, "bad_signature", "queue_full", "clock_skew", "offline", "paper_out", "online"), ""
)


def execute(content: str) -> bytes:
    """Return what reaches the print head."""
    pen = Pen()
    body, cut, _ = content.partition("<cut>")
    pen.text(body)
    pen.line()
    if cut:
        pen.cut()
    return bytes(pen.out)


class ThirdSim:
    """The cloud with two printers; the first is bound to the account."""

    def __init__(self) -> None:
        self.faults = Faults(FAULTS, "print", {"bad_signature": "all"})
        self.calls: list[dict[str, str]] = []
        app = web.Application()
        self.site = Site(app, 0)
        numbers = ("300000001", "300000002")
        self.devices = {n: Device(n, "", execute, self.site.now, bound=n == numbers[0]) for n in numbers}
        control = Control(self.site, self.faults, self.devices, {}, "sn", dict)
        self.set_fault = control.set_fault
        app.add_routes([web.post("/api/{op}", self._api)])

    async def start(self) -> None:
        """Serve."""
        await self.site.start()
        for device in self.devices.values():
            device.start()

    async def stop(self) -> None:
        """Hang up."""
        for device in self.devices.values():
            await device.stop()
        await self.site.stop()

    @property
    def url(self) -> str:
        """Return the base address."""
        return f"http://127.0.0.1:{self.site.port}/api/"

    async def _api(self, request: web.Request) -> web.Response:
        op = request.match_info["op"]
        form = {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
        self.calls.append({"op": op, **form})

        async def do() -> web.Response:
            code, data = self._do(op, form)
            return web.json_response({"code": code, "msg": "", "data": data})

        return await through(self.faults, op, request, do)

    def _do(self, op: str, form: dict[str, str]) -> tuple[int, Any]:
        at = int(form.get("timestamp", "0"))
        good = form.get("user") == USER and form.get("sign") == sign(USER, KEY, at)
        if not good or abs(at - self.site.now()) > 300 or self.faults.take(op, "bad_signature"):
            return BAD_SIGNATURE, None
        orders = {o.id: o for d in self.devices.values() for o in d.orders}
        if op == "order":
            found = orders.get(form["orderid"])
            return (1001, None) if found is None else (0, found.state == "printed")
        device = self.devices.get(form["sn"])
        if device is None or not device.bound:
            return 1002, None
        if op == "state":
            return 0, {"offline": 0, "online": 1, "no_paper": 2}[device.reported()]
        if form["mode"] == "0" and device.reported() == "offline":
            return OFFLINE, None
        if self.faults.take(op, "queue_full"):
            return 1005, None
        order = common_printer.Order(
            f"OM{common_printer.serial()}", form["content"], self.site.now(), copies=int(form["copies"])
        )
        device.add(order)
        return 0, order.id
