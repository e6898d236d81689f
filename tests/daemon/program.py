"""The daemon as a program of its own, as systemd would start it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

DEADLINE_S = 60.0


def config(base: Path, text: str = "", *, data: Path | None = None, listen: str = "127.0.0.1:0") -> Path:
    """Write a kiosk.toml and return its path."""
    path = base / "kiosk.toml"
    path.write_text(
        f'data_dir = "{data or base / "data"}"\n{text}\n[web]\nlisten = "{listen}"\npin = "1234"\n', "utf-8"
    )
    return path


class Program:
    """One `kiosk run`."""

    def __init__(self, config: Path, **env: str) -> None:
        self._words = [sys.executable, "-m", "kiosk", "run", "-c", str(config)]
        self._env = {**os.environ, **env}
        self.says: dict[str, Any] = {}

    async def __aenter__(self) -> Program:
        self.process = await asyncio.create_subprocess_exec(
            *self._words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=self._env
        )
        return self

    async def ready(self) -> Program:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), DEADLINE_S)
        if not line:
            raise AssertionError((await self.end())[1])
        self.says = json.loads(line)
        return self

    async def end(self, how: signal.Signals | None = None) -> tuple[int, str]:
        """Wait for its end, after a signal if one is given; return exit code and standard error."""
        if how is not None:
            self.process.send_signal(how)
        _, err = await asyncio.wait_for(self.process.communicate(), DEADLINE_S)
        return int(self.process.returncode or 0), err.decode()

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.communicate()
