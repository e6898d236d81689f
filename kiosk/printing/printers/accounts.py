"""The shop's own accounts at the clouds of printers, as the configuration gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kiosk.printing.printers.clouds import Account, AccountError, Driver, account
from kiosk.printing.printers.port import PrinterError


class Accounts:
    """Accounts, each read when a printer of its cloud is built. Without settings there are none."""

    def __init__(self, settings: Any = None, data_dir: Path = Path()) -> None:
        self._settings, self._data_dir = settings, data_dir

    @classmethod
    def of(cls, settings: Any, data_dir: Path) -> Accounts:
        """Take the accounts of a configuration."""
        return cls(settings, data_dir)

    def get(self, name: str, cloud: Driver) -> Account:
        """Return the account for a printer; PrinterError names the settings that it lacks."""
        try:
            return account(cloud, self._settings, self._data_dir)
        except AccountError as err:
            raise PrinterError(f"printer {name}: {cloud.scheme}:// needs {err} in kiosk.toml.") from err
