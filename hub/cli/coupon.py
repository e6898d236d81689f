"""`kiosk-hub coupon`: issues codes, and takes codes in that were made elsewhere."""

from __future__ import annotations

import argparse
import getpass
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from hub.cli.common import opened, readable
from hub.errors import HubError, Refused
from hub.parts import Parts, now
from hub.store.acts import WHY_MAX
from hub.store.coupons import Issued
from hub.store.envelope import clean
from kiosk.coupons.code import Opaque, Payment, Short, read

R = TypeVar("R")
MAX_ISSUE = MAX_UPLOAD = 100_000
ISSUE_LOT, UPLOAD_LOT = 200, 2_000
"""Codes of one transaction. To sign one takes a millisecond, and a kiosk that asks meanwhile gives up after 1.5 s."""
OPENID = re.compile(r"[0-9A-Za-z_-]{1,64}")
SHOWN = 5
"""Line numbers named in a sentence."""


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Register the commands."""
    coupon = commands.add_parser("coupon", help="coupons").add_subparsers(dest="what", required=True)
    issue = coupon.add_parser("issue", parents=[common], help="issue codes, one a line")
    issue.add_argument("stock_id", metavar="STOCK_ID")
    issue.add_argument("-n", type=int, default=1, metavar="N")
    issue.add_argument("--openid", metavar="O", help="for this customer")
    issue.add_argument(
        "--store", metavar="S", help="where they will be used: kiosks there reserve them first"
    )
    issue.set_defaults(run=run_issue)
    upload = coupon.add_parser(
        "upload", parents=[common], help="take in codes that the merchant or WeChat made, one a line"
    )
    upload.add_argument("stock_id", metavar="STOCK_ID")
    upload.add_argument("file", type=Path, metavar="FILE")
    upload.add_argument(
        "--store", metavar="S", help="where they will be used: kiosks there reserve them first"
    )
    upload.set_defaults(run=run_upload)
    add_rollback(commands, common)


def add_rollback(commands: Any, common: argparse.ArgumentParser) -> None:
    """Register `rollback`."""
    back = commands.add_parser(
        "rollback", parents=[common], help="undo a redemption of any kiosk or till; its kiosk is told"
    )
    back.add_argument("rid", metavar="RID", help="its number, as `export redemptions` lists it")
    back.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the record")
    back.set_defaults(run=run_rollback)


def run_rollback(args: argparse.Namespace) -> int:
    """Undo a redemption; 1 when it was undone before."""
    if not args.why.strip() or len(args.why) > WHY_MAX:
        raise HubError(f"--why is 1 to {WHY_MAX} characters; say in a few words what was wrong.")
    with opened(args) as parts:
        try:
            told = parts.database.call(
                parts.acts.roll_back, clean(args.rid), clean(args.why), getpass.getuser(), now()
            )
        except Refused as err:
            raise HubError(str(err), 1) from None
    if told.again:
        print(f"{args.rid} was undone before; nothing has changed.")
        return 1
    print(f"{args.rid} is undone; its coupon can be used again.")
    return 0


def run_issue(args: argparse.Namespace) -> int:
    """Issue codes."""
    if not 1 <= args.n <= MAX_ISSUE:
        raise HubError(f"-n {args.n} is not 1 to {MAX_ISSUE}; ask for fewer codes at a time.")
    if args.openid is not None and not OPENID.fullmatch(args.openid):
        raise HubError("--openid is 1 to 64 letters, digits, `_` and `-`; correct it.")
    who, store = args.openid, args.store
    with opened(args) as parts:
        parts.database.call(parts.coupons.room, args.stock_id, args.n, who, now(), store)

        def issue(c: sa.Connection, lot: range) -> list[Issued]:
            return parts.coupons.list_out(c, args.stock_id, len(lot), who, now(), store)

        for made in _lots(parts, issue, args.n, ISSUE_LOT, "codes were issued and stand above"):
            print("\n".join(i.code for i in made), flush=True)
    return 0


def run_upload(args: argparse.Namespace) -> int:
    """Take codes in, all of them or none."""
    codes = read_codes(args.file)
    with opened(args) as parts:
        fresh = parts.database.call(parts.coupons.unknown, args.stock_id, codes, now(), args.store)

        def take_in(c: sa.Connection, lot: range) -> int:
            part = fresh[lot.start : lot.stop]
            return parts.coupons.take_in(c, args.stock_id, part, now(), args.store)

        done = "codes were taken in; run it again for the others"
        taken = sum(_lots(parts, take_in, len(fresh), UPLOAD_LOT, done))
    print(f"taken in: {taken}; known already: {len(codes) - taken}.")
    return 0


def _lots(
    parts: Parts, work: Callable[[sa.Connection, range], R], count: int, size: int, done: str
) -> Iterator[R]:
    """Run a transaction for every `size` of `count`; what fails after the first says how many are `done`.

    All was checked before: one fails alone where others were faster or a disk is full.
    """
    lots = [range(n, min(n + size, count)) for n in range(0, count, size)]
    ended = 0
    try:
        for told in parts.database.each(work, lots):
            yield told
            ended += 1
    except HubError as err:
        raise HubError(f"{lots[ended].start} {done}. {err}", err.code) if ended else err from None


def read_codes(path: Path) -> list[str]:
    """Read a file of codes, one a line; HubError names the lines that are none. A payment code is not repeated anywhere."""
    try:
        lines = readable(path).decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as err:
        raise HubError(f"{path}: not UTF-8 at byte {err.start}; save it as UTF-8.") from None
    found: dict[str, int] = {}
    payments, strange, twice = [], [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        scan = read(line)
        if isinstance(scan, Payment):
            payments.append(number)
        elif not isinstance(scan, (Opaque, Short)):
            strange.append(number)
        elif found.setdefault(scan.text, number) != number:
            twice.append(number)
    for faults, what in (
        (payments, "could be a customer's payment code, which kiosks refuse; let such codes be made anew"),
        (strange, "is no code of 6 to 32 letters, digits, `_` or `-`; correct it"),
        (twice, "stands in the file before; remove it"),
    ):
        if faults:
            raise HubError(f"{path}: {_lines(faults)}: {what}. Nothing was taken in.", 1)
    if not found:
        raise HubError(f"{path}: there are no codes in it; write one a line.", 1)
    if len(found) > MAX_UPLOAD:
        raise HubError(f"{path}: {len(found)} codes are more than {MAX_UPLOAD}; split the file.", 1)
    return list(found)


def _lines(numbers: list[int]) -> str:
    """Name lines, a few of them if there are many."""
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"lines {', '.join(map(str, numbers[:SHOWN]))}{more}, each"
