"""`kiosk token make|list|revoke`: programs that may use the local API."""

from __future__ import annotations

import argparse
from typing import Any

from kiosk.cli.common import DONE, add_config, add_json, daemon, show

SCOPES = ("read", "redeem", "print", "undo", "manage")
"""The names of `kiosk.web.api.callers.Scope`, which a command does not load."""


def add(commands: Any) -> None:
    """Register the commands."""
    token = commands.add_parser("token", help="programs that may use the local API").add_subparsers(
        dest="what", required=True
    )
    make = token.add_parser("make", help="let a program in; its token is shown this once")
    make.add_argument("name", metavar="NAME", help="what the program is called on the record")
    make.add_argument(
        "--scope", action="append", required=True, choices=SCOPES, dest="scopes", help="a right; may be repeated"
    )  # fmt: skip
    make.add_argument("--days", type=_days, metavar="N", help="how long it holds; else until it is revoked")
    listed = token.add_parser("list", help="the tokens, without their secrets")
    gone = token.add_parser("revoke", help="the next request with that token is refused")
    gone.add_argument("name", metavar="NAME", help="its id, or its program's name")
    for parser, run in ((make, run_make), (listed, run_list), (gone, run_revoke)):
        add_json(parser)
        add_config(parser)
        parser.set_defaults(run=run)


def _days(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days") from None
    if not 1 <= value <= 3660:
        raise argparse.ArgumentTypeError("a token holds for 1 to 3660 days")
    return value


def run_make(args: argparse.Namespace) -> int:
    """Make a token and print it, alone on its line."""
    with daemon(args) as kiosk:
        made = kiosk.make_token(args.name, args.scopes, args.days)
    show(args, made, made["token"])
    return DONE


def run_list(args: argparse.Namespace) -> int:
    """List the tokens, those that hold first."""
    with daemon(args) as kiosk:
        tokens = kiosk.tokens()
    lines = [f"{t['id']}  {t['name']:<20} {' '.join(t['scopes']):<32} {_state(t)}".rstrip() for t in tokens]
    show(args, {"tokens": tokens}, "\n".join(lines) or "no tokens; `kiosk token make NAME --scope read`.")
    return DONE


def _state(token: dict[str, Any]) -> str:
    """Return whether and how long a token holds, and when it was used."""
    if token["revoked_at"]:
        return f"revoked {token['revoked_at'][:10]}"
    ends = f"until {token['ends_at'][:10]}" if token["ends_at"] else "holds"
    return f"{ends}, used {token['seen'] or 'never'}"


def run_revoke(args: argparse.Namespace) -> int:
    """Revoke a token."""
    with daemon(args) as kiosk:
        gone = kiosk.revoke_token(args.name)
    show(args, gone, f"{gone['name']} ({gone['id']}) may ask no more.")
    return DONE
