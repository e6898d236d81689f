"""kiosk.toml -> typed settings (`kiosk.settings`): reading, the last that worked, secrets, a description without them.

An unknown key is a warning that names the nearest known key; a bad value is one sentence with file, key, value and what
would be right.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import msgspec

from kiosk import toml
from kiosk.settings import DEFAULT_DATA_DIR, Gpio, Screen, Settings, Shop, Sound, TlsFiles, Web
from kiosk.toml import ConfigError, Loaded, load_toml

__all__ = [
    "ConfigError",
    "Gpio",
    "Screen",
    "Settings",
    "Shop",
    "Sound",
    "TlsFiles",
    "Web",
    "keep_last_good",
    "load",
    "load_with_fallback",
]

LAST_GOOD = "last-good.toml"
IN_ADDRESS = re.compile(r"(://[^/\s:@\"]*):[^/\s@\"]+@")
"""Name and password in an address (RFC 3986, 3.2.1)."""


def load(path: Path | None) -> Loaded[Settings]:
    """Read a file into settings; None gives the defaults. Raises `ConfigError` with one sentence."""
    if path is None:
        return Loaded(Settings(), ())
    return load_toml(path, Settings)


def load_with_fallback(path: Path | None) -> Loaded[Settings]:
    """Read a file; when it is bad, use the last configuration that worked and say so in a warning."""
    try:
        return load(path)
    except ConfigError as err:
        if (good := fallback(path, str(err))) is None:
            raise
        return good


def fallback(path: Path | None, why: str) -> Loaded[Settings] | None:
    """Return the last configuration that worked, with a warning that says why; None when none was kept."""
    return toml.fallback(Settings, why, _last_good_places(path))


def keep_last_good(path: Path | None, settings: Settings) -> None:
    """Keep a copy of the file that the daemon has just started with."""
    if path is not None:
        toml.keep(path, Path(settings.data_dir) / LAST_GOOD)


def _last_good_places(path: Path | None) -> list[Path]:
    """Return where a kept copy can be: the data directory that the bad file names, systemd's, the default."""
    places = []
    try:
        named = tomllib.loads(path.read_text("utf-8")).get("data_dir") if path else None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        named = None
    if isinstance(named, str):
        places.append(Path(named))
    if state := os.environ.get("STATE_DIRECTORY"):
        places.append(Path(state.split(":")[0]))
    places.append(Path(DEFAULT_DATA_DIR))
    return [p / LAST_GOOD for p in places]


def secret(value: str, file: str, what: str) -> str:
    """Return a secret given in place or in a file of its own."""
    if not file:
        return value
    try:
        return Path(file).read_text("utf-8").strip()
    except OSError as err:
        raise ConfigError(
            f"{what}: {file} cannot be read ({err.strerror}); create it with mode 0600 or correct the path."
        ) from err


def describe(settings: Settings) -> dict[str, object]:
    """Return the settings without secrets, for status and diagnostics."""
    plain: dict[str, object] = msgspec.to_builtins(settings)
    for section, keys in {"feie": ["ukey"], "yilianyun": ["client_secret"], "web": ["pin"]}.items():
        part = plain[section]
        assert isinstance(part, dict)
        for key in keys:
            if part.get(key):
                part[key] = "(set)"
    further = plain["clouds"]
    assert isinstance(further, dict)
    for part in further.values():
        if part["key"]:
            part["key"] = "(set)"
    for devices in (plain[kind] for kind in ("printers", "scanners", "tills", "displays", "speakers")):
        assert isinstance(devices, dict)
        for part in devices.values():
            part["url"] = IN_ADDRESS.sub(r"\1:(set)@", part["url"])
    return plain
