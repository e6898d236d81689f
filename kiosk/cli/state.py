"""`kiosk status`, `kiosk doctor` and `kiosk devices`."""

from __future__ import annotations

import argparse
from typing import Any

from kiosk.cli.common import DONE, NOT_SO, NoKiosk, add_config, add_json, config_path, daemon, show

MARKS = {"ok": "✓", "info": "·", "warning": "!", "error": "✗"}


def add(commands: Any) -> None:
    """Register the commands."""
    for name, told, run in (
        ("status", "the daemon's lights", run_status),
        ("doctor", "named findings, each with a suggestion", run_doctor),
        ("devices", "what is plugged in, known or not", run_devices),
    ):
        parser = commands.add_parser(name, help=told)
        add_json(parser)
        add_config(parser)
        parser.set_defaults(run=run)


def run_status(args: argparse.Namespace) -> int:
    """Show the lights; exit 1 when one of them is not well."""
    with daemon(args) as kiosk:
        status = kiosk.status()
    lights = status["lights"]
    lines = [f"{status['name'] or status['device']}  {status['store'] or '-'}  kiosk {status['version']}"]
    lines += [f"{name:<12} {light['state']:<8} {light['detail']}" for name, light in lights.items()]
    show(args, status, "\n".join(lines))
    return DONE if all(light["state"] == "ok" for light in lights.values()) else NOT_SO


def run_doctor(args: argparse.Namespace) -> int:
    """Show what is wrong and what to do; exit 1 when there is an error or a warning.

    Without the daemon the files tell what they can, and that it does not run is the first finding.
    """
    try:
        with daemon(args) as kiosk:
            findings = kiosk.findings()
    except NoKiosk:
        findings = _of_files(args)
    lines = [
        f"{MARKS[f['severity']]} {f['name']}: {f['sentence']} {f['suggestion']}".rstrip() for f in findings
    ]
    show(args, {"findings": findings}, "\n".join(lines) or "✓ nothing to report")
    return NOT_SO if any(f["severity"] in ("warning", "error") for f in findings) else DONE


def _of_files(args: argparse.Namespace) -> list[dict[str, Any]]:
    from kiosk.config import load
    from kiosk.health.alone import examine_files

    return [f.as_json() for f in examine_files(load(config_path(args)))]


def run_devices(args: argparse.Namespace) -> int:
    """List the devices that are configured and what is plugged in besides."""
    with daemon(args) as kiosk:
        devices = kiosk.devices()
    lines = [
        f"{d['kind']:<9} {d['name']:<12} {d['state']:<14} {d['url']} {d.get('detail', '')}".rstrip()
        for d in devices
    ]
    show(args, {"devices": devices}, "\n".join(lines) or "no devices")
    return DONE
