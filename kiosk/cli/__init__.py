"""The `kiosk` command, one file a group."""

from __future__ import annotations

import argparse
import importlib
import sys

from kiosk.cli.common import FAILED, CommandError, Parser, fail

GROUPS = (
    "run",
    "screen",
    "demo",
    "state",
    "redeem",
    "slip",
    "printers",
    "journal",
    "enrol",
    "token",
    "diagnostics",
)


def build() -> argparse.ArgumentParser:
    """Build the parser of the whole command."""
    from importlib.metadata import version

    parser = Parser(prog="kiosk", description="A counter kiosk for coupons. 柜台优惠券终端。")
    parser.add_argument("--version", action="version", version=f"kiosk {version('coupon-kiosk')}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for group in GROUPS:
        importlib.import_module(f"kiosk.cli.{group}").add(commands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = build().parse_args(argv)
    try:
        return int(args.run(args))
    except CommandError as err:
        if args.debug:
            raise
        fail(str(err))
        return err.code
    except KeyboardInterrupt:
        fail("stopped.")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
