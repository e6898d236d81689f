"""`kiosk enrol`: joins a fleet."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from kiosk.cli.common import DONE, FAILED, NOT_SO, CommandError, add_config, add_json, config_path, show


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("enrol", help="joins a fleet")
    parser.add_argument("--hub", required=True, metavar="URL", help="address of the hub")
    parser.add_argument("--token", type=Path, metavar="FILE", help="file with an enrolment token")
    add_json(parser)
    add_config(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask the hub to let this kiosk in; exit 1 while an operator has to approve it."""
    from kiosk.config import ConfigError, load
    from kiosk.sync.client import HubAway, HubRefused
    from kiosk.sync.enrol import enrol_once

    try:
        settings = load(config_path(args)).value
    except ConfigError as err:
        raise CommandError(str(err)) from err
    try:
        token = args.token.read_text("utf-8").strip() if args.token else None
    except OSError as err:
        raise CommandError(f"{args.token}: cannot be read ({err.strerror}); check the path.") from err
    try:
        answer = asyncio.run(enrol_once(args.hub, Path(settings.data_dir), token, settings.hub.name))
    except HubAway as err:
        raise CommandError(
            f"the hub at {args.hub} does not answer ({err}); check the address and the network.", FAILED
        ) from err
    except HubRefused as err:
        raise CommandError(f"the hub at {args.hub} said no: {err}", NOT_SO) from err
    except OSError as err:
        raise CommandError(
            f"{settings.data_dir}: {err.strerror}; the kiosk keeps its key there, make it writable.", FAILED
        ) from err
    told = {
        "accepted": f'accepted as {answer.device}; put `url = "{args.hub}"` under [hub] in kiosk.toml.',
        "pending": f"waiting for approval: run `kiosk-hub enrol approve {answer.code} --store STORE` at the hub.",
        "revoked": "this kiosk was revoked; ask the fleet operator.",
    }[answer.state]
    show(
        args,
        {"device": answer.device, "state": answer.state, "code": answer.code, "store": answer.store},
        told,
    )
    return DONE if answer.state == "accepted" else NOT_SO
