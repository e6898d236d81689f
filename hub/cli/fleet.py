"""`kiosk-hub enrol`: lets kiosks in."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from hub.cli.common import opened
from hub.errors import HubError
from hub.parts import now


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Register the commands."""
    enrol = commands.add_parser("enrol", help="lets kiosks in").add_subparsers(dest="what", required=True)
    token = enrol.add_parser(
        "token", parents=[common], help="print a token that lets kiosks in without asking"
    )
    token.add_argument("--store", metavar="S")
    token.add_argument("--uses", type=int, default=1, metavar="N")
    token.set_defaults(run=run_token)
    approve = enrol.add_parser("approve", parents=[common], help="let the kiosk in that shows this code")
    approve.add_argument("code", metavar="CODE")
    approve.add_argument("--store", required=True, metavar="S")
    approve.set_defaults(run=run_approve)
    revoke = enrol.add_parser("revoke", parents=[common], help="shut a kiosk out")
    revoke.add_argument("device", metavar="DEVICE")
    revoke.set_defaults(run=run_revoke)
    trust = enrol.add_parser(
        "trust",
        parents=[common],
        help="let a kiosk decide alone again whose card was in doubt: an older image of it was put back, or it was copied",
    )
    trust.add_argument("device", metavar="DEVICE")
    trust.set_defaults(run=run_trust)
    listing = enrol.add_parser("list", parents=[common], help="every kiosk and its state")
    listing.set_defaults(run=run_list)


def run_token(args: argparse.Namespace) -> int:
    """Make a token."""
    if not 1 <= args.uses <= 10_000:
        raise HubError("--uses is 1 to 10000.")
    with opened(args) as parts:
        print(parts.database.call(parts.devices.token, args.store, args.uses, now()))
    return 0


def run_approve(args: argparse.Namespace) -> int:
    """Let a kiosk in."""
    with opened(args) as parts:
        device = parts.database.call(parts.devices.approve, args.code, args.store, getpass.getuser(), now())
    print(f"{device} is let in at {args.store}.")
    return 0


def run_revoke(args: argparse.Namespace) -> int:
    """Shut a kiosk out."""
    with opened(args) as parts:
        parts.database.call(parts.devices.revoke, args.device, getpass.getuser(), now())
    print(f"{args.device} is shut out.")
    return 0


def run_trust(args: argparse.Namespace) -> int:
    """Give a kiosk its rights back."""
    with opened(args) as parts:
        parts.database.call(parts.devices.trust, args.device, getpass.getuser(), now())
    print(f"{args.device} may decide alone again; make sure that the other card is destroyed.")
    return 0


def run_list(args: argparse.Namespace) -> int:
    """List the kiosks."""
    with opened(args) as parts:
        for d in parts.database.call(parts.devices.all):
            seen = d.seen_at.isoformat(timespec="seconds") if d.seen_at else "never"
            print(
                f"{d.id}  {d.state if d.twin_at is None else 'in doubt':<9} {d.store or '-':<16} {d.code or '-':<9} seen {seen}  {d.name}"
            )
    return 0
