"""The shop's own accounts at the clouds of printers, as the configuration gives them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from kiosk.config import Settings, secret
from kiosk.printing.printers.feie_api import REGIONS, FeieAccount
from kiosk.printing.printers.port import PrinterError
from kiosk.printing.printers.yilianyun_account import CHINA_URL, YilianyunAccount


class Accounts(msgspec.Struct, frozen=True):
    """Accounts; one that is not set up is None, and `missing` names the settings that it lacks."""

    feie: FeieAccount | None = None
    yilianyun: YilianyunAccount | None = None
    missing: dict[str, str] = {}

    @classmethod
    def of(cls, settings: Settings, data_dir: Path) -> Accounts:
        """Read the accounts; ConfigError when a file with a secret cannot be read."""
        f, y = settings.feie, settings.yilianyun
        ukey = secret(f.ukey, f.ukey_file, "feie.ukey_file")
        key = secret(y.client_secret, y.client_secret_file, "yilianyun.client_secret_file")
        missing = {
            "feie": _missing(("feie.user", f.user), ("feie.ukey (or feie.ukey_file)", ukey)),
            "yilianyun": _missing(
                ("yilianyun.client_id", y.client_id),
                ("yilianyun.client_secret (or yilianyun.client_secret_file)", key),
            ),
        }
        return cls(
            None
            if missing["feie"]
            else FeieAccount(user=f.user, ukey=ukey, base_url=f.base_url or REGIONS["cn"]),
            None
            if missing["yilianyun"]
            else YilianyunAccount(
                client_id=y.client_id,
                secret=key,
                base_url=y.base_url or CHINA_URL,
                api_version=y.api_version,
                data_dir=data_dir,
            ),
            missing,
        )

    def of_feie(self, name: str) -> FeieAccount:
        """Return the account at Feie; PrinterError names the settings that it lacks."""
        if self.feie is None:
            raise self._lacking(name, "feie", "feie.user and feie.ukey (or feie.ukey_file)")
        return self.feie

    def of_yilianyun(self, name: str) -> YilianyunAccount:
        """Return the application at Yilianyun; PrinterError names the settings that it lacks."""
        if self.yilianyun is None:
            raise self._lacking(
                name,
                "yilianyun",
                "yilianyun.client_id and yilianyun.client_secret (or yilianyun.client_secret_file)",
            )
        return self.yilianyun

    def _lacking(self, name: str, cloud: str, all_of_them: str) -> PrinterError:
        return PrinterError(
            f"printer {name}: {cloud}:// needs {self.missing.get(cloud) or all_of_them} in kiosk.toml."
        )


def _missing(*settings: tuple[str, str]) -> str:
    return " and ".join(name for name, value in settings if not value)
