"""Addresses of devices at the end of a stream: serial:///dev/..., hid:///dev/..., socket://host:port. Pure."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from kiosk.hardware.ports import HardwareError

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)


class Address(msgspec.Struct, frozen=True):
    """Where a device is."""

    scheme: Literal["serial", "socket", "hid"]
    path: str = ""
    host: str = ""
    port: int = 0
    baud: int = 9600
    options: dict[str, str] = {}

    @property
    def place(self) -> str:
        """Return it as people name it: the device's path, or host and port."""
        return self.path if self.scheme != "socket" else f"{self.host}:{self.port}"


def parse(what: str, url: str, *, baud: int = 9600, options: tuple[str, ...] = ()) -> Address:
    """Read the address of a device called `what`; HardwareError says what is wrong with it and what would be right.

    `baud` holds where the address names none; `options` are the words that may follow its `?` besides `baud`.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.rpartition("+")[2]
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(given) - {"baud", *options})
    if unknown:
        known = ", ".join(sorted({"baud", *options}))
        raise HardwareError(f"{what}: {unknown[0]} in {url} means nothing here; there are {known}.")
    speed = _baud(what, url, given.pop("baud", str(baud)))
    if scheme == "socket":
        host, port = parts.hostname, _port(parts.netloc)
        if not host or not port:
            raise HardwareError(
                f"{what}: {url} names no host and port; write {parts.scheme}://192.168.1.60:4001."
            )
        return Address("socket", host=host, port=port, baud=speed, options=given)
    if scheme not in ("serial", "hid"):
        raise HardwareError(
            f"{what}: {url} names no serial line; write serial:///dev/... or socket://host:port."
        )
    if parts.netloc or not parts.path.startswith("/") or parts.path == "/":
        raise HardwareError(f"{what}: {url} names no device; write {parts.scheme}:///dev/....")
    return Address("serial" if scheme == "serial" else "hid", path=parts.path, baud=speed, options=given)


def _baud(what: str, url: str, text: str) -> int:
    if text.isdigit() and int(text) in BAUDS:
        return int(text)
    raise HardwareError(f"{what}: baud={text} in {url} is no speed of a serial line, such as 9600 or 115200.")


def _port(netloc: str) -> int:
    """Return the port of `host:port`; 0 when there is none that exists."""
    text = netloc.rpartition(":")[2]
    return int(text) if text.isdigit() and int(text) <= 65535 else 0
