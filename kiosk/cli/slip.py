"""`kiosk slip`: render, print, schema."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk.cli.common import DONE, FAILED, UNKNOWN, CommandError, add_config, add_json, config_path, show

if TYPE_CHECKING:
    from kiosk.printing.printers.accounts import Accounts

OUTCOMES = {"printed": DONE, "unknown": UNKNOWN, "failed": FAILED}


def add(commands: Any) -> None:
    """Register the commands."""
    slip = commands.add_parser("slip", help="render and print slips").add_subparsers(
        dest="what", required=True
    )
    one = slip.add_parser("render", help="one slip to one output")
    one.add_argument("file", type=Path, metavar="FILE.json")
    one.add_argument(
        "--to", required=True, metavar="FORM", help="escpos, png, text, or a cloud: feie, yilianyun"
    )
    one.add_argument("--profile", default="generic-58")
    one.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="file, or - for standard output"
    )
    one.add_argument("--report", type=Path, metavar="R.json", help="what was degraded or lost")
    one.add_argument("--logos", type=Path, metavar="DIR", help="pictures that a slip names, NAME.png")
    one.set_defaults(run=run_render)
    pr = slip.add_parser("print", help="print and wait")
    pr.add_argument("file", type=Path, metavar="FILE.json")
    pr.add_argument("--printer", required=True, metavar="URL")
    pr.add_argument("--profile", default="generic-58")
    pr.add_argument("--wait", type=float, default=20.0, metavar="S", help="seconds to wait for the end (20)")
    pr.add_argument("--logos", type=Path, metavar="DIR", help="pictures that a slip names, NAME.png")
    add_json(pr)
    add_config(pr)
    pr.set_defaults(run=run_print)
    slip.add_parser("schema", help="the JSON Schema of a slip").set_defaults(run=run_schema)


def _slip(path: Path) -> Any:
    from kiosk.printing.render import read_slip
    from kiosk.printing.slip import SlipError

    try:
        return read_slip(path)
    except SlipError as err:
        raise CommandError(str(err)) from err


def run_render(args: argparse.Namespace) -> int:
    """Render a slip; files are whole or not there."""
    from kiosk.printing.pictures import load_pictures
    from kiosk.printing.profiles import ProfileError, profile
    from kiosk.printing.render import forms, render

    try:
        used = profile(args.profile)
    except ProfileError as err:
        raise CommandError(str(err)) from err
    if args.to not in forms():
        raise CommandError(f"--to {args.to}: there is no such form; there are {', '.join(forms())}.")
    slip = _slip(args.file)
    made = render(slip, args.to, used, load_pictures(slip, args.logos, used.width_dots))
    if args.report:
        _write(args.report, json.dumps(made.report.as_json(), ensure_ascii=False, indent=1).encode())
    if str(args.output) == "-":
        sys.stdout.buffer.write(made.data)
        sys.stdout.buffer.flush()
    else:
        _write(args.output, made.data)
    for note in (*made.report.lost, *made.report.degraded):
        print(note, file=sys.stderr)
    return DONE


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as err:
        raise CommandError(
            f"{path}: cannot be written ({err.strerror}); choose another place.", FAILED
        ) from err


def run_print(args: argparse.Namespace) -> int:
    """Print a slip on a printer by its address, past the daemon's queue."""
    from kiosk.coupons.ids import new_rid
    from kiosk.printing.pictures import load_pictures
    from kiosk.printing.printers.factory import open_printer
    from kiosk.printing.printers.port import PrinterError
    from kiosk.printing.render import render

    if not args.wait > 0:
        raise CommandError("--wait is a number of seconds above 0.")
    try:
        printer = open_printer("slip", args.printer, args.profile, accounts=_accounts(args))
    except PrinterError as err:
        raise CommandError(str(err)) from err
    slip = _slip(args.file)
    pictures = load_pictures(slip, args.logos, printer.profile.width_dots)
    made = render(slip, printer.wants, printer.profile, pictures)

    async def send() -> Any:
        await printer.start()
        try:
            return await printer.send(made.data, rid=new_rid(), deadline_s=args.wait, copies=slip.copies)
        finally:
            await printer.stop()

    outcome = asyncio.run(send())
    plain = {
        "outcome": outcome.ended,
        "reason": outcome.trouble,
        "detail": outcome.detail,
        "sent": outcome.sent,
    }
    show(args, {**plain, "report": made.report.as_json()}, f"{outcome.ended} {outcome.detail}".rstrip())
    return OUTCOMES[outcome.ended]


def _accounts(args: argparse.Namespace) -> Accounts | None:
    """Read the accounts of the configuration, when the printer is a cloud's."""
    from kiosk.printing.printers.clouds import MODULES

    if args.printer.partition("://")[0] not in MODULES:
        return None
    from kiosk.config import ConfigError, load
    from kiosk.printing.printers.accounts import Accounts

    try:
        settings = load(config_path(args)).value
        return Accounts.of(settings, Path(settings.data_dir))
    except ConfigError as err:
        raise CommandError(str(err)) from err


def run_schema(_: argparse.Namespace) -> int:
    """Print the schema."""
    from kiosk.printing.slip import slip_schema

    print(json.dumps(slip_schema(), ensure_ascii=False, indent=2))
    return DONE
