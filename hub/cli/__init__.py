"""The `kiosk-hub` command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from hub.config import ConfigError
from hub.errors import HubError, Refused


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words of the command."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help.\n")


def build() -> argparse.ArgumentParser:
    """Build the parser of the whole command."""
    from importlib.metadata import version

    from hub.cli import batch, coupon, fleet, lease, restored, service

    parser = Parser(prog="kiosk-hub", description="The cloud service of coupon kiosks. 云端。")
    parser.add_argument("--version", action="version", version=f"kiosk-hub {version('coupon-kiosk')}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "-c",
        "--config",
        type=Path,
        metavar="hub.toml",
        help="configuration; $KIOSK_HUB_CONFIG is the default",
    )
    for group in (service, batch, coupon, lease, fleet, restored):
        group.add(commands, common)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        parser = build()
    except ModuleNotFoundError as err:  # the wheel installs this command with the kiosk alone, too
        print(
            f"kiosk-hub: {err.name} is not installed; install the hub with pip install 'coupon-kiosk[hub]'.",
            file=sys.stderr,
        )
        return 2
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except (ConfigError, HubError, Refused) as err:
        if args.debug:
            raise
        print(f"kiosk-hub: {err}", file=sys.stderr)
        return err.code if isinstance(err, HubError) else 2
    except KeyboardInterrupt:
        print("kiosk-hub: stopped.", file=sys.stderr)
        return 130
