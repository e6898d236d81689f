"""Yilianyun's operations (facts: cloud-printers 3.4, 3.5): parameters in, `body` out, `YilianyunError` by version 1's numbers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from simulators.common_printer import Device, Order, serial
from simulators.yilianyun_markup import copies_of
from simulators.yilianyun_push import Pushes

FIRST_ID = 4_294_967_300
"""Beyond 32 bits, as real ids may be."""
LIMIT = 32_767
STATES = {"offline": 0, "online": 1, "no_paper": 2}
ORDER = {"waiting": 0, "printed": 1, "cancelled": 2, "dropped": 2}
TEXTS = {
    8: "打印机信息错误或参数有误", 9: "连接打印机失败", 10: "权限校验不通过", 11: "签名验证失败", 12: "缺少必要参数",
    13: "打印失败，参数有误", 17: "该打印机已被其他用户绑定", 24: "没有可取消的订单", 27: "不支持的grant_type", 31: "自有型应用暂不支持该模式",
    35: "机器码或终端密钥错误", 46: "图片地址错误", 47: "参数错误",
}  # fmt: skip


class YilianyunError(Exception):
    """A result that is not success; `code` counts as version 1 does."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text)
        self.code, self.text = code, text or TEXTS.get(code, "操作失败")


@dataclass
class App:
    """The application that calls, and the printers of all."""

    client_id: str
    devices: dict[str, Device]
    now: Callable[[], float]
    settings: dict[str, Any]
    pushes: Pushes
    cancel_race: Callable[[], bool]

    def device(self, ask: Ask) -> Device:
        """Return the printer that a call names."""
        device = self.devices.get(ask.need("machine_code"))
        if device is None:
            raise YilianyunError(8)
        if not device.bound:
            raise YilianyunError(10)
        return device


@dataclass(frozen=True)
class Ask:
    """One call."""

    params: dict[str, str]
    version: int

    def need(self, name: str) -> str:
        """Return a parameter; error 12 without it."""
        if not self.params.get(name):
            raise YilianyunError(12)
        return self.params[name]

    def id(self, number: str) -> str | int:
        """Return an id in this version's type."""
        return number if self.version == 1 else int(number)


Body = Any


def _origin(ask: Ask) -> str:
    origin = ask.need("origin_id")
    bad = not re.fullmatch(r"[0-9A-Za-z]{1,32}", origin) if ask.version == 1 else len(origin.encode()) > 64
    if bad:
        raise YilianyunError(47)
    return origin


async def print_index(app: App, ask: Ask) -> Body:
    """Take an order; a repeated key within two hours gets the first answer and prints nothing."""
    device, content, origin = app.device(ask), ask.need("content"), _origin(ask)
    if len(content) > LIMIT:
        raise YilianyunError(13)
    same = ask.params.get("idempotence", str(app.settings["idempotence_default"])) == "1"
    if same and (first := _first(app, origin)) is not None:
        return {"id": ask.id(first.id), "origin_id": origin}
    order = Order(str(FIRST_ID + serial()), content, app.now(), copies_of(content), origin=origin)
    order.told = lambda done: app.pushes.push(
        "oauth_finish",
        {
            "machine_code": device.number, "order_id": done.id, "state": "1", "print_time": str(int(app.now())),
            "origin_id": done.origin,
        },
    )  # fmt: skip
    device.add(order)
    return {"id": ask.id(order.id), "origin_id": origin}


def _first(app: App, origin: str) -> Order | None:
    """Return the first order of a key: keys are the application's, not a printer's."""
    fresh = app.now() - app.settings["idempotence_s"]
    found = [o for d in app.devices.values() for o in d.orders if o.origin == origin and o.received >= fresh]
    return min(found, key=lambda o: o.received, default=None)


async def print_picture(app: App, ask: Ask) -> Body:
    """Take a picture's address; the picture itself is not fetched."""
    device, url, origin = app.device(ask), ask.need("picture_url"), _origin(ask)
    if not re.fullmatch(r"https?://\S+\.(jpe?g|png)", url):
        raise YilianyunError(46)
    order = Order(str(FIRST_ID + serial()), f"[{url}]", app.now(), origin=origin)
    device.add(order)
    return {"id": ask.id(order.id), "origin_id": origin}


def _order(app: App, ask: Ask) -> tuple[Device, Order]:
    device, number = app.device(ask), ask.need("order_id")
    for order in device.orders:
        if order.id == number:
            return device, order
    raise YilianyunError(47)


def _status(order: Order, version: int) -> int:
    """Return an order's state: version 1 has one number for waiting and cancelled."""
    state = ORDER[order.state]
    return state if version == 2 or state == 1 else 0


async def order_status(app: App, ask: Ask) -> Body:
    """Tell what became of an order."""
    _, order = _order(app, ask)
    return {"id": ask.id(order.id), "origin_id": order.origin, "status": _status(order, ask.version)}


async def order_list(app: App, ask: Ask) -> Body:
    """List orders, the newest first."""
    device = app.device(ask)
    index, size = ask.need("page_index"), ask.need("page_size")
    if not (index.isdigit() and size.isdigit() and 1 <= int(size) <= 100):
        raise YilianyunError(47)
    if not 1 <= int(index) <= (3 if ask.version == 1 else 100):
        raise YilianyunError(47)
    begin = (int(index) - 1) * int(size)
    return [
        {
            "id": ask.id(o.id), "origin_id": o.origin, "status": _status(o, ask.version), "content": o.content,
            "receiving_time": int(o.received), "print_time": int(o.printed_at or 0),
        }
        for o in device.orders[::-1][begin : begin + int(size)]
    ]  # fmt: skip


async def print_status(app: App, ask: Ask) -> Body:
    """Tell how a printer is."""
    device = app.device(ask)
    state = STATES[device.reported()]
    return {"machine_code": device.number, "state": str(state) if ask.version == 1 else state}


async def print_info(app: App, ask: Ask) -> Body:
    """Describe the paper."""
    app.device(ask)
    return {"version": "4.0", "print_width": "58mm"}


async def get_version(app: App, ask: Ask) -> Body:
    """Describe the device."""
    app.device(ask)
    return {"hardware": "4.0", "software": "7.5.1"}


async def cancel_one(app: App, ask: Ask) -> Body:
    """Cancel an order that waits; error 24 when there is nothing to cancel."""
    device, order = _order(app, ask)
    if order.state == "waiting" and app.cancel_race():
        device.print_now(order)
    if order.state != "waiting":
        raise YilianyunError(24)
    order.state = "cancelled"
    return []


async def cancel_all(app: App, ask: Ask) -> Body:
    """Cancel all that waits."""
    for order in app.device(ask).waiting():
        order.state = "cancelled"
    return []


async def reprint(app: App, ask: Ask) -> Body:
    """Print an order once more, as a new one."""
    if ask.version == 1:
        raise YilianyunError(34, "非法操作")
    device, old = _order(app, ask)
    order = Order(str(FIRST_ID + serial()), old.content, app.now(), old.copies, origin=old.origin)
    device.add(order)
    return {"id": ask.id(order.id), "origin_id": order.origin}


async def add_printer(app: App, ask: Ask) -> Body:
    """Bind a printer by the secret on its label."""
    device = app.devices.get(ask.need("machine_code"))
    if device is None or ask.need("msign") != device.key:
        raise YilianyunError(35)
    device.bound, device.name = True, ask.params.get("print_name", "")
    return []


async def delete_printer(app: App, ask: Ask) -> Body:
    """Let a printer go."""
    app.device(ask).bound = False
    return []


async def button_print(app: App, ask: Ask) -> Body:
    """Hold jobs until the key on the device is pressed, or stop that."""
    device, wanted = app.device(ask), ask.need("response_type")
    if wanted not in ("btnopen", "btnclose"):
        raise YilianyunError(47)
    device.held = wanted == "btnopen"
    device.set_health(device.health)
    return []


def _setting(**allowed: tuple[str, ...]) -> Callable[[App, Ask], Awaitable[Body]]:
    """Take a device's setting that changes nothing on paper, when its values are known ones."""

    async def take(app: App, ask: Ask) -> Body:
        app.device(ask)
        if any(ask.need(name) not in values for name, values in allowed.items() if values):
            raise YilianyunError(47)
        for name in allowed:
            ask.need(name)
        return []

    return take


async def set_push(app: App, ask: Ask) -> Body:
    """Set where pushes go; the address must answer the probe."""
    command, status = ask.need("cmd"), ask.need("status")
    if status == "close":
        app.pushes.close_url(command)
        return []
    if status != "open" or not await app.pushes.set_url(command, ask.need("url")):
        raise YilianyunError(47, "推送地址验证失败")
    return []


OPERATIONS: dict[str, Callable[[App, Ask], Awaitable[Body]]] = {
    "print/index": print_index,
    "pictureprint/index": print_picture,
    "printer/getorderstatus": order_status,
    "printer/getorderpaginglist": order_list,
    "printer/getprintstatus": print_status,
    "printer/printinfo": print_info,
    "printer/getversion": get_version,
    "printer/cancelone": cancel_one,
    "printer/cancelall": cancel_all,
    "printer/reprintorder": reprint,
    "printer/addprinter": add_printer,
    "printer/deleteprinter": delete_printer,
    "printer/btnprint": button_print,
    "printer/setsound": _setting(voice=("0", "1", "2", "3"), type=("buzzer", "horn")),
    "printer/shutdownrestart": _setting(response_type=("shutdown", "restart")),
    "printer/getorder": _setting(response_type=("open", "close")),
    "printer/seticon": _setting(img_url=()),
    "printer/deleteicon": _setting(),
    "oauth/setpushurl": set_push,
}
