"""Words to systemd (sd_notify): datagrams to the socket named in NOTIFY_SOCKET."""

from __future__ import annotations

import os
import socket


def tell(text: str) -> bool:
    """Send one message; False when nobody asked for any."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as s:
        s.connect("\0" + address[1:] if address.startswith("@") else address)
        s.sendall(text.encode())
    return True
