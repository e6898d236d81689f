"""What every command shares: exit codes, one-sentence errors, the local API."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from kiosk.client import Client

DONE, NOT_SO, USAGE, UNKNOWN, FAILED = 0, 1, 2, 3, 4
"""Exit codes: done; the thing asked about is not so; usage or configuration; outcome unknown; failed, nothing happened."""


class CommandError(Exception):
    """One sentence that says what to do, and the exit code."""

    def __init__(self, sentence: str, code: int = USAGE) -> None:
        super().__init__(sentence)
        self.code = code


class NoKiosk(CommandError):
    """No daemon answers."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words of the command."""
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help.\n")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `-c`, the configuration that names data directory and address."""
    parser.add_argument(
        "-c", "--config", type=Path, metavar="kiosk.toml", help="configuration; $KIOSK_CONFIG is the default"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def config_path(args: argparse.Namespace) -> Path | None:
    """Return the configuration file: `-c`, `$KIOSK_CONFIG`, /etc/kiosk/kiosk.toml where it exists, or none."""
    if args.config:
        return Path(args.config)
    if named := os.environ.get("KIOSK_CONFIG"):
        return Path(named)
    usual = Path("/etc/kiosk/kiosk.toml")
    return usual if usual.exists() else None


def show(args: argparse.Namespace, value: Any, text: str) -> None:
    """Print a result as JSON or as text."""
    print(json.dumps(value, ensure_ascii=False) if args.json else text)


@contextlib.contextmanager
def daemon(args: argparse.Namespace, *, unknown: bool = False) -> Iterator[Client]:
    """Lend the client of the daemon that the configuration describes; its errors become exit codes.

    With `unknown` a lost answer is exit code 3, not 4: the thing asked for may have been done.
    """
    from kiosk.client import Client, ClientError, Lost, NotRunning, Refusal
    from kiosk.config import ConfigError, load

    try:
        client = Client.of(load(config_path(args)).value)
    except ConfigError as err:
        raise CommandError(str(err)) from err
    try:
        yield client
    except NotRunning as err:
        raise NoKiosk(str(err), FAILED) from err
    except Lost as err:
        raise CommandError(str(err), UNKNOWN if unknown else FAILED) from err
    except Refusal as err:
        if err.code == "outcome_unknown":
            raise CommandError(str(err), UNKNOWN) from err
        raise CommandError(str(err), USAGE if err.status in (400, 401, 403, 404) else FAILED) from err
    except ClientError as err:
        raise CommandError(str(err), FAILED) from err


def fail(sentence: str, prog: str = "kiosk") -> None:
    """Print one sentence on stderr."""
    print(f"{prog}: {sentence}", file=sys.stderr)
