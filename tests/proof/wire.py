"""A wire between this process and a network namespace, and what is wrong with it: two tunnel devices, or `tc netem`.

The tunnel carries whole IP packets, so TCP meets real loss, delay, duplicates and reordering, and both ends of a connection
can be cut from each other without either being told. It needs root and /dev/net/tun; netem needs its kernel module besides.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
import random
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

TUN = Path("/dev/net/tun")
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
HERE, THERE = (f"10.{64 + os.getpid() // 250 % 64}.{os.getpid() % 250}.{end}" for end in (1, 2))
"""Other proofs on this machine have wires of their own."""


_numbers = itertools.count()


class NoWire(Exception):
    """This machine cannot have such a wire; the sentence says why."""


@dataclass(frozen=True)
class Trouble:
    """What a wire does to packets; shares are 0 to 1, times in seconds."""

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    """Packets overtake each other within it."""
    double: float = 0.0
    no_way_up: bool = False
    """Nothing of the kiosk reaches the hub."""
    no_way_down: bool = False
    """Nothing of the hub reaches the kiosk: it hears and decides."""


def ip(*words: str) -> None:
    """Run `ip`; NoWire says what it answers."""
    _run("ip", *words)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoWire(f"{' '.join(words[:4])}: {done.stderr.strip()}")


class Wire:
    """A namespace and the way to it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.name = f"kiosk-{os.getpid()}-{next(_numbers)}"
        self.trouble = Trouble()

    async def up(self) -> None:
        """Make both ends; NoWire where that cannot be."""
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise NoWire("only root can make a network namespace, with iproute2")
        ip("netns", "add", self.name)
        try:
            self._ends()
            ip("-n", self.name, "link", "set", "lo", "up")
        except BaseException:
            await self.down()
            raise

    def _ends(self) -> None:
        raise NotImplementedError

    async def down(self) -> None:
        """Take everything away."""
        ip("netns", "del", self.name)

    def meet(self, trouble: Trouble) -> None:
        """Let packets meet a trouble from now on."""
        self.trouble = trouble


class TunnelWire(Wire):
    """Two tunnel devices; this process hands packets from one to the other."""

    def _ends(self) -> None:
        if not TUN.exists():
            raise NoWire("there is no /dev/net/tun")
        self.loop = asyncio.get_running_loop()
        self.fds: list[int] = []
        here, there = (f"kp{self.name[6:]}{end}" for end in "ab")
        for name in (here, there):
            self.fds.append(_tunnel(name))
        ip("link", "set", there, "netns", self.name)
        ip("addr", "add", HERE, "peer", THERE, "dev", here)
        ip("link", "set", here, "up")
        ip("-n", self.name, "addr", "add", THERE, "peer", HERE, "dev", there)
        ip("-n", self.name, "link", "set", there, "up")
        up, down = self.fds
        self.loop.add_reader(up, self._carry, up, down, True)
        self.loop.add_reader(down, self._carry, down, up, False)

    async def down(self) -> None:
        fds, self.fds = getattr(self, "fds", []), []
        for fd in fds:
            self.loop.remove_reader(fd)
            os.close(fd)
        await super().down()

    def _carry(self, source: int, target: int, upward: bool) -> None:
        packet = os.read(source, 65_536)
        bad, rng = self.trouble, self.rng
        if (bad.no_way_up if upward else bad.no_way_down) or rng.random() < bad.loss:
            return
        for _ in range(1 + (rng.random() < bad.double)):
            wait = bad.delay + rng.uniform(0, bad.jitter)
            self.loop.call_later(wait, self._hand, target, packet)

    def _hand(self, target: int, packet: bytes) -> None:
        if target in self.fds:
            os.write(target, packet)


def _tunnel(name: str) -> int:
    try:
        fd = os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as err:
        raise NoWire(f"/dev/net/tun cannot be opened ({err.strerror})") from err
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as err:
        os.close(fd)
        raise NoWire(f"no tunnel device can be made ({err.strerror})") from err
    return fd


class NetemWire(Wire):
    """A pair of virtual cards with the kernel's own network emulator at both ends."""

    def _ends(self) -> None:
        self.here, self.there = (f"kv{self.name[6:]}{end}" for end in "ab")
        ip("link", "add", self.here, "type", "veth", "peer", "name", self.there, "netns", self.name)
        ip("addr", "add", f"{HERE}/30", "dev", self.here)
        ip("link", "set", self.here, "up")
        ip("-n", self.name, "addr", "add", f"{THERE}/30", "dev", self.there)
        ip("-n", self.name, "link", "set", self.there, "up")
        self.meet(Trouble())

    def meet(self, trouble: Trouble) -> None:
        super().meet(trouble)
        for device, inside, cut in (
            (self.here, (), trouble.no_way_up),
            (self.there, ("-n", self.name), trouble.no_way_down),
        ):
            loss = 1.0 if cut else trouble.loss
            rule = ["loss", f"{loss:.0%}", "duplicate", f"{trouble.double:.0%}"]
            # A delay that varies reorders: netem sends each packet when its own time has come.
            rule += ["delay", f"{trouble.delay * 1000:.0f}ms", f"{trouble.jitter * 1000:.0f}ms"]
            _run("tc", *inside, "qdisc", "replace", "dev", device, "root", "netem", *rule)


WIRES = {"tunnel": TunnelWire, "netem": NetemWire}
