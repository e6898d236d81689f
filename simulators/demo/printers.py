"""The slip printers that the demo can use: the simulator that stands in, and what kiosk.toml says of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Choice(NamedTuple):
    """One kind of slip printer."""

    simulator: str
    """Module that serves it; empty: the kiosk needs none."""
    settings: Callable[[dict[str, Any], Path], str]
    """Sections of kiosk.toml, by the line in which the simulator says where it is and the directory of the pictures."""
    kiosk: str = "kiosk"
    """Module that runs the kiosk."""


def _first(says: dict[str, Any]) -> str:
    return str(next(iter(says["printers"])))


def _escpos(says: dict[str, Any], slips: Path) -> str:
    return _counter(f"tcp://127.0.0.1:{says['port']}") + _paper(slips, mirror=True)


def _feie(says: dict[str, Any], slips: Path) -> str:
    account = says["account"]
    return (
        _counter(f"feie://{_first(says)}")
        + f'[feie]\nuser = "{account["user"]}"\nukey = "{account["ukey"]}"\nbase_url = "{says["url"]}"\n'
        + _paper(slips, mirror=True)
    )


def _yilianyun(says: dict[str, Any], slips: Path) -> str:
    account = says["account"]
    return (
        _counter(f"yilianyun://{_first(says)}")
        + f'[yilianyun]\nclient_id = "{account["client_id"]}"\nclient_secret = "{account["client_secret"]}"\n'
        + f'base_url = "{says["url"]}"\napi_version = 2\n'
        + _paper(slips, mirror=True)
    )


def _serial(says: dict[str, Any], slips: Path) -> str:
    return _counter(says["serial"]) + _paper(slips, mirror=True)


def _usb(_: dict[str, Any], slips: Path) -> str:
    return _counter("usb://0416:5011") + _paper(slips, mirror=True)


def _virtual(_: dict[str, Any], slips: Path) -> str:
    return _paper(slips, mirror=False)


def _counter(url: str) -> str:
    return f'[printers.counter]\nurl = "{url}"\nprofile = "generic-58"\n'


def _paper(slips: Path, *, mirror: bool) -> str:
    """Return the printer whose slips the page of the simulated devices shows."""
    return f'[printers.paper]\nurl = "virtual://{slips}"\nprofile = "generic-58"\nmirror = {str(mirror).lower()}\n'


CHOICES = {
    "escpos": Choice("simulators.escpos", _escpos),
    "serial": Choice("simulators.escpos", _serial),
    "usb": Choice("", _usb, "simulators.usb_kiosk"),
    "feie": Choice("simulators.feie", _feie),
    "yilianyun": Choice("simulators.yilianyun", _yilianyun),
    "virtual": Choice("", _virtual),
}
