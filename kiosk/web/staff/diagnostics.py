"""The bundle for support: how the kiosk is, without anything that opens a door."""

from __future__ import annotations

import io
import json
import platform
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from kiosk.config import IN_ADDRESS, Settings, describe
from kiosk.web.services import Services

GONE = "(removed)"
KEPT_FILES = ("local.token", "session.key", "staff.pin", "device.key", "tls-key.pem", "tls-ca-key.pem")
SECRET_FILES = ("ukey_file", "client_secret_file", "key_file", "token_file")
SECRETS = ("ukey", "client_secret", "key", "pin", "password")
SHORTEST = 4
"""A shorter secret would take half the bundle's letters with it; none of ours is."""


def secrets_of(settings: Settings, data_dir: Path) -> set[str]:
    """Return every secret that this kiosk knows."""
    found = set(_walk(msgspec.to_builtins(settings)))
    for path in (data_dir / name for name in KEPT_FILES):
        found |= _lines(path)
    return {s for s in found if len(s) >= SHORTEST}


def _walk(plain: Any) -> Iterable[str]:
    if isinstance(plain, dict):
        for key, value in plain.items():
            if key in SECRETS and isinstance(value, str):
                yield value
            elif key in SECRET_FILES and value:
                yield from _lines(Path(value))
            else:
                yield from _walk(value)


def _lines(path: Path) -> set[str]:
    """Return the lines of a secret's file; one that is not there holds none."""
    try:
        return {line.strip() for line in path.read_text("utf-8", "replace").splitlines()}
    except OSError:
        return set()


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets, wherever in it they stand, also as JSON writes them."""
    for secret in sorted(secrets, key=len, reverse=True):
        for form in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
            text = text.replace(form, GONE)
    return IN_ADDRESS.sub(rf"\1:{GONE}@", text)


def pack(parts: dict[str, Any], secrets: Iterable[str]) -> bytes:
    """Return the parts as a ZIP of JSON files, redacted."""
    raw, known = io.BytesIO(), set(secrets)
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, value in parts.items():
            bundle.writestr(name, redacted(json.dumps(value, ensure_ascii=False, indent=1), known))
    return raw.getvalue()


async def gather(services: Services) -> dict[str, Any]:
    """Return what support asks for first. No coupon codes, no rows of the journal."""
    findings, lights = await services.gatherer.examine()
    verified = await services.journal.verify()
    return {
        "status.json": {
            "device": services.device,
            "version": services.version,
            "epoch": services.journal.epoch,
            "page": services.glass.state(),
            "lights": {name: light.as_json() for name, light in lights.items()},
        },
        "doctor.json": [f.as_json() for f in findings],
        "devices.json": await services.devices(),
        "printers.json": msgspec.to_builtins(services.gatherer.printers()),
        "settings.json": describe(services.settings),
        "journal-check.json": msgspec.to_builtins(verified),
        "machine.json": {"python": sys.version, "system": platform.platform()},
    }
