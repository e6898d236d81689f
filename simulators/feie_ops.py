"""Feie's operations (facts: cloud-printers 2.2, 2.3): parameters in, `data` out, `FeieError` for every other `ret`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.common_printer import Device, Order, serial

CHINA = timedelta(hours=8)
DAY_S = 24 * 3600
LIMIT = 5000
STATES = {"offline": "离线", "online": "在线，工作状态正常", "no_paper": "在线，工作状态不正常"}
NUMBERS = {"offline": 0, "online": 1, "no_paper": 2}


class FeieError(Exception):
    """A result that is not ok."""

    def __init__(self, ret: int, text: str) -> None:
        super().__init__(text)
        self.ret, self.text = ret, text


class Shop:
    """The printers of all accounts, and the one account that calls."""

    def __init__(
        self,
        devices: dict[str, Device],
        now: Callable[[], float],
        settings: dict[str, Any],
        push: Callable[[str, str], None],
    ) -> None:
        self.devices, self.now, self.settings, self.push = devices, now, settings, push

    def device(self, params: dict[str, str]) -> Device:
        """Return the printer that a call names."""
        number = params.get("sn")
        if number is None:
            raise FeieError(1001, "参数错误 : 打印机编号和用户uid不能为空.")
        if not re.fullmatch(r"[0-9A-Za-z]{6,20}", number):
            raise FeieError(1001, "验证失败 : 打印机编号不合法。")
        device = self.devices.get(number)
        if device is None or not device.bound:
            raise FeieError(1002, "验证失败 : 打印机编号和用户不匹配.")
        return device

    def date(self, at: float) -> datetime:
        """Return a time as China's clocks show it."""
        return datetime.fromtimestamp(at, UTC) + CHINA


def print_msg(shop: Shop, params: dict[str, str]) -> str:
    """Take an order; a printer that is off is no error."""
    device = shop.device(params)
    content = params.get("content")
    if content is None:
        raise FeieError(-2, "参数错误 : content不能为空.")
    if len(content.encode()) > LIMIT:
        raise FeieError(shop.settings["too_long_ret"], "参数错误 : 打印内容不能超过5000字节.")
    copies = params.get("times", "1")
    if not re.fullmatch(r"[1-9]\d{0,2}", copies):
        raise FeieError(-2, "参数错误 : times不正确.")
    now = shop.now()
    expires = params.get("expired")
    if expires is not None and not (re.fullmatch(r"\d{10}", expires) and now < int(expires) <= now + DAY_S):
        raise FeieError(-2, "参数错误 : expired不正确.")
    number = f"{device.number}_{shop.date(now):%Y%m%d%H%M%S}_{1_000_000_000 + serial()}"
    order = Order(number, content, now, int(copies), int(expires) if expires else None)
    if url := params.get("backurl"):
        order.told = lambda done: shop.push(url, done.id)
    device.add(order)
    return number


def print_label(shop: Shop, params: dict[str, str]) -> str:
    """Refuse: these are receipt printers."""
    shop.device(params)
    raise FeieError(1001, "验证失败 : 该打印机不是标签机.")


def order_state(shop: Shop, params: dict[str, str]) -> bool:
    """Tell whether an order was printed; a dropped one stays false for ever."""
    for device in shop.devices.values():
        for order in device.orders:
            if device.bound and order.id == params.get("orderid"):
                return order.state == "printed"
    raise FeieError(1001, "参数错误 : 订单ID错误.")


def counters(shop: Shop, params: dict[str, str]) -> dict[str, int]:
    """Count a day's orders of one printer."""
    device, day = shop.device(params), params.get("date", "")
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
            raise ValueError(day)
        datetime.strptime(day, "%Y-%m-%d")  # noqa: DTZ007  (checked only)
    except ValueError:
        raise FeieError(1001, "参数错误 : 时间格式不正确。") from None
    of_day = [o for o in device.orders if f"{shop.date(o.received):%Y-%m-%d}" == day]
    return {s: sum(o.state == w for o in of_day) for s, w in (("print", "printed"), ("waiting", "waiting"))}


def printer_status(shop: Shop, params: dict[str, str]) -> str:
    """Say how a printer is, in Feie's words."""
    return STATES[shop.device(params).reported()] + ("。" if shop.settings["full_stop"] else "")


def printer_info(shop: Shop, params: dict[str, str]) -> dict[str, Any]:
    """Describe a printer of 58 mm."""
    device = shop.device(params)
    return {"model": 0, "status": NUMBERS[device.reported()], "printlogo": "N", "scanSwitch": 0}


def add_list(shop: Shop, params: dict[str, str]) -> dict[str, list[str]]:
    """Bind printers, a line each; `ret` is 0 even when every line failed."""
    lines = params.get("printerContent", "").split("\n")
    if len(lines) > 100:
        raise FeieError(-2, "参数错误 : 每次最多添加100台.")
    ok, no = [], []
    for line in filter(str.strip, lines):
        number, key, *rest = (part.strip() for part in [*line.split("#"), ""])
        device = shop.devices.get(number)
        if device is None:
            no.append(f"{line}（错误：打印机编号不存在）")
        elif device.key != key:
            no.append(f"{line}（错误：识别码不正确）")
        elif device.bound:
            no.append(f"{line}（错误：已被添加过）")
        else:
            device.bound, device.name = True, rest[0] if rest else ""
            ok.append(line)
    return {"ok": ok, "no": no}


def del_list(shop: Shop, params: dict[str, str]) -> dict[str, list[str]]:
    """Let printers go; `ret` is 0 even when every one failed."""
    ok, no = [], []
    for number in params.get("snlist", "").split("-"):
        device = shop.devices.get(number)
        if device is None:
            no.append(f"{number}打印机不存在")
        elif not device.bound:
            no.append(f"{number}用户UID不匹配")
        else:
            device.bound = False
            ok.append(f"{number}成功")
    return {"ok": ok, "no": no}


def edit(shop: Shop, params: dict[str, str]) -> bool:
    """Name a printer."""
    device = shop.device(params)
    if "name" not in params:
        raise FeieError(-2, "参数错误 : name不能为空.")
    device.name = params["name"]
    return True


def clear(shop: Shop, params: dict[str, str]) -> bool:
    """Forget the whole waiting queue of a printer."""
    for order in shop.device(params).waiting():
        order.state = "cancelled"
    return True


def scan_switch(shop: Shop, params: dict[str, str]) -> bool:
    """Switch the push of scanned codes."""
    shop.device(params)
    if params.get("switch") not in ("0", "1"):
        raise FeieError(-2, "参数错误 : switch不正确.")
    return True


OPERATIONS: dict[str, Callable[[Shop, dict[str, str]], Any]] = {
    "Open_printMsg": print_msg,
    "Open_printLabelMsg": print_label,
    "Open_queryOrderState": order_state,
    "Open_queryOrderInfoByDate": counters,
    "Open_queryPrinterStatus": printer_status,
    "Open_printerInfo": printer_info,
    "Open_printerAddlist": add_list,
    "Open_printerDelList": del_list,
    "Open_printerEdit": edit,
    "Open_delPrinterSqs": clear,
    "Open_printerSetScanSwitch": scan_switch,
}
