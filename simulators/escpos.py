"""A slip printer on TCP and on a serial line. `python -m simulators.escpos --port P` serves until stopped.

One JSON line on standard output says where: {"port", "url", "serial", "control"}. `GET {control}/_sim/state` shows the slips,
`GET {control}/_sim/raw` the bytes of the last job, `GET {control}/_sim/paper` the last slip as PNG, `POST
{control}/_sim/fault` {"fault": NAME} sets one of `FAULTS`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import os
import signal
import struct
import tty
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from aiohttp import web

from simulators import command
from simulators.paper import Interpreter, Printed

FAULTS = {
    "none": "prints",
    "paper_out": "no paper: keeps what comes, and prints it once the fault is gone",
    "runs_out": "the paper ends in the middle of the next job",
    "near_end": "little paper left: prints",
    "cover_open": "the cover is open: as without paper",
    "offline": "switched offline by its button: as without paper",
    "jammed": "the knife is jammed: as without paper",
    "refuse": "hangs up at once",
    "silent": "prints and never answers",
    "no_barrier": "answers in real time only: GS r is not known to it",
    "no_status": "answers GS r only: DLE EOT is not known to it",
    "reset_mid_job": "resets the connection after 20 bytes",
    "stuck": "reads nothing more",
    "slow": "reads 256 bytes every 50 ms",
}
HOLDING = ("paper_out", "cover_open", "offline", "jammed")
MID_JOB = 60
"""Bytes of a job after which the paper runs out."""


class EscposPrinterSim:
    """The printer."""

    def __init__(self, port: int = 0, control_port: int = 0, width_dots: int = 384) -> None:
        self.port, self.control_port = port, control_port
        self.fault = "none"
        self.jobs: list[bytes] = []
        self.asked = 0
        """Questions in real time so far."""
        self.interpreter = Interpreter(width_dots)
        self._held = bytearray()
        """What came while it could not print."""
        self._links: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self._plugged: list[int] = []
        self._pipes: list[asyncio.BaseTransport] = []
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None
        self._unstuck = asyncio.Event()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        app = web.Application()
        app.add_routes(
            [
                web.get("/_sim/state", self._state),
                web.get("/_sim/raw", self._raw),
                web.get("/_sim/paper", self._paper),
                web.post("/_sim/fault", self._set),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.control_port).start()
        self.control_port = self._runner.addresses[0][1]

    async def serve_serial(self) -> str:
        """Serve a serial line too and return its device; it is there until `unplug`."""
        master, slave = os.openpty()
        tty.setraw(slave)  # or the line would echo, and make CR LF of LF
        self._plugged += [master, slave]
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        ear, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(master), "rb", 0)
        )
        mouth, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(os.dup(master), "wb", 0)
        )
        self._pipes += [ear, mouth]
        writer = asyncio.StreamWriter(mouth, protocol, reader, loop)
        task = asyncio.create_task(self._talk(reader, writer), name="serial printer")
        self._links[task] = writer
        task.add_done_callback(lambda done: self._links.pop(done, None))
        return os.ttyname(slave)

    async def unplug(self) -> None:
        """Take the serial line away, as when the cable is pulled."""
        for pipe in self._pipes:
            pipe.close()
        for fd in self._plugged:
            os.close(fd)
        self._pipes, self._plugged = [], []
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Hang up."""
        await self.unplug()
        if self._server is not None:
            self._server.close()
            links = list(self._links)
            for link in links:
                link.cancel()
            await asyncio.gather(*links, return_exceptions=True)
            await self._server.wait_closed()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def slips(self) -> list[Printed]:
        """Return the slips printed so far."""
        return self.interpreter.slips

    def set_fault(self, name: str) -> None:
        """Set a fault; `none` mends the printer, which then prints what it held."""
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name}; there are {', '.join(FAULTS)}")
        self.fault = name
        self._unstuck.set()
        self._unstuck = asyncio.Event()
        if name not in HOLDING and self._held:
            held, self._held = bytes(self._held), bytearray()
            self._print(held, next(iter(self._links.values()), None))
            if not self._links:
                self._end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links[task] = writer
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._links.pop(task, None)
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault == "refuse":
            return
        came, tail = 0, b""
        while data := await reader.read(256 if self.fault == "slow" else 4096):
            asked, tail = _real_time(tail + data)
            self.asked += len(asked)
            if self.fault not in ("silent", "no_status"):
                writer.write(b"".join(self._answer(n) for n in asked))
            came += len(data) - 3 * len(asked)
            await self._linger()
            if self.fault == "reset_mid_job" and came > 20:
                await self._reset(writer)
                break
            if self.fault == "runs_out" and came > MID_JOB:
                self.fault = "paper_out"
                self._print(data[:MID_JOB], writer)
                data = data[MID_JOB:]
            if self.fault in HOLDING:
                self._held += data
            else:
                self._print(data, writer)
        if not self._held:
            self._end()

    async def _reset(self, writer: asyncio.StreamWriter) -> None:
        if (link := writer.get_extra_info("socket")) is None:
            await self.unplug()
        else:
            link.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))

    async def _linger(self) -> None:
        """Read slowly, or not at all until the fault is gone."""
        if self.fault == "slow":
            await asyncio.sleep(0.05)
        while self.fault == "stuck":
            await self._unstuck.wait()

    def _end(self) -> None:
        """End the job with the connection."""
        self.interpreter.end()
        if job := self.interpreter.take_job():
            self.jobs.append(job)

    def _print(self, data: bytes, writer: asyncio.StreamWriter | None) -> None:
        before = len(self.slips)
        self.interpreter.feed(data)
        if len(self.slips) > before:  # a serial line has no end: a job ends with its cut
            self.jobs.append(self.interpreter.take_job())
        answers = len(self.interpreter.answers)
        self.interpreter.answers.clear()
        if writer is not None and self.fault not in ("silent", "no_barrier"):
            writer.write((b"\x03" if self.fault == "near_end" else b"\x00") * answers)

    def _answer(self, n: int) -> bytes:
        """Answer DLE EOT n: printer, cause of offline, error, paper."""
        byte = 0x12
        if n == 1 and self.fault in HOLDING:
            byte |= 0x08
        if n == 2:
            byte |= {"paper_out": 0x20, "cover_open": 0x04, "jammed": 0x40}.get(self.fault, 0)
        if n == 3 and self.fault == "jammed":
            byte |= 0x08
        if n == 4:
            byte |= {"paper_out": 0x6C, "near_end": 0x0C}.get(self.fault, 0)
        return bytes([byte])

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "fault": self.fault,
                "asked": self.asked,
                "jobs": len(self.jobs),
                "slips": [s.as_json() for s in self.slips],
                "sizes": [len(j) for j in self.jobs],
            }
        )

    async def _raw(self, _: web.Request) -> web.Response:
        return web.Response(body=self.jobs[-1] if self.jobs else b"", content_type="application/octet-stream")

    async def _paper(self, _: web.Request) -> web.Response:
        if not self.slips:
            return web.json_response({"error": "nothing was printed yet"}, status=404)
        out = io.BytesIO()
        self.slips[-1].picture(self.interpreter.width_dots).save(out, "PNG")
        return web.Response(body=out.getvalue(), content_type="image/png")

    async def _set(self, request: web.Request) -> web.Response:
        try:
            self.set_fault(str((await request.json())["fault"]))
        except (ValueError, KeyError, TypeError) as err:
            return web.json_response({"error": str(err)}, status=400)
        return web.json_response({"fault": self.fault})


def _real_time(data: bytes) -> tuple[list[int], bytes]:
    """Find DLE EOT n, which printers answer at once, before the queue; return the n, and what may be the start of one.

    They stay in the stream: inside a picture they are dots, and only the interpreter knows.
    """
    asked = []
    at = data.find(b"\x10\x04")
    while at >= 0 and at + 2 < len(data):
        if 1 <= data[at + 2] <= 4:
            asked.append(data[at + 2])
        at = data.find(b"\x10\x04", at + 2)
    if at >= 0:
        return asked, data[at:]
    return asked, data[-1:] if data.endswith(b"\x10") else b""


async def _main(port: int, width_dots: int) -> None:
    sim = EscposPrinterSim(port, width_dots=width_dots)
    await sim.start()
    serial = await sim.serve_serial()
    print(
        json.dumps(
            {
                "port": sim.port,
                "url": f"tcp://127.0.0.1:{sim.port}",
                "serial": f"serial://{serial}?baud=115200",
                "control": f"http://127.0.0.1:{sim.control_port}",
            }
        ),
        flush=True,
    )
    stop = asyncio.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    await stop.wait()
    await sim.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A TCP slip printer that understands ESC/POS.")
    parser.add_argument("--port", type=command.port, default=0)
    parser.add_argument("--width", type=int, default=384, metavar="DOTS", help="384 (58 mm) or 576 (80 mm)")
    given = parser.parse_args()
    command.serve("escpos", _main(given.port, given.width))
