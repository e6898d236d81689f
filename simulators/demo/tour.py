"""The tour: the whole story unattended, each line a step of `tour.json`. A step holds only if everything it says was seen."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from simulators.demo import chromium
from simulators.demo.story import Missed, Story
from simulators.demo.world import DemoError, World

TOUR_S = 120.0
STEP_S = 45.0
LEAVES = (
    *("tour.json", "counter.png", "confirmed.png", "slip.png", "slip.bin", "redemptions.csv"),
    *("stand.pdf", "stand.png", "poster.pdf", "poster.png"),
)
"""What an earlier tour may have left in the directory: it must not pass for what came of this one."""
FAULTS = (
    Missed,
    DemoError,
    chromium.BrowserError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    ValueError,
    KeyError,
)


async def tour(out: Path, port: int, hub_port: int, data: Path | None) -> bool:
    """Play the story and write what came of it to `out`; True when every step held."""
    _make(out)
    steps: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(TOUR_S), AsyncExitStack() as stack:
            world = await stack.enter_async_context(World(port, hub_port, data))
            if world.used:
                raise DemoError(
                    f"{world.dir} holds a demo already, and the tour counts from nothing; choose an empty directory with --data DIR."
                )
            browser = None
            if path := chromium.find():
                browser = await stack.enter_async_context(chromium.Browser(path, world.dir))
            story = Story(world, browser, out)
            stack.push_async_callback(story.close)
            for name, work in story.steps():
                steps.append(await _step(name, work))
                _write(out, steps)
    except TimeoutError:
        steps.append(
            {"name": "in time", "ok": False, "detail": f"not done within {TOUR_S:.0f} s", "ms": TOUR_S * 1000}
        )
    _write(out, steps)
    held = all(step["ok"] for step in steps)
    print(f"{sum(s['ok'] for s in steps)} of {len(steps)} steps held; see {out / 'tour.json'}", flush=True)
    return held


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in LEAVES:
            (out / name).unlink(missing_ok=True)
    except OSError as err:
        raise DemoError(
            f"{out} cannot be used ({err.strerror}); choose another directory with --tour DIR."
        ) from err


async def _step(name: str, work: Callable[[], Awaitable[str]]) -> dict[str, Any]:
    begun = time.monotonic()
    try:
        async with asyncio.timeout(STEP_S):
            ok, detail = True, await work()
    except FAULTS as err:
        ok, detail = False, f"{type(err).__name__}: {err}" if not isinstance(err, Missed) else str(err)
    ms = round((time.monotonic() - begun) * 1000)
    print(f"  {'ok  ' if ok else 'FAIL'} {ms:>6} ms  {name}: {detail}", flush=True)
    return {"name": name, "ok": ok, "detail": detail, "ms": ms}


def _write(out: Path, steps: list[dict[str, Any]]) -> None:
    fresh = out / "tour.json.new"
    fresh.write_text(json.dumps({"steps": steps}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    fresh.replace(out / "tour.json")
