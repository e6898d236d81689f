"""The clouds of printers that the house knows. A new one is a driver's module with a `DRIVER` in it, and a line in `MODULES`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from kiosk.printing.pictures import Pictures
from kiosk.printing.printers.abilities import Abilities
from kiosk.printing.printers.port import Printer
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered
from kiosk.printing.slip import Slip

MODULES = {
    "feie": "kiosk.printing.printers.feie",
    "yilianyun": "kiosk.printing.printers.yilianyun",
}
"""Scheme of the address -> module; read when a printer of that cloud is first spoken of."""


class AccountError(Exception):
    """An account that cannot be used: what lacks or cannot be read, without the name of the file of settings."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The account at a cloud, as the settings give it."""

    who: str
    key: str
    base_url: str
    more: dict[str, Any]
    """Further settings of the section."""
    data_dir: Path
    """Where a driver may keep what it must not lose, such as a token."""

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"Account(who={self.who!r}, base_url={self.base_url!r})"


class Driver(msgspec.Struct, frozen=True, kw_only=True):
    """All that the house has to know of a cloud."""

    scheme: str
    title: str
    """As people say it."""
    example: str
    """A printer's number."""
    can: Abilities
    render: Callable[[Slip, Profile, Pictures | None], Rendered]
    open: Callable[[str, str, Profile, str, Account], Printer]
    """name, url, profile, the printer's number, account -> its printer; nothing is opened yet."""
    who: str = "user"
    key: str = "key"
    """Settings that hold the account's name and its key; `key` + `_file` names a file with the key."""
    thanks: str = ""
    """The answer that a cloud which calls back wants, or it calls again."""


def driver(scheme: str) -> Driver | None:
    """Return the driver of a cloud; None when there is no such cloud."""
    if scheme not in MODULES:
        return None
    found: Driver = import_module(MODULES[scheme]).DRIVER
    return found


def account(of: Driver, settings: Any, data_dir: Path) -> Account:
    """Read an account from the settings of a kiosk or a hub; AccountError names the settings that lack.

    The section is `[SCHEME]` where the settings have one, else `[clouds.SCHEME]`.
    """
    own = getattr(settings, of.scheme, None)
    place = of.scheme if own is not None else f"clouds.{of.scheme}"
    section = own if own is not None else getattr(settings, "clouds", {}).get(of.scheme)
    values: dict[str, Any] = {} if section is None else msgspec.to_builtins(section)
    who, key, file = values.pop(of.who, ""), values.pop(of.key, ""), values.pop(f"{of.key}_file", "")
    if file:
        key = _read(file, f"{place}.{of.key}_file")
    named = {f"{place}.{of.who}": who, f"{place}.{of.key} (or {place}.{of.key}_file)": key}
    if lacking := " and ".join(name for name, value in named.items() if not value):
        raise AccountError(lacking)
    return Account(who=who, key=key, base_url=values.pop("base_url", ""), more=values, data_dir=data_dir)


def _read(file: str, what: str) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except OSError as err:
        told = f"{what}, which cannot be read ({file}: {err.strerror}; create it with mode 0600 or correct the path)"
        raise AccountError(told) from err
