"""`kiosk printers`, `kiosk printers test NAME` and `kiosk printers enrolment`."""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import quote

from kiosk.cli.common import DONE, FAILED, NOT_SO, UNKNOWN, Local, add_config, add_json, show

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
    local = Local.of(args)
    if args.action is None:
        printers = local.call("GET", "/api/v1/printers")["printers"]
        lines = [f"{p['name']:<12} {p['state']:<16} {p['url']} {p['detail']}".rstrip() for p in printers]
        show(
            args,
            {"printers": printers},
            "\n".join(lines) or "no printer is configured; add [printers.NAME] to kiosk.toml.",
        )
        return DONE if all(p["state"] in ("ok", "near_end", "cannot_ask") for p in printers) else NOT_SO
    if args.action == "enrolment":
        return _ended(args, local.call("POST", "/api/v1/slips/enrolment", {}, unknown=True))
    if args.name is None:
        from kiosk.cli.common import CommandError

        raise CommandError("which printer? `kiosk printers` lists their names.")
    path = f"/api/v1/printers/{quote(args.name, safe='')}/test"
    return _ended(args, local.call("POST", path, {}, unknown=True))


def _ended(args: argparse.Namespace, result: dict[str, Any]) -> int:
    """Tell how a print ended."""
    show(args, result, f"{result['outcome']} {result['reason']}".rstrip())
    return OUTCOMES[result["outcome"]]
