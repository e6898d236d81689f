"""A TCP slip printer. `python -m simulators.escpos --port P` serves until stopped.

One JSON line on standard output says where: {"port", "url", "control"}. `GET {control}/_sim/state` shows the slips,
`GET {control}/_sim/raw` the bytes of the last job, `POST {control}/_sim/fault` {"fault": NAME} sets a fault:
none, paper_out, near_end, cover_open, refuse, silent, reset_mid_job, slow.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from aiohttp import web

from simulators.paper import Interpreter

FAULTS = ("none", "paper_out", "near_end", "cover_open", "refuse", "silent", "reset_mid_job", "slow")


class EscposPrinterSim:
    """The printer."""

    def __init__(self, port: int = 0, control_port: int = 0) -> None:
        self.port, self.control_port = port, control_port
        self.fault = "none"
        self.jobs: list[bytes] = []
        self.interpreter = Interpreter()
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None
        self._links: set[asyncio.Task[Any]] = set()
        self._mended = asyncio.Event()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        app = web.Application()
        app.add_routes(
            [
                web.get("/_sim/state", self._state),
                web.get("/_sim/raw", self._raw),
                web.post("/_sim/fault", self._set),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.control_port).start()
        self.control_port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
            for link in self._links:
                link.cancel()
            await asyncio.gather(*self._links, return_exceptions=True)
            await self._server.wait_closed()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def slips(self) -> list[Any]:
        """Return the slips printed so far."""
        return self.interpreter.slips

    def set_fault(self, name: str) -> None:
        """Set a fault; `none` mends the printer."""
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name}; there are {', '.join(FAULTS)}")
        self.fault = name
        self._mended.set()
        self._mended = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._links.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault == "refuse":
            return
        job = bytearray()
        waiting = b""
        while data := await reader.read(256 if self.fault == "slow" else 4096):
            data, asked = _real_time(data)
            for n in asked:
                if self.fault != "silent":
                    writer.write(self._answer(n))
            job += data
            if self.fault == "slow":
                await asyncio.sleep(0.05)
            if self.fault == "reset_mid_job" and len(job) > 20:
                writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                break
            waiting += data
            if self.fault in ("paper_out", "cover_open"):
                continue  # kept in the buffer; printed once the fault is gone and more arrives or the link ends
            self._print(waiting, writer)
            waiting = b""
        if waiting and self.fault == "none":
            self._print(waiting, writer)
        self.interpreter.end()
        if job:
            self.jobs.append(bytes(job))

    def _print(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        self.interpreter.feed(data)
        if self.interpreter.answers:
            if self.fault != "silent":
                near = b"\x03" if self.fault == "near_end" else b"\x00"
                writer.write(near * len(self.interpreter.answers))
            self.interpreter.answers.clear()

    def _answer(self, n: int) -> bytes:
        """Answer DLE EOT n."""
        byte = 0x12
        if n == 2:
            byte |= {"paper_out": 0x20, "cover_open": 0x04}.get(self.fault, 0)
        if n == 4:
            byte |= {"paper_out": 0x6C, "near_end": 0x0C}.get(self.fault, 0)
        return bytes([byte])

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "fault": self.fault,
                "jobs": len(self.jobs),
                "slips": [s.as_json() for s in self.slips],
                "sizes": [len(j) for j in self.jobs],
            }
        )

    async def _raw(self, _: web.Request) -> web.Response:
        return web.Response(body=self.jobs[-1] if self.jobs else b"", content_type="application/octet-stream")

    async def _set(self, request: web.Request) -> web.Response:
        try:
            self.set_fault(str((await request.json())["fault"]))
        except (ValueError, KeyError, TypeError) as err:
            return web.json_response({"error": str(err)}, status=400)
        return web.json_response({"fault": self.fault})


def _real_time(data: bytes) -> tuple[bytes, list[int]]:
    """Take DLE EOT n out of a stream: printers answer it at once, before the queue."""
    asked = []
    while (at := data.find(b"\x10\x04")) >= 0 and at + 2 < len(data) and 1 <= data[at + 2] <= 4:
        asked.append(data[at + 2])
        data = data[:at] + data[at + 3 :]
    return data, asked


async def _main(port: int) -> None:
    sim = EscposPrinterSim(port)
    await sim.start()
    print(
        json.dumps(
            {
                "port": sim.port,
                "url": f"tcp://127.0.0.1:{sim.port}",
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
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_main(parser.parse_args().port))
