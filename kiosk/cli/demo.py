"""`kiosk demo`: hub, kiosk and simulated devices on one machine, and the tour."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from kiosk.cli.common import DONE, FAILED, NOT_SO, USAGE, CommandError

PRINTERS = ("escpos", "serial", "usb", "feie", "yilianyun", "virtual")
"""Keys of `simulators.demo.printers.CHOICES`, which is not there without the simulators."""


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("demo", help="hub, kiosk and simulated devices on one machine")
    parser.add_argument("--port", type=_port, default=8080, help="port of the counter page (8080)")
    parser.add_argument("--hub-port", type=_port, default=8090, help="port of the hub (8090)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep the data here; without it they are thrown away"
    )
    parser.add_argument(
        "--printer",
        choices=PRINTERS,
        default=PRINTERS[0],
        help="the slip printer that is simulated (escpos); the tour always uses escpos",
    )
    parser.add_argument(
        "--tour",
        type=Path,
        metavar="DIR",
        help="play the whole story unattended and write what came of it to DIR",
    )
    parser.set_defaults(run=run)


def _port(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number") from None
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(
            f"{value} is not a port; ports go from 1 to 65535, 0 picks a free one"
        )
    return value


def run(args: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C, or the tour to its end."""
    try:
        from simulators.demo.desk import demo
        from simulators.demo.tour import tour
        from simulators.demo.world import DemoError
    except ImportError as err:
        raise CommandError(
            f"the demo needs the hub and the simulators ({err.name} is not installed); run `make demo` in the source tree.",
            USAGE,
        ) from err
    try:
        if args.tour is None:
            asyncio.run(demo(args.port, args.hub_port, args.data, args.printer))
            return DONE
        return DONE if asyncio.run(tour(args.tour, args.port, args.hub_port, args.data)) else NOT_SO
    except DemoError as err:
        raise CommandError(str(err), FAILED) from err
