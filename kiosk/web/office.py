"""The office printer: queues of CUPS on this machine or in its network, fed by `kiosk-posters print`, which checks the file first."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

ANSWER_S = 45.0
"""The check of a large poster, and 30 s for the queue."""
LIST_S = 5.0


async def queues() -> list[str]:
    """Return the names of the print queues; none where CUPS is not installed or does not answer."""
    program = shutil.which("lpstat")
    if program is None or shutil.which("lp") is None:
        return []
    code, out, _ = await _run([program, "-e"], LIST_S, {})
    return sorted(set(out.split())) if code == 0 else []


async def send(pdf: Path, queue: str, copies: int, locale: str) -> tuple[bool, str]:
    """Hand a PDF to a queue; return whether it was taken, and what was said about it. Taken is not printed."""
    words = [sys.executable, "-m", "posters", "print", str(pdf), "--queue", queue, "--copies", str(copies)]
    lang = "zh_CN.UTF-8" if locale == "zh_CN" else "C.UTF-8"
    code, out, err = await _run(words, ANSWER_S, {"LANG": lang, "LC_ALL": lang, "PYTHONUTF8": "1"})
    lines = (out if code == 0 else err).strip().splitlines()
    return code == 0, lines[-1] if lines else ""


async def _run(words: list[str], deadline_s: float, env: dict[str, str]) -> tuple[int, str, str]:
    """Run a program; one that takes too long is ended."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **env},
    )
    try:
        async with asyncio.timeout(deadline_s):
            out, err = await process.communicate()
    except BaseException as ended:
        if process.returncode is None:
            process.kill()
            await process.communicate()
        if isinstance(ended, TimeoutError):
            return 1, "", ""
        raise
    return int(process.returncode or 0), out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
