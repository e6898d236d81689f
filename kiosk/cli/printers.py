"""`kiosk printers`, `kiosk printers test NAME` and `kiosk printers enrolment`."""

from __future__ import annotations

import argparse
from typing import Any

from kiosk.cli.common import (
    DONE,
    FAILED,
    NOT_SO,
    UNKNOWN,
    CommandError,
    add_config,
    add_json,
    daemon,
    show,
)

OUTCOMES = {"printed": DONE, "unknown": UNKNOWN, "failed": FAILED}


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("printers", help="state of each printer; self-test slip; enrolment slip")
    parser.add_argument(
        "action",
        nargs="?",
        choices=["test", "enrolment"],
        help="print a self-test slip, or the code that lets this kiosk in",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the printer's name in kiosk.toml")
    add_json(parser)
    add_config(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show the printers, or test one."""
    if args.action is None:
        with daemon(args) as kiosk:
            printers = kiosk.printers()
        lines = [f"{p['name']:<12} {p['state']:<16} {p['url']} {p['detail']}".rstrip() for p in printers]
        show(
            args,
            {"printers": printers},
            "\n".join(lines) or "no printer is configured; add [printers.NAME] to kiosk.toml.",
        )
        return DONE if all(p["state"] in ("ok", "near_end", "cannot_ask") for p in printers) else NOT_SO
    if args.action == "enrolment":
        with daemon(args, unknown=True) as kiosk:
            return _ended(args, kiosk.post("/slips/enrolment"))
    if args.name is None:
        raise CommandError("which printer? `kiosk printers` lists their names.")
    with daemon(args, unknown=True) as kiosk:
        return _ended(args, kiosk.test_printer(args.name))


def _ended(args: argparse.Namespace, result: dict[str, Any]) -> int:
    """Tell how a print ended."""
    show(args, result, f"{result['outcome']} {result['reason']}".rstrip())
    return OUTCOMES[result["outcome"]]
