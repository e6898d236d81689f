"""A small display. `python -m simulators.panels FAMILY [--port P | --pty LINK]` serves until stopped.

Families: qrview, mertech, tjc, dwin, cd5220, escpos-pole. One JSON line on standard output says where: {"url", "control"}.
`GET {control}/_sim/state` shows what a customer sees, `POST {control}/_sim/fault` {"fault": NAME} sets a fault, `none`
mends it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from pathlib import Path
from typing import Any

from simulators import command
from simulators.panels_control import Refused, Route, run
from simulators.panels_dialects import DIALECTS, Panel
from simulators.panels_wire import PtyWire, TcpWire, Wire

FAULTS = {
    "none": "It works.",
    "gone": "It is unplugged.",
    "silent": "It shows what it is told and answers nothing.",
    "wrong": "It shows nothing and says that it does not understand.",
    "slow": "It shows and answers 0.3 s late.",
    "chatter": "It is unplugged and plugged in again three times within a second.",
    "deaf": "It takes no bytes.",
    "noise": "It answers with bytes that mean nothing.",
    "forget": "It loses its picture, as in a power cut that the line does not notice, and works again.",
}
SLOW_S = 0.3
FLAPS = 3
FLAP_S = 0.1
NO = {"tjc": b"\x1a\xff\xff\xff", "dwin": b"\x5a\xa5\x03\x82NO"}


class PanelSim:
    """The display."""

    def __init__(self, family: str, wire: Wire, seed: int = 1) -> None:
        if family not in DIALECTS:
            raise Refused(f"there is no family {family}; there are {', '.join(DIALECTS)}")
        self.family, self.wire, self.fault = family, wire, "none"
        self.panel: Panel = DIALECTS[family]()
        self.raw = bytearray()
        self._random = random.Random(seed)
        self._late: set[asyncio.TimerHandle] = set()
        wire.on_data = self._told

    @property
    def address(self) -> str:
        """Return the address of the display."""
        return f"{self.family}+{self.wire.address}"

    async def start(self) -> None:
        """Plug it in."""
        await self.wire.plug()

    async def stop(self) -> None:
        """Unplug it."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        await self.wire.unplug()

    async def set_fault(self, name: str) -> None:
        """Set a fault; `none` mends the display."""
        if name not in FAULTS:
            raise Refused(f"there is no fault {name}; there are {', '.join(FAULTS)}")
        if name == "forget":
            self.panel.forget()
            name = "none"
        if name == "chatter":
            await self._flap()
            name = "none"
        self.fault = name
        if name == "gone":
            await self.wire.unplug()
            self.panel.forget()
            return
        await self.wire.plug()
        self.wire.deaf = name == "deaf"

    async def _flap(self) -> None:
        """Come and go, as on a worn plug."""
        for _ in range(FLAPS):
            await self.wire.unplug()
            self.panel.forget()
            await asyncio.sleep(FLAP_S)
            await self.wire.plug()
            await asyncio.sleep(FLAP_S)

    def _told(self, data: bytes) -> None:
        self.raw += data
        if self.fault == "slow":
            self._late.add(asyncio.get_running_loop().call_later(SLOW_S, self._take, data))
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        if self.fault == "wrong":
            self.wire.write(NO.get(self.family, b"?"))
            return
        answer = self.panel.feed(data)
        if self.fault == "noise":
            answer = self._random.randbytes(20)
        if answer and self.fault != "silent":
            self.wire.write(answer)

    def routes(self) -> list[Route]:
        """Return its page of control."""
        return [("GET", "/_sim/state", lambda _: self._state()), ("POST", "/_sim/fault", self._fault)]

    def _state(self) -> dict[str, Any]:
        return {"family": self.family, "fault": self.fault, "bytes": len(self.raw), **self.panel.state()}

    async def _fault(self, body: dict[str, Any]) -> dict[str, Any]:
        await self.set_fault(str(body["fault"]))
        return self._state()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="A small display on a serial line or a TCP port.")
    parser.add_argument("family", choices=DIALECTS)
    parser.add_argument("--port", type=command.port, default=0)
    parser.add_argument("--pty", type=Path, help="make a serial line behind this link instead")
    parser.add_argument("--control", type=command.port, default=0, help="port of the page of control")
    words = parser.parse_args()
    wire: Wire = PtyWire(words.pty) if words.pty else TcpWire(words.port)
    command.serve(words.family, run(PanelSim(words.family, wire), words.control))


if __name__ == "__main__":
    main()
