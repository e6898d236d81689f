"""A scanner on a serial line or a TCP port. `python -m simulators.scanner [--port P | --pty LINK]` serves until stopped.

One JSON line on standard output says where: {"url", "control"}. `POST {control}/_sim/scan` {"text": ...} reads a code,
`GET {control}/_sim/state` shows what was read, `POST {control}/_sim/fault` {"fault": NAME} sets a fault, `none` mends it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from pathlib import Path
from typing import Any

from kiosk.hardware.sim_scanner import misread
from simulators import command
from simulators.panels_control import Refused, Route, run
from simulators.panels_wire import PtyWire, TcpWire, Wire

FAULTS = {
    "none": "It works.",
    "gone": "It is unplugged.",
    "noise": "Bytes that mean nothing come before each code.",
    "slow": "Each code comes in two parts, 0.25 s apart.",
    "chatter": "The code lies there and is read ten times.",
    "wrong": "The last character is read wrong, and triggers are answered as if they had been another command.",
    "no_end": "Codes have no line end.",
    "endless": "Each code begins with 2,000 characters.",
    "silent": "It answers no trigger.",
}
PAUSE_S = 0.25
GM65_ON, GM65_OFF = bytes.fromhex("7e000801000201abcd"), bytes.fromhex("7e000801000200abcd")
GM65_ANSWER = bytes.fromhex("02000001003331")
GM65_OTHER = bytes.fromhex("0200000201000000")
"""What it answers to a question about a register."""


class ScannerSim:
    """The scanner."""

    def __init__(self, wire: Wire, seed: int = 1) -> None:
        self.wire, self.fault = wire, "none"
        self.read: list[str] = []
        self.triggers = 0
        self.told_to_stop = 0
        self._random = random.Random(seed)
        self._heard = b""
        wire.on_data = self._told

    @property
    def address(self) -> str:
        """Return the address of the scanner."""
        return self.wire.address

    async def start(self) -> None:
        """Plug it in."""
        await self.wire.plug()

    async def stop(self) -> None:
        """Unplug it."""
        await self.wire.unplug()

    async def set_fault(self, name: str) -> None:
        """Set a fault; `none` mends the scanner."""
        if name not in FAULTS:
            raise Refused(f"there is no fault {name}; there are {', '.join(FAULTS)}")
        self.fault = name
        await (self.wire.unplug() if name == "gone" else self.wire.plug())

    async def scan(self, text: str, end: bytes = b"\r\n") -> None:
        """Read a code."""
        self.read.append(text)
        raw = (misread(text) if self.fault == "wrong" else text).encode()
        if self.fault == "noise":
            self.wire.write(self._random.randbytes(200) + b"\r")
        if self.fault == "endless":
            self.wire.write(b"x" * 2000)
        if self.fault == "no_end":
            end = b""
        if self.fault == "slow":
            half = len(raw) // 2
            self.wire.write(raw[:half])
            await asyncio.sleep(PAUSE_S)
            self.wire.write(raw[half:] + end)
            return
        for _ in range(10 if self.fault == "chatter" else 1):
            self.wire.write(raw + end)

    def _told(self, data: bytes) -> None:
        """Answer the triggers of the GM65 family."""
        self._heard = (self._heard + data)[-256:]
        while GM65_ON in self._heard:
            self._heard = self._heard.replace(GM65_ON, b"", 1)
            self.triggers += 1
            if self.fault != "silent":
                self.wire.write(GM65_OTHER if self.fault == "wrong" else GM65_ANSWER)
        while GM65_OFF in self._heard:
            self._heard = self._heard.replace(GM65_OFF, b"", 1)
            self.told_to_stop += 1

    def routes(self) -> list[Route]:
        """Return its page of control."""
        return [
            ("GET", "/_sim/state", lambda _: self._state()),
            ("POST", "/_sim/scan", self._scan),
            ("POST", "/_sim/fault", self._fault),
        ]

    def _state(self) -> dict[str, Any]:
        return {"fault": self.fault, "read": self.read, "triggers": self.triggers}

    async def _scan(self, body: dict[str, Any]) -> dict[str, Any]:
        await self.scan(str(body["text"]))
        return self._state()

    async def _fault(self, body: dict[str, Any]) -> dict[str, Any]:
        await self.set_fault(str(body["fault"]))
        return self._state()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="A scanner on a serial line or a TCP port.")
    parser.add_argument("--port", type=command.port, default=0)
    parser.add_argument("--pty", type=Path, help="make a serial line behind this link instead")
    parser.add_argument("--control", type=command.port, default=0, help="port of the page of control")
    words = parser.parse_args()
    wire: Wire = PtyWire(words.pty) if words.pty else TcpWire(words.port)
    command.serve("scanner", run(ScannerSim(wire), words.control))


if __name__ == "__main__":
    main()
