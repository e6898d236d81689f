"""`kiosk-hub restored`: after a backup was put back."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from hub.cli.common import opened
from hub.parts import now
from hub.store import restored


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "restored",
        parents=[common],
        help="once, before the first start on a database put back from a backup: give no code away twice",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Leave out the serials that the lost part may have given away."""
    with opened(args) as parts:
        count = parts.database.call(restored.settle, parts.tenant, getpass.getuser(), "told", now())
    print(
        f"Batches whose next code has a serial further on by {restored.SKIP:,} or by what was left of the stock: {count}. "
        "Kiosks load anew what came to them after the backup; start the hub."
    )
    return 0
