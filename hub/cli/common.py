"""What the commands share: settings and an open hub below HTTP."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from hub.config import Settings, load
from hub.errors import HubError
from hub.parts import Parts
from kiosk.coupons.rules import SHANGHAI
from kiosk.toml import Loaded


def config_path(args: argparse.Namespace) -> Path | None:
    """Return the configuration's file: the one named, else the usual one if it is there."""
    named = args.config or os.environ.get("KIOSK_HUB_CONFIG")
    usual = Path("/etc/kiosk-hub/hub.toml")
    return Path(named) if named else usual if usual.exists() else None


def told(loaded: Loaded[Settings]) -> Settings:
    """Print the warnings of a configuration and return its settings."""
    for warning in loaded.warnings:
        print(f"kiosk-hub: {warning}", file=sys.stderr)
    return loaded.value


def settings_of(args: argparse.Namespace) -> Settings:
    """Read the configuration and print its warnings."""
    return told(load(config_path(args)))


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[Parts]:
    """Open the database for one command; it may be in use by a server."""
    parts = Parts(settings_of(args))
    try:
        parts.open()
        yield parts
    finally:
        parts.close()


def later(parser: argparse.ArgumentParser, instead: str) -> None:
    """Let a command that is not built yet say so and what to do instead; it ends with 2."""

    def run(_: argparse.Namespace) -> int:
        raise HubError(f"{parser.prog} is not part of this version; {instead}.")

    parser.set_defaults(run=run)


def when(text: str) -> datetime:
    """Read a day or a time; without an offset it is the shop's."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a day such as 2026-11-24 or a time such as 2026-11-24T12:00"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def readable(path: Path) -> bytes:
    """Read a file that somebody named."""
    try:
        return path.read_bytes()
    except OSError as err:
        raise HubError(f"{path}: cannot be read ({err.strerror}); check the path.") from err
