"""`kiosk-hub serve`, `migrate`, `user`, `export`, `wechatpay`, `till`."""

from __future__ import annotations

import argparse
import contextlib
import csv
import getpass
import io
import sys
from pathlib import Path
from typing import Any

from hub.cli.common import config_path, later, opened, readable, settings_of, told, when
from hub.config import ConfigError, Settings, fallback, keep_last_good, load
from hub.errors import HubError
from hub.parts import now
from hub.store import people, report


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Register the commands."""
    serve = commands.add_parser("serve", parents=[common], help="the cloud service")
    serve.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes; more than one needs PostgreSQL"
    )
    serve.set_defaults(run=run_serve)
    migrate = commands.add_parser("migrate", parents=[common], help="bring the schema up to date")
    migrate.set_defaults(run=run_migrate)
    user = commands.add_parser("user", help="people of the fleet console").add_subparsers(
        dest="what", required=True
    )
    new = user.add_parser("add", parents=[common], help="add a person, or set a new password")
    new.add_argument("name", metavar="NAME")
    new.add_argument("--role", required=True, choices=people.ROLES)
    new.add_argument(
        "--password-file", type=Path, metavar="F", help="file with the password; else it is asked for"
    )
    new.set_defaults(run=run_user)
    export = commands.add_parser("export", help="for reconciliation").add_subparsers(
        dest="what", required=True
    )
    redemptions = export.add_parser("redemptions", parents=[common], help="each redemption once, as CSV")
    redemptions.add_argument("--from", dest="since", type=when, metavar="DAY")
    redemptions.add_argument("--to", dest="until", type=when, metavar="DAY", help="not included")
    redemptions.add_argument("-o", "--output", type=Path, metavar="F.csv")
    redemptions.set_defaults(run=run_export)
    wechatpay = commands.add_parser("wechatpay", help="WeChat Pay").add_subparsers(dest="what", required=True)
    judge = wechatpay.add_parser("check", help="credentials, certificate dates, clock")
    judge.add_argument("--merchant", required=True, metavar="M")
    later(judge, "look the certificate's dates up in the merchant platform")
    till = commands.add_parser("till", help="keys of tills").add_subparsers(dest="what", required=True)
    key = till.add_parser(
        "key", parents=[common], help="print the key of a store's till for POST /api/v1/redeem"
    )
    key.add_argument("store", metavar="STORE")
    key.set_defaults(run=run_till_key)


def run_serve(args: argparse.Namespace) -> int:
    """Serve until asked to stop; a configuration that does not work gives way to the last one that did."""
    if args.workers < 1:
        raise HubError("--workers is at least 1.")
    path = config_path(args)
    try:
        loaded = load(path)
    except ConfigError as err:
        if (good := fallback(path, str(err))) is None:
            raise
        loaded = good
    settings = told(loaded)
    try:
        return _serve(args.workers, settings, None if loaded.fallback else path)
    except HubError as err:
        good = None if loaded.fallback else fallback(path, str(err))
        if good is None or good.value == settings:
            raise
        return _serve(args.workers, told(good), None)


def _serve(workers: int, settings: Settings, path: Path | None) -> int:
    """Serve; `path` is the file to keep a copy of once that has begun."""
    from hub.server import serve_here, serve_many

    def started() -> None:
        keep_last_good(path, settings)

    if workers > 1:
        return serve_many(settings, workers, started)
    serve_here(settings, started)
    return 0


def run_migrate(args: argparse.Namespace) -> int:
    """Bring the schema up to date and say what was done."""
    from hub.parts import Parts

    parts = Parts(settings_of(args))
    try:
        print(
            {
                "": "the schema is up to date.",
                "made": "the schema was made.",
                "migrated": "the schema was migrated.",
            }[parts.open()]
        )
    finally:
        parts.close()
    return 0


def run_user(args: argparse.Namespace) -> int:
    """Add a person."""
    if args.password_file:
        try:
            password = readable(args.password_file).decode("utf-8").strip()
        except UnicodeDecodeError as err:
            raise HubError(
                f"{args.password_file}: not UTF-8 at byte {err.start}; save it as UTF-8."
            ) from None
    elif sys.stdin.isatty():
        password = getpass.getpass("Password: ")
    else:
        raise HubError("no password: name a file with --password-file, or run this in a terminal.")
    with opened(args) as parts:
        parts.database.call(people.add, parts.tenant, args.name, args.role, password, now())
    print(f"{args.name} may sign in as {args.role}.")
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Write the redemptions; a file is complete or not there."""
    with opened(args) as parts:
        rows = parts.database.call(
            lambda c: list(report.redemptions(c, parts.tenant, args.since, args.until))
        )
    text = io.StringIO()
    table = csv.DictWriter(text, report.COLUMNS, lineterminator="\r\n")
    table.writeheader()
    table.writerows(rows)
    if args.output is None:
        sys.stdout.write(text.getvalue())
        return 0
    _whole(args.output, text.getvalue())
    print(f"Redemptions in {args.output}: {len(rows)}.", file=sys.stderr)
    return 0


def _whole(path: Path, text: str) -> None:
    """Write a table whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    try:
        # The byte order mark lets Excel see that the Chinese is UTF-8.
        fresh.write_text("\ufeff" + text, "utf-8", newline="")
        fresh.replace(path)
    except OSError as err:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise HubError(
            f"{path}: cannot be written ({err.strerror}); choose another place with -o.", 4
        ) from err


def run_till_key(args: argparse.Namespace) -> int:
    """Print the key of a store's till."""
    from hub.till_api import till_key

    with opened(args) as parts:
        if parts.database.call(parts.catalog.store, args.store) is None:
            raise parts.database.call(parts.catalog.no_store, args.store)
        print(f"{args.store}:{till_key(parts, args.store)}")
    return 0
