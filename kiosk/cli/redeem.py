"""`kiosk redeem` and `kiosk rollback`."""

from __future__ import annotations

import argparse
from typing import Any

from kiosk.cli.common import DONE, FAILED, NOT_SO, UNKNOWN, CommandError, add_config, add_json, daemon, show

CODES = {"confirmed": DONE, "offline": DONE, "refused": NOT_SO, "unknown": UNKNOWN}


def add(commands: Any) -> None:
    """Register the commands."""
    redeem = commands.add_parser("redeem", help="redeem a code by hand")
    redeem.add_argument("code", metavar="CODE", help="the code as printed or scanned")
    redeem.add_argument(
        "--total", type=_fen, metavar="FEN", help="total of the basket in fen, checks the threshold"
    )
    redeem.add_argument(
        "--request-no", metavar="NO", help="repeat with the same number to get the same answer"
    )
    add_json(redeem)
    add_config(redeem)
    redeem.set_defaults(run=run_redeem)
    back = commands.add_parser("rollback", help="undo a redemption")
    back.add_argument("rid", metavar="RID", help="the rid that `kiosk redeem` printed")
    back.add_argument("--why", default="", help="the reason, for the record")
    add_json(back)
    add_config(back)
    back.set_defaults(run=run_rollback)


def _fen(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number of fen, such as 2000 for 20 yuan"
        ) from None
    if value < 0:
        raise argparse.ArgumentTypeError("a total is not negative")
    return value


def run_redeem(args: argparse.Namespace) -> int:
    """Redeem through the running daemon, which owns the journal."""
    if not args.code.strip():
        raise CommandError("the code is empty; type it as printed on the slip.")
    with daemon(args, unknown=True) as kiosk:
        result = kiosk.redeem(args.code, total=args.total, request_no=args.request_no or None)
    show(args, result, _sentence(result))
    return CODES.get(result["verdict"], UNKNOWN)


def _sentence(result: dict[str, Any]) -> str:
    lines = [str(result.get("message") or result["verdict"])]
    if result.get("hint"):
        lines.append(str(result["hint"]))
    lines.append(f"rid {result['rid']}")
    return "\n".join(lines)


def run_rollback(args: argparse.Namespace) -> int:
    """Undo a redemption through the running daemon."""
    with daemon(args, unknown=True) as kiosk:
        result = kiosk.rollback(args.rid, args.why)
    show(args, result, str(result.get("message") or result.get("verdict", "")))
    return DONE if result.get("ok") else NOT_SO if "ok" in result else FAILED
