"""Stands and posters are made in a process of their own that ends when idle: its libraries hold 120 MB (facts: posters)."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

import msgspec

from kiosk.counter.words import counter_texts
from ui.marks import N_
from ui.texts import LOCALES

log = logging.getLogger(__name__)
IDLE_S = 60.0
MAKE_S = 90.0
"""A poster with a picture takes 3 s on a Pi 4; a worker that hangs is ended."""
UNFINISHED = N_("The maker of stands did not finish; try again in a moment.")


class Made(msgspec.Struct, frozen=True):
    """What the worker answers: a verdict and what a person should look at, or why nothing could be made; by language."""

    verdict: str = ""
    told: dict[str, tuple[str, ...]] = {}
    error: dict[str, str] = {}

    def findings(self, locale: str) -> tuple[str, ...]:
        """Return what a person should look at."""
        return self.told.get(locale, ())

    def refusal(self, locale: str) -> str:
        """Return why there is nothing to print; empty when there is."""
        if self.error:
            return self.error[locale]
        return " ".join(self.findings(locale)) if self.verdict == "refuse" else ""


class Workshop:
    """Hands work to the worker, one piece at a time."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._worker: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def make(
        self,
        template: str,
        data: dict[str, str],
        out: Path,
        *,
        look: str,
        profile: str,
        preview: Path,
        ledger: Path | None = None,
    ) -> Made:
        """Make one artefact at `out` and a picture of it at `preview`; what is to be printed goes into the ledger."""
        ask: dict[str, Any] = {
            "template": template, "data": data, "out": str(out), "look": look, "profile": profile,
            "preview": str(preview), "ledger": str(ledger or ""),
        }  # fmt: skip
        async with self._one:
            self._keep()
            try:
                async with asyncio.timeout(MAKE_S):
                    return await self._ask(ask)
            except (TimeoutError, ConnectionError, msgspec.DecodeError) as err:
                await self._end()
                log.warning("the maker of posters did not finish: %s", err or type(err).__name__)
                return Made(error={each: counter_texts(each)(UNFINISHED) for each in LOCALES})
            except asyncio.CancelledError:
                await self._end()
                raise
            finally:
                self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._dismiss)

    async def _ask(self, ask: dict[str, Any]) -> Made:
        worker = self._worker
        if worker is None or worker.returncode is not None:
            worker = self._worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "kiosk.web.poster_worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps(ask).encode() + b"\n")
        await worker.stdin.drain()
        line = await worker.stdout.readline()
        if not line:
            raise ConnectionError("the worker ended")
        return msgspec.json.decode(line, type=Made)

    @property
    def running(self) -> bool:
        """Tell whether there is a worker."""
        return self._worker is not None and self._worker.returncode is None

    def _keep(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _dismiss(self) -> None:
        """Let the worker end by itself: it has read the end of its input."""
        if self._worker is not None and self._worker.stdin is not None and not self._one.locked():
            self._worker.stdin.close()
            self._worker = None

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None and worker.returncode is None:
            worker.kill()
            await worker.wait()

    async def stop(self) -> None:
        """End the worker."""
        self._keep()
        await self._end()
