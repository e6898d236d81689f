"""Joining a fleet, once, from the command line."""

from __future__ import annotations

from pathlib import Path

from kiosk.clock import SystemClock
from kiosk.sync.client import HubClient
from kiosk.sync.identity import Identity
from kiosk.sync.protocol import Enrolled


async def enrol_once(url: str, data_dir: Path, token: str | None, name: str) -> Enrolled:
    """Ask the hub to let the kiosk of a data directory in."""
    client = HubClient(url, Identity.load_or_create(data_dir), SystemClock())
    await client.start()
    try:
        return await client.enrol(name, token)
    finally:
        await client.stop()
