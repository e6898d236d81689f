"""hub.toml -> typed settings."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

from kiosk import toml
from kiosk.toml import ConfigError, Loaded, load_toml

__all__ = ["ConfigError", "Settings", "fallback", "keep_last_good", "load"]

LAST_GOOD = "hub-last-good.toml"
STATE = "/var/lib/kiosk-hub"

HttpUrl = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/]+\S*$",
        description="An http or https address.",
        examples=["https://q.example.cn"],
    ),
]


class Demo(Struct, frozen=True, kw_only=True):
    """For demonstrations only."""

    claims: Annotated[
        bool, Meta(description="Stand in for WeChat: anybody who opens a store's page can claim.")
    ] = False


class WechatPay(Struct, frozen=True, kw_only=True):
    """WeChat Pay."""

    base_url: HttpUrl = "https://api.mch.weixin.qq.com"


class Feie(Struct, frozen=True, kw_only=True):
    """Account at Feie."""

    user: Annotated[str, Meta(description="Name of the account, an e-mail address.")] = ""
    ukey: Annotated[str, Meta(description="Account key; prefer ukey_file.")] = ""
    ukey_file: Annotated[str, Meta(description="File with the account key, mode 0600.")] = ""
    base_url: HttpUrl = "https://api.feieyun.cn/Api/Open/"
    backurl: Annotated[
        HttpUrl,
        Meta(
            description="Where Feie tells of prints: public_url and /v1/clouds/feie, registered in its console; empty: it is asked alone."
        ),
    ] = ""


class Yilianyun(Struct, frozen=True, kw_only=True):
    """Application at Yilianyun."""

    client_id: Annotated[str, Meta(description="Number of the application.")] = ""
    client_secret: Annotated[str, Meta(description="Application secret; prefer client_secret_file.")] = ""
    client_secret_file: Annotated[str, Meta(description="File with the application secret, mode 0600.")] = ""
    base_url: HttpUrl = "https://open-api.10ss.net/v2"
    api_version: Annotated[int, Meta(ge=1, le=2, description="Version of the interface.")] = 2


class CloudAccount(Struct, frozen=True, kw_only=True):
    """Account at a further cloud of printers, named by the scheme of its addresses."""

    user: Annotated[str, Meta(description="Name of the account.")] = ""
    key: Annotated[str, Meta(description="Account key; prefer key_file.")] = ""
    key_file: Annotated[str, Meta(description="File with the account key, mode 0600.")] = ""
    base_url: Annotated[
        str, Meta(pattern=r"^(https?://[^\s/]+\S*)?$", description="An http or https address.")
    ] = ""


class Settings(Struct, frozen=True, kw_only=True):
    """All of hub.toml."""

    database: Annotated[
        str,
        Meta(
            pattern=r"^(sqlite:///.+|postgresql(\+psycopg)?://.+)$",
            description="Where everything is kept.",
            examples=["sqlite:////var/lib/kiosk-hub/hub.db"],
        ),
    ] = "sqlite:///kiosk-hub.db"
    listen: Annotated[
        str,
        Meta(
            pattern=r"^(\[[0-9a-fA-F:]+\]|[0-9A-Za-z_.-]+):\d{1,5}$",
            description="Address and port to listen on.",
            examples=["127.0.0.1:8090"],
        ),
    ] = "127.0.0.1:8090"
    public_url: Annotated[HttpUrl, Meta(description="What printed codes begin with.")] = (
        "http://127.0.0.1:8090"
    )
    secret_key_file: Annotated[
        str,
        Meta(description="File with the key that encrypts credentials at rest; made when it is not there."),
    ] = ""
    demo: Demo = Demo()
    wechatpay: WechatPay = WechatPay()
    feie: Feie = Feie()
    yilianyun: Yilianyun = Yilianyun()
    clouds: dict[str, CloudAccount] = field(default_factory=dict)
    printers: Annotated[
        dict[
            Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]{1,19}://[0-9A-Za-z]{6,20}$")],
            Annotated[str, Meta(min_length=1, max_length=32)],
        ],
        Meta(
            description="Cloud printers of the accounts above, and the store whose kiosks may print on each.",
            examples=[{"feie://920000001": "S0001"}],
        ),
    ] = field(default_factory=dict)

    @property
    def secret_path(self) -> Path:
        """Return the secret's file: the one named, else beside the SQLite file, else here."""
        if self.secret_key_file:
            return Path(self.secret_key_file)
        if self.database.startswith("sqlite:///"):
            return Path(self.database.removeprefix("sqlite:///")).with_suffix(".key")
        return Path("kiosk-hub.key")


def load(path: Path | None) -> Loaded[Settings]:
    """Read a file into settings; None gives the defaults."""
    loaded = Loaded(Settings(), ()) if path is None else load_toml(path, Settings)
    port = int(loaded.value.listen.rpartition(":")[2])
    if port > 65535:
        raise ConfigError(f"{path}: listen names port {port}, ports end at 65535; choose another one.")
    return loaded


def fallback(path: Path | None, why: str) -> Loaded[Settings] | None:
    """Return the last configuration that worked, with a warning that says why; None when none was kept."""
    return None if path is None else toml.fallback(Settings, why, _last_good_places(path))


def keep_last_good(path: Path | None, settings: Settings) -> None:
    """Keep a private copy of the file that the hub has just started with."""
    if path is not None:
        toml.keep(path, (_state_directory() or settings.secret_path.parent) / LAST_GOOD)


def _state_directory() -> Path | None:
    """Return the directory that systemd gives a service for what it keeps."""
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(given) if given else None


def _last_good_places(path: Path) -> list[Path]:
    """Return where a kept copy can be: systemd's directory, beside the secret that the bad file names, the default."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raw = {}
    named = {name: raw[name] for name in ("database", "secret_key_file") if isinstance(raw.get(name), str)}
    beside = Settings(**named).secret_path.parent if named else None
    return [place / LAST_GOOD for place in (_state_directory(), beside, Path(STATE)) if place is not None]
