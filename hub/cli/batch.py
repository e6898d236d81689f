"""`kiosk-hub batch`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from hub.batch_file import Judged, read_file, shifted
from hub.cli.common import later, opened
from hub.errors import HubError
from hub.parts import now
from hub.store.catalog import BatchFile


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Register the commands."""
    batch = commands.add_parser("batch", help="batches of coupons").add_subparsers(dest="what", required=True)
    load = batch.add_parser("load", parents=[common], help="take a file of merchant, stores and batches in")
    load.add_argument("file", type=Path, metavar="FILE.json")
    load.add_argument(
        "--shift-to-today",
        action="store_true",
        help="move periods so that they lie around today (for demonstrations)",
    )
    load.set_defaults(run=run_load)
    check = batch.add_parser("check", help="say what is wrong with a file, change nothing")
    check.add_argument("file", type=Path, metavar="FILE.json")
    check.set_defaults(run=run_check)
    batch.add_parser("schema", help="the JSON Schema of such a file").set_defaults(run=run_schema)
    listing = batch.add_parser("list", parents=[common], help="what there is")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=run_list)
    for word, status in (("pause", "paused"), ("restart", "running")):
        one = batch.add_parser(word, parents=[common], help=f"{word} a batch")
        one.add_argument("stock_id", metavar="STOCK_ID")
        one.add_argument("--store", metavar="S", help="in one store only")
        one.set_defaults(run=run_status, status=status)
    bring = batch.add_parser("import", help="take a batch of WeChat Pay in by its number")
    bring.add_argument("stock_id", metavar="STOCK_ID")
    bring.add_argument("--merchant", required=True, metavar="M")
    later(bring, "take it in from a file with `kiosk-hub batch load FILE`")


def _warn(judged: Judged) -> None:
    for warning in judged.warnings:
        print(f"kiosk-hub: {warning}", file=sys.stderr)


def run_load(args: argparse.Namespace) -> int:
    """Take a file in."""
    judged = read_file(args.file)
    _warn(judged)
    file = shifted(judged.file, now()) if args.shift_to_today else judged.file
    with opened(args) as parts:
        told = parts.database.call(parts.catalog.load, file)
    print(f"New or changed: stores {told['stores']}, batches {told['batches']}.")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Judge a file."""
    try:
        judged = read_file(args.file)
    except HubError as err:
        print(err)
        return 1
    _warn(judged)
    file = judged.file
    print(f"Stores: {len(file.stores)}, batches: {len(file.batches)}; nothing is wrong.")
    return 0


def run_schema(_: argparse.Namespace) -> int:
    """Print the schema."""
    print(json.dumps(msgspec.json.schema(BatchFile), ensure_ascii=False, indent=2))
    return 0


def run_list(args: argparse.Namespace) -> int:
    """List the batches."""
    with opened(args) as parts:
        batches = parts.database.call(parts.catalog.batches)
    if args.json:
        print(msgspec.json.encode({"batches": batches}).decode())
        return 0
    for b in batches:
        left = "-" if b.left is None else str(b.left)
        print(
            f"{b.stock_id:<18} {b.status:<8} {b.claimed:>6} claimed {b.redeemed:>6} redeemed {left:>7} left  {b.name}"
        )
    return 0


def run_status(args: argparse.Namespace) -> int:
    """Pause or restart."""
    with opened(args) as parts:
        parts.database.call(parts.catalog.set_status, args.stock_id, args.status, args.store)
    print(f"{args.stock_id} is {args.status}{f' in {args.store}' if args.store else ''}.")
    return 0
