"""The processes of the demo: a hub, a slip printer, a kiosk; each the real program, started as a shop would."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from simulators.demo.printers import CHOICES

STORE = "kjy-south"
READY_S = 30.0
STOP_S = 10.0
PIN = "2468"


class DemoError(Exception):
    """One sentence that says what to do."""


def pick_port(wanted: int, option: str) -> int:
    """Return a port that can be listened on; 0 picks one."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", wanted))
        except OSError as err:
            raise DemoError(
                f"port {wanted} cannot be used ({err.strerror}); choose another with {option} PORT."
            ) from err
        return int(s.getsockname()[1])


def _tied() -> list[str]:
    """Return what lets a program end with the demo, also when that is killed: it would go on holding its port."""
    return ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []


class Program:
    """One program of the demo and its log."""

    def __init__(self, name: str, words: list[str], log: Path, env: dict[str, str]) -> None:
        self.name, self.words, self.log, self.env = name, [*_tied(), *words], log, env
        self.process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Tell whether it runs."""
        return self.process is not None and self.process.returncode is None

    async def start(self, *, piped: bool = False) -> None:
        """Start it; its output goes to its log, with `piped` its standard output comes here."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if piped else log,
                stderr=log,
                env=self.env,
                start_new_session=True,
            )

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, then make it; return its exit code."""
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.process.send_signal(how)
            try:
                await asyncio.wait_for(self.process.wait(), STOP_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        return int(self.process.returncode or 0)

    def last_words(self) -> str:
        """Return the last line of its log."""
        lines = self.log.read_text("utf-8", "replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else "it said nothing"


class World:
    """Everything that runs in the demo."""

    def __init__(self, port: int, hub_port: int, data: Path | None, printer: str = "escpos") -> None:
        self._wanted = port, hub_port
        self._choice = CHOICES[printer]
        self._keep = data
        self.pin = PIN

    async def __aenter__(self) -> World:
        self.port = pick_port(self._wanted[0], "--port")
        self.hub_port = pick_port(self._wanted[1], "--hub-port")
        if self.port == self.hub_port:
            raise DemoError("kiosk and hub cannot share a port; choose two with --port and --hub-port.")
        self.url = f"http://127.0.0.1:{self.port}"
        self.hub_url = f"http://127.0.0.1:{self.hub_port}"
        self.dir = await asyncio.to_thread(self._make_dir)
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.env = env
        python = [sys.executable, "-m"]
        log = self.dir / "log"
        log.mkdir(exist_ok=True)
        self.hub = Program(
            "hub", [*python, "hub", "serve", "-c", str(self.dir / "hub.toml")], log / "hub.log", env
        )
        self.printer = Program(
            "printer",
            [*python, self._choice.simulator, "--port", str(pick_port(0, ""))],
            log / "printer.log",
            env,
        )
        self.kiosk = Program(
            "kiosk",
            [*python, self._choice.kiosk, "run", "-c", str(self.dir / "kiosk.toml")],
            log / "kiosk.log",
            env,
        )
        # A customer's cookie belongs to an address here, which the jar refuses unless told.
        self.http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=20), cookie_jar=aiohttp.CookieJar(unsafe=True)
        )
        return self

    def _make_dir(self) -> Path:
        if self._keep is None:
            return Path(tempfile.mkdtemp(prefix="kiosk-demo-"))
        try:
            self._keep.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self._keep / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as err:
            raise DemoError(
                f"{self._keep} cannot be written ({err.strerror}); choose another directory with --data DIR."
            ) from err
        return self._keep.resolve()

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        for program in (self.kiosk, self.printer, self.hub):
            await program.stop()
        await self.http.close()
        if self._keep is None:
            await asyncio.to_thread(shutil.rmtree, self.dir, True)

    async def command(self, *words: str, ok: tuple[int, ...] = (0,)) -> tuple[int, str]:
        """Run one command of ours to its end and return exit code and standard output."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.env,
        )
        out, err = await asyncio.wait_for(process.communicate(), READY_S)
        code = int(process.returncode or 0)
        if code not in ok:
            raise DemoError(
                f"`{' '.join(words[:3])}` ended with {code}: {err.decode(errors='replace').strip() or out.decode()}"
            )
        return code, out.decode()

    async def hub_command(self, *words: str, ok: tuple[int, ...] = (0,)) -> tuple[int, str]:
        """Run `kiosk-hub ...` on the demo's hub."""
        return await self.command("hub", *words, "-c", str(self.dir / "hub.toml"), ok=ok)

    async def start_hub(self) -> None:
        """Start the hub; when it is new, load the sample batches with their periods around today."""
        (self.dir / "hub").mkdir(exist_ok=True, mode=0o700)
        self._write(
            "hub.toml",
            f'database = "sqlite:///{self.dir / "hub" / "hub.db"}"\nlisten = "127.0.0.1:{self.hub_port}"\n'
            f'public_url = "{self.hub_url}"\nsecret_key_file = "{self.dir / "hub" / "secret.key"}"\n[demo]\nclaims = true\n',
        )
        if not self.used:
            await self._fill_hub()
        await self.hub.start()
        await self.wait_for(self.hub, self.hub_url)

    @property
    def used(self) -> bool:
        """Tell whether the directory holds a demo already."""
        return (self.dir / "token").exists()

    async def _fill_hub(self) -> None:
        with resources.as_file(resources.files("simulators.demo") / "sample-batches.json") as sample:
            await self.hub_command("batch", "load", str(sample), "--shift-to-today")
        _, token = await self.hub_command("enrol", "token", "--store", STORE)
        self._write("token", token.strip() + "\n")

    def _write(self, name: str, text: str) -> None:
        """Write a file that only its owner reads: it may hold the PIN or a token."""
        path = self.dir / name
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")

    async def start_printer(self) -> dict[str, Any]:
        """Start the slip printer's simulator and return the line in which it says where it is; {} where none is needed."""
        self.printer_says: dict[str, Any] = {}
        if not self._choice.simulator:
            return {}
        await self.printer.start(piped=True)
        assert self.printer.process is not None
        assert self.printer.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.printer.process.stdout.readline(), READY_S)
            says: dict[str, Any] = json.loads(line)
        except (TimeoutError, ValueError) as err:
            raise DemoError(f"the printer simulator did not start: {self.printer.last_words()}") from err
        self.printer_says = says
        return says

    async def start_kiosk(self) -> None:
        """Start the kiosk with simulated devices and the printer that was chosen."""
        data = self.dir / "kiosk"
        data.mkdir(exist_ok=True, mode=0o700)
        self.slips = data / "slips"
        self._write(
            "kiosk.toml",
            f"""data_dir = "{data}"
[hub]
url = "{self.hub_url}"
token_file = "{self.dir / "token"}"
name = "demo"
[web]
listen = "127.0.0.1:{self.port}"
pin = "{self.pin}"
{self._choice.settings(self.printer_says, self.slips)}[scanners.till]
url = "sim://"
[tills.front]
url = "sim://"
scanner = "till"
[displays.counter]
url = "sim://"
[speakers.counter]
url = "sim://"
[gpio]
factory = "sim"
button = 17
red = 5
green = 6
blue = 13
buzzer = 19
drawer = 26
presence = 16
[hand_out]
cooldown_s = 3
""",
        )
        await self.kiosk.start()
        await self.wait_for(self.kiosk, self.url)

    async def wait_for(self, program: Program, url: str) -> None:
        """Wait until a program answers, or say what it said last."""
        loop = asyncio.get_running_loop()
        end = loop.time() + READY_S
        while loop.time() < end:
            if not program.running:
                raise DemoError(f"the {program.name} ended at once: {program.last_words()}")
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.get(f"{url}/healthz", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
        raise DemoError(f"the {program.name} was not ready within {READY_S:.0f} s: {program.last_words()}")

    async def json(self, method: str, url: str, body: Any = None) -> Any:
        """Send one request and return the JSON answer."""
        async with self.http.request(method, url, json=body) as answer:
            value = await answer.json(content_type=None)
            if answer.status >= 400:
                raise DemoError(f"{method} {url}: HTTP {answer.status} {value}")
            return value

    async def until(self, path: str, fits: Callable[[Any], Any], seconds: float) -> Any:
        """Ask the kiosk until its answer fits; another process cannot be waited for in any other way."""
        async with asyncio.timeout(seconds):
            while not fits(value := await self.json("GET", f"{self.url}{path}")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return value

    @contextlib.asynccontextmanager
    async def views(self) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
        """Listen to what the counter page is told, as the page does."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def read() -> None:
            timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
            async with self.http.get(f"{self.url}/api/v1/counter/events", timeout=timeout) as answer:
                async for line in answer.content:
                    if line.startswith(b"data:"):
                        queue.put_nowait(json.loads(line[5:]))

        task = asyncio.create_task(read(), name="counter-events")
        try:
            yield queue
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError):
                await task
