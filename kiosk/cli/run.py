"""`kiosk run`: the daemon."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from kiosk.cli.common import DONE, FAILED, USAGE, CommandError, add_config, config_path


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("run", help="the daemon")
    add_config(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the daemon until SIGTERM or SIGINT."""
    from kiosk.boot import DaemonError
    from kiosk.config import ConfigError, load_with_fallback
    from kiosk.logs import set_up_logging
    from kiosk.run import serve

    path = config_path(args)
    try:
        loaded = load_with_fallback(path)
    except ConfigError as err:
        raise CommandError(str(err)) from err
    set_up_logging(loaded.value.log.level)
    try:
        asyncio.run(serve(loaded, path))
    except DaemonError as err:
        raise CommandError(str(err), USAGE if err.usage else FAILED) from err
    return DONE
