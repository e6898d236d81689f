"""Words to systemd (sd_notify(3)): datagrams to the socket named in NOTIFY_SOCKET."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable


def tell(text: str) -> bool:
    """Send one message; False when nobody asked for any."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as s:
        s.connect("\0" + address[1:] if address.startswith("@") else address)
        s.sendall(text.encode())
    return True


async def watchdog(alive: Callable[[], bool] = lambda: True) -> None:
    """Feed systemd's watchdog at a third of its patience for as long as `alive` says so; ends at once where there is none."""
    patience = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    while patience:
        if alive():
            tell("WATCHDOG=1")
        await asyncio.sleep(patience / 3)
