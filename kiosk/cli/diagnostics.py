"""`kiosk diagnostics -o FILE`: what support needs to know, without secrets, as one ZIP file."""

from __future__ import annotations

import argparse
import io
import json
import platform
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from kiosk.cli.common import DONE, FAILED, CommandError, NoKiosk, add_config, config_path, daemon

ASKED = {
    "status.json": "/status",
    "doctor.json": "/doctor",
    "devices.json": "/devices",
    "printers.json": "/printers",
    "settings.json": "/settings",
    "journal-check.json": "/journal/verify",
}
FILES = ("/proc/meminfo", "/proc/loadavg", "/proc/uptime", "/sys/firmware/devicetree/base/model")


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser("diagnostics", help="redacted support bundle")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the ZIP file to write"
    )
    add_config(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the bundle; what the daemon cannot tell is said in it."""
    parts = {"machine.json": _machine(), **_asked(args)}
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, value in parts.items():
            bundle.writestr(name, json.dumps(value, ensure_ascii=False, indent=1))
    fresh = args.output.with_name(args.output.name + ".new")
    try:
        fresh.write_bytes(raw.getvalue())
        fresh.replace(args.output)
    except OSError as err:
        raise CommandError(
            f"{args.output}: cannot be written ({err.strerror}); choose another place.", FAILED
        ) from err
    print(f"{args.output}: {', '.join(parts)}. It holds no keys, no PIN and no coupon codes.")
    return DONE


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the daemon says; where it does not run, the settings of the file."""
    try:
        with daemon(args) as kiosk:
            return {name: kiosk.get(path) for name, path in ASKED.items()}
    except NoKiosk as err:
        from kiosk.config import describe, load

        return {"status.json": {"error": str(err)}, "settings.json": describe(load(config_path(args)).value)}
    except CommandError as err:
        return {"status.json": {"error": str(err)}}


def _machine() -> dict[str, Any]:
    found: dict[str, Any] = {
        "python": sys.version,
        "system": platform.platform(),
        "packages": {d.metadata["Name"]: d.version for d in distributions()},
    }
    for place in FILES:
        try:
            found[place] = Path(place).read_text("utf-8", "replace").strip("\0\n")[:4000]
        except OSError:
            found[place] = None
    return found
