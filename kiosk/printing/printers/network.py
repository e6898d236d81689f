"""tcp://host:9100: connects for each job, since idle printers drop connections."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kiosk.printing.printers.fd import FdLink
from kiosk.printing.printers.port import trouble_of
from kiosk.printing.printers.stream import Link, OpenError, StreamPrinter
from kiosk.printing.profiles import Profile

CONNECT_S = 3.0
HANG_UP_S = 1.0


class NetworkPrinter(StreamPrinter):
    """A printer on the network."""

    def __init__(self, name: str, url: str, profile: Profile, host: str, port: int) -> None:
        super().__init__(name, url, profile)
        self._host, self._port_number = host, port

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Link]:
        place = f"{self._host}:{self._port_number}"
        try:
            async with asyncio.timeout(CONNECT_S):
                link = await _connect(self._host, self._port_number)
        except TimeoutError:
            raise OpenError(
                "not_present", f"{place} does not answer; check that it is switched on and in this network"
            ) from None
        except socket.gaierror as err:
            raise OpenError("not_present", f"{place}: the name is not known here ({err.strerror})") from err
        except OSError as err:
            raise OpenError(trouble_of(err), f"{place}: {err.strerror or err}") from err
        try:
            yield FdLink(link.fileno())
            await _hang_up(link)
        except BaseException:
            # What the system still holds would be printed after the job was given up: it goes with the connection.
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise
        finally:
            link.close()


async def _connect(host: str, port: int) -> socket.socket:
    """Connect to the first address that answers."""
    loop = asyncio.get_running_loop()
    last: OSError | None = None
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (
        UnicodeError
    ) as err:  # two dots in a row, or a part of over 63 characters: the name cannot even be asked for
        raise OSError(errno.ENOENT, "no name of a host") from err
    for family, kind, proto, _, address in found:
        link = socket.socket(family, kind, proto)
        try:
            link.setblocking(False)
            await loop.sock_connect(link, address)
            return link
        except OSError as err:
            link.close()
            last = err
        except BaseException:
            link.close()
            raise
    raise last or OSError("no address")


async def _hang_up(link: socket.socket) -> None:
    """Close our side and read on: a close over unread answers would be a reset, which drops what the printer has not read."""
    loop = asyncio.get_running_loop()
    try:
        link.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(HANG_UP_S):
            while await loop.sock_recv(link, 256):
                continue
    except (TimeoutError, OSError):
        return  # everything was sent, and how the job ended is known by now
