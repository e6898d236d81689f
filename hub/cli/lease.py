"""`kiosk-hub lease`: what kiosks may honour without the hub."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from hub.cli.common import opened
from hub.parts import now
from kiosk.coupons.rules import SHANGHAI


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Register the commands."""
    lease = commands.add_parser("lease", help="coupons reserved for kiosks").add_subparsers(
        dest="what", required=True
    )
    listing = lease.add_parser("list", parents=[common], help="leases that hold coupons")
    listing.set_defaults(run=run_list)
    release = lease.add_parser(
        "release",
        parents=[common],
        help="free the coupons of a lease whose kiosk will not come back; what it has honoured may then be used twice",
    )
    release.add_argument("lease", metavar="LEASE")
    release.set_defaults(run=run_release)


def run_list(args: argparse.Namespace) -> int:
    """List the leases."""
    with opened(args) as parts:
        for r in parts.database.call(parts.leases.all):
            until = r.not_after.astimezone(SHANGHAI).isoformat(timespec="minutes")
            print(
                f"{r.id}  {r.stock_id:<18} {r.used:>5} of {r.amount:<5} used  {r.state:<7} until {until}  "
                f"{r.device} {r.store or '-'} {r.name or ''}".rstrip()
            )
    return 0


def run_release(args: argparse.Namespace) -> int:
    """Free a lease by hand."""
    with opened(args) as parts:
        free = parts.database.call(parts.leases.release, args.lease, getpass.getuser(), now())
    print(f"Coupons that are good at every kiosk again: {free}.")
    return 0
