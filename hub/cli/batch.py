"""`kiosk-hub batch` and `kiosk-hub coupon`."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from hub.cli.common import opened, readable
from hub.errors import HubError
from hub.parts import now
from hub.store.catalog import BatchFile
from kiosk.coupons.batch import Batch

MAX_ISSUE = 100_000


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
    coupon = commands.add_parser("coupon", help="coupons").add_subparsers(dest="what", required=True)
    issue = coupon.add_parser("issue", parents=[common], help="issue codes, one a line")
    issue.add_argument("stock_id", metavar="STOCK_ID")
    issue.add_argument("-n", type=int, default=1, metavar="N")
    issue.add_argument("--openid", metavar="O", help="for this customer")
    issue.set_defaults(run=run_issue)


def read_file(path: Path) -> BatchFile:
    """Read and judge a file of batches; one sentence says what is wrong and where."""
    raw = readable(path)
    try:
        plain = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as err:
        raise HubError(f"{path}: not UTF-8 at byte {err.start}; save it as UTF-8.") from None
    except json.JSONDecodeError as err:
        raise HubError(
            f"{path}: not valid JSON at line {err.lineno} column {err.colno} ({err.msg}); correct it."
        ) from None
    try:
        file = msgspec.convert(plain, BatchFile)
    except msgspec.ValidationError as err:
        what, _, where = str(err).partition(" - at `$")
        raise HubError(
            f"{path}: {where.strip('`').lstrip('.') or 'the file'}: {what[0].lower()}{what[1:]}; correct it."
        ) from None
    for fault in faults(file):
        raise HubError(f"{path}: {fault}")
    return file


def faults(file: BatchFile) -> list[str]:
    """Return what no type can say: duplicates, periods, stores that are not there."""
    found = []
    ids = [b.stock_id for b in file.batches]
    found += [f"batches: {i} stands there twice; remove one." for i in dict.fromkeys(ids) if ids.count(i) > 1]
    names = [s.id for s in file.stores]
    found += [
        f"stores: {i} stands there twice; remove one." for i in dict.fromkeys(names) if names.count(i) > 1
    ]
    for n, batch in enumerate(file.batches):
        found += [f"batches[{n}] {batch.stock_id}: {fault}" for fault in _batch_faults(batch, names)]
    return found


def _batch_faults(batch: Batch, stores: list[str]) -> list[str]:
    found = []
    if batch.ends <= batch.begins:
        found.append(
            f"ends {batch.ends.isoformat()} is not after begins {batch.begins.isoformat()}; correct the period."
        )
    found += [
        f"stores names {s}, which is not in the file; add it or correct it."
        for s in batch.stores or ()
        if s not in stores
    ]
    if batch.kind == "discount" and batch.value == 0:
        found.append("a discount of 0 fen gives nothing; set value, or kind = exchange.")
    if batch.kind == "exchange" and not batch.goods:
        found.append("an exchange coupon needs goods; name at least one.")
    if batch.kind == "discount" and 0 < batch.threshold < batch.value:
        found.append(f"threshold {batch.threshold} is below value {batch.value}; the till would pay out.")
    return found


def shifted(file: BatchFile, today: datetime) -> BatchFile:
    """Move every period so that the earliest begins a week before `today`; lengths stay."""
    move = timedelta(days=(today - min(b.begins for b in file.batches)).days - 7)
    batches = tuple(
        msgspec.structs.replace(b, begins=b.begins + move, ends=b.ends + move) for b in file.batches
    )
    return msgspec.structs.replace(file, batches=batches)


def run_load(args: argparse.Namespace) -> int:
    """Take a file in."""
    file = read_file(args.file)
    if args.shift_to_today and file.batches:
        file = shifted(file, datetime.now(UTC))
    with opened(args) as parts:
        told = parts.database.call(parts.catalog.load, file)
    print(f"{told['stores']} stores and {told['batches']} batches are new or changed.")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Judge a file."""
    try:
        file = read_file(args.file)
    except HubError as err:
        print(err)
        return 1
    print(f"{len(file.stores)} stores, {len(file.batches)} batches: nothing is wrong.")
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


def run_issue(args: argparse.Namespace) -> int:
    """Issue codes."""
    if not 1 <= args.n <= MAX_ISSUE:
        raise HubError(f"-n is 1 to {MAX_ISSUE}.")
    with opened(args) as parts:
        made = parts.database.call(parts.coupons.list_out, args.stock_id, args.n, args.openid, now())
    print("\n".join(i.code for i in made))
    return 0
