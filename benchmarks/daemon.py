"""The daemon: time until it is ready, memory when idle, writes to the card when nothing happens.

How: `kiosk run` and the peer are started in turn as processes of their own; ready is the line of JSON on standard output.
Memory is VmRSS, once more after a slip has been printed as bytes and drawn for the page of simulated devices; writes are write_bytes of /proc/PID/io over 20 s of rest, of a kiosk with hub, printer and simulated devices.
Peer: the smallest aiohttp server that answers one address, on the same interpreter.
Bars (DESIGN section 6): ready in 1.0 s, RSS 64 MiB, writes about 0.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import shown
from simulators.demo.world import World

RUNS = 7
IDLE_S = 20.0
PEER = """
import asyncio, json
from aiohttp import web
async def main():
    app = web.Application()
    app.router.add_get("/", lambda r: web.Response(text="ok"))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"ready": True}), flush=True)
    await asyncio.sleep(3600)
asyncio.run(main())
"""


def rss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def written(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("write_bytes")).split()[1])


class Started:
    """A process that has said that it is ready."""

    def __init__(self, words: list[str]) -> None:
        begun = time.perf_counter()
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.process.stdout.readline()
        self.seconds = time.perf_counter() - begun

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=20)


def main() -> None:
    with tempfile.TemporaryDirectory() as base:
        config = Path(base) / "kiosk.toml"
        config.write_text(
            f'data_dir = "{base}/data"\n[web]\nlisten = "127.0.0.1:0"\n[printers.paper]\nurl = "virtual://{base}/slips"\n'
            '[scanners.till]\nurl = "sim://"\n[gpio]\nfactory = "sim"\nbutton = 17\nred = 5\ngreen = 6\nblue = 13\nbuzzer = 19\n'
        )
        kiosk = [sys.executable, "-m", "kiosk", "run", "-c", str(config)]
        peer = [sys.executable, "-c", PEER]
        times: dict[str, list[float]] = {"kiosk": [], "peer": []}
        for _ in range(RUNS):
            for name, words in (("kiosk", kiosk), ("peer", peer)):
                started = Started(words)
                times[name].append(started.seconds * 1000)
                started.stop()
        bare = Started(peer)
        fleet, wrote, printed = asyncio.run(_in_a_fleet())
        peer_rss = rss_mib(bare.process.pid)
        bare.stop()
    print(shown("ready", times["kiosk"], "ms", times["peer"], "1000 ms"))
    print(shown("ready, peer", times["peer"], "ms"))
    print(shown("idle memory (RSS), hub, printer, devices", [fleet], "MiB", [peer_rss], "64 MiB"))
    print(shown("after a slip was printed and drawn", [printed], "MiB", [peer_rss]))
    print(shown("idle memory, peer", [peer_rss], "MiB"))
    print(f"{' ' * 15}written to the card in {IDLE_S:.0f} s of rest: {wrote} bytes  bar: about 0")


async def _in_a_fleet() -> tuple[float, int, float]:
    """Return memory and writes of a kiosk that stands in a fleet, has pulled everything and rests, and memory after a slip."""
    async with World(0, 0, None) as world:
        await world.start_hub()
        await world.start_printer()
        await world.start_kiosk()
        await world.until("/api/v1/counter", lambda view: view["slip"]["enabled"], 20)
        await asyncio.sleep(3)
        assert world.kiosk.process is not None
        pid = world.kiosk.process.pid
        before = written(pid)
        await asyncio.sleep(IDLE_S)
        idle, wrote = rss_mib(pid), written(pid) - before
        told = await world.json("POST", f"{world.url}/api/v1/slips/claim", {})
        assert told["outcome"] == "printed", told
        await asyncio.sleep(3)
        return idle, wrote, rss_mib(pid)


if __name__ == "__main__":
    main()
