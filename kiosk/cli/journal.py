"""`kiosk journal export` and `kiosk journal verify`: through the daemon while it runs, from the file while it does not."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kiosk.cli.common import (
    DONE,
    FAILED,
    NOT_SO,
    CommandError,
    NoKiosk,
    add_config,
    add_json,
    config_path,
    daemon,
    show,
)
from kiosk.private import make_private

PAGE = 1000


def add(commands: Any) -> None:
    """Register the commands."""
    journal = commands.add_parser("journal", help="the durable record; its hash chain").add_subparsers(
        dest="what", required=True
    )
    export = journal.add_parser("export", help="the rows, oldest first")
    export.add_argument(
        "--from", dest="since", type=_when, metavar="DAY", help="day or time; the shop's without an offset"
    )
    export.add_argument("--to", dest="until", type=_when, metavar="DAY", help="not included")
    export.add_argument("--format", choices=("csv", "jsonl"), default="csv")
    export.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="file; standard output when not given"
    )
    add_config(export)
    export.set_defaults(run=run_export)
    verify = journal.add_parser("verify", help="walks the hash chain; exit 1 when a row was changed")
    add_json(verify)
    add_config(verify)
    verify.set_defaults(run=run_verify)


def _when(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a day such as 2026-11-24 or a time such as 2026-11-24T12:00"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def _data_dir(args: argparse.Namespace) -> Path:
    from kiosk.config import load

    return Path(load(config_path(args)).value.data_dir)


def _rows(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the rows asked for."""
    query = {"from": args.since, "to": args.until}
    words = {name: at.astimezone(UTC).isoformat() for name, at in query.items() if at is not None}
    begun = False
    try:
        with daemon(args) as kiosk:
            for row in kiosk.journal(**words):
                begun = True
                yield row
            return
    except NoKiosk:
        if begun:
            raise
    after = ""
    from kiosk.journal.errors import JournalError
    from kiosk.journal.export import Shelf

    try:
        with Shelf(_data_dir(args)) as shelf:
            while True:
                rows, after = shelf.page(args.since, args.until, after, PAGE)
                yield from rows
                if not after:
                    return
    except JournalError as err:
        raise CommandError(str(err), FAILED) from err


def run_export(args: argparse.Namespace) -> int:
    """Write the rows; a file is whole or not there."""
    if args.output is None:
        _write(args, sys.stdout)
        return DONE
    fresh = args.output.with_name(args.output.name + ".new")
    try:
        make_private(fresh)
        # The byte order mark lets Excel see that the text is UTF-8.
        with fresh.open("w", encoding="utf-8-sig" if args.format == "csv" else "utf-8", newline="") as f:
            _write(args, f)
        fresh.replace(args.output)
    except OSError as err:
        raise CommandError(
            f"{args.output}: cannot be written ({err.strerror}); choose another place.", FAILED
        ) from err
    return DONE


def _write(args: argparse.Namespace, out: Any) -> None:
    from kiosk.journal.export import COLUMNS

    if args.format == "jsonl":
        for row in _rows(args):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    table = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    table.writeheader()
    table.writerows(_rows(args))


def run_verify(args: argparse.Namespace) -> int:
    """Walk the chain and say whether every row is as it was written."""
    try:
        with daemon(args) as kiosk:
            told = kiosk.verify()
    except NoKiosk:
        told = _verify_file(args)
    text = (
        f"Rows, each as it was written: {told['rows']}."
        if told["ok"]
        else f"row {told['first_bad']} is not as it was written; keep the file and send `kiosk diagnostics` to support."
    )
    show(args, told, text)
    return DONE if told["ok"] else NOT_SO


def _verify_file(args: argparse.Namespace) -> dict[str, Any]:
    from kiosk.journal.errors import JournalError
    from kiosk.journal.export import Shelf

    try:
        with Shelf(_data_dir(args)) as shelf:
            rows, bad = shelf.verify()
    except JournalError as err:
        raise CommandError(str(err), FAILED) from err
    return {"ok": bad is None, "rows": rows, "first_bad": bad}
