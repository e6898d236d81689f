"""Slip printers on the shop's network: whoever takes a connection on port 9100 (the raw port of JetDirect, which slip printers keep)."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence

from kiosk.web.lan import interfaces

PORT = 9100
AT_ONCE = 64
ANSWER_S = 0.6
"""A printer in the same building answers within 10 ms, one that sleeps on Wi-Fi within 0.3 s."""
LARGEST = 24
"""Of a larger network only the 256 addresses around the kiosk's own are asked."""


def neighbours(own: Iterable[ipaddress.IPv4Interface]) -> list[str]:
    """Return the addresses of the private networks around this machine, its own left out."""
    found: dict[str, None] = {}
    for interface in own:
        if not interface.ip.is_private:
            continue
        network = ipaddress.IPv4Network(
            f"{interface.ip}/{max(LARGEST, interface.network.prefixlen)}", strict=False
        )
        found.update({str(host): None for host in network.hosts() if host != interface.ip})
    return list(found)


async def answering(hosts: Sequence[str], port: int = PORT) -> list[str]:
    """Return those that take a connection. Nothing is sent: another machine may listen there."""
    few = asyncio.Semaphore(AT_ONCE)

    async def ask(host: str) -> bool:
        async with few:
            try:
                async with asyncio.timeout(ANSWER_S):
                    _, writer = await asyncio.open_connection(host, port)
            except (OSError, TimeoutError):
                return False
            writer.close()
            return True

    answers = await asyncio.gather(*map(ask, hosts))
    return [host for host, there in zip(hosts, answers, strict=True) if there]


async def find() -> list[str]:
    """Return the addresses of printers around this machine; some 3 s for 254 addresses."""
    return await answering(neighbours(interfaces()))
