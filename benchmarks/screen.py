"""How soon each of ten faults of the counter's screen is noticed, and what the counter page weighs.

How: by the manual clock each fault begins at every second between two screenshots, page and keeper reporting as they do
(every 5 s, every 2 s); the table holds median and worst. In Chromium it really happens, once, just after a look at the screen:
the worst case. A fault that only a screenshot shows waits for the next one, of which there is one every 20 s; it is confirmed
2 s later. Of a restarted daemon the page says itself that it is gone (Chromium), and the new daemon knows of the
page again with its next proof (manual clock).
Page weight: bytes of page, styles, script and of the font's cut, as served; first paint: the browser's own `first-contentful-paint`.
Memory: the renderer's script heap after a garbage collection, and the proportional set size (PSS) of all of the browser's
processes, before and after 2,000 updates.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

from kiosk.events import Outcome
from kiosk.screen.keeper import LOOK_S
from simulators.demo import chromium
from tests.screen.faults import FAULTS, in_chromium, modelled
from tests.web.rig import rig

UPDATES = 2000
PAINTS = 15
WEIGHT = (
    "performance.getEntriesByType('resource').filter(e => !e.name.includes('/events')).concat(performance.getEntriesByType('navigation'))"
    ".map(e => [e.name.includes('font') ? 'font' : 'page', e.decodedBodySize])"
)


async def _faults(base: Path, browser: str | None) -> None:
    print(f"{'fault':<34}{'manual clock: median':>21}{'worst':>7}{'Chromium':>10}  s until noticed")
    for fault in FAULTS:
        found = [await modelled(fault, phase, base / f"{fault}-{phase}") for phase in range(int(LOOK_S))]
        real = f"{(await in_chromium(fault, base / fault, browser))[1]:8.1f}" if browser else "-"
        print(f"{fault:<34}{statistics.median(found):>21.0f}{max(found):>7}{real:>10}", flush=True)


def _pss_mib(session: int) -> float:
    """Return what the processes of a session hold, what they share counted once, in MiB."""
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            told = (
                (place / "smaps_rollup").read_text("ascii") if os.getsid(int(place.name)) == session else ""
            )
        except (ProcessLookupError, FileNotFoundError):
            continue  # it has ended meanwhile
        total += sum(int(n) for n in re.findall(r"^Pss:\s+(\d+)", told, re.MULTILINE))
    return total / 1024


async def _page(base: Path, path: str) -> None:
    async with rig(base / "page") as kiosk, chromium.Browser(path, base) as browser:
        paints = []
        for _ in range(PAINTS):
            page = await browser.page()
            await page.open(kiosk.url + "/", 1920, 1080)
            paints.append(
                await page.until("performance.getEntriesByName('first-contentful-paint')[0]?.startTime", 10)
            )
            weights = await page.evaluate(WEIGHT)
            await page.close()
        parts = {kind: sum(size for k, size in weights if k == kind) / 1024 for kind in ("page", "font")}
        print(
            f"page weight: {parts['page']:.0f} KiB and {parts['font']:.0f} KiB of the font, all from this machine"
        )
        print(
            f"first paint: median {statistics.median(paints):.0f} ms, worst {max(paints):.0f} ms, n={PAINTS}"
        )
        page = await browser.page()
        await page.open(kiosk.url + "/", 1920, 1080)

        async def heap() -> float:
            await page.call("HeapProfiler.collectGarbage")
            return float((await page.call("Runtime.getHeapUsage"))["usedSize"]) / 1024

        sizes, whole = [await heap()], [_pss_mib(browser.pid)]
        for n in range(1, UPDATES + 1):
            kiosk.daemon.bus.publish(Outcome(kind="info", title=f"n{n}", until_s=30))
            await page.until(f"document.querySelector('#outcome-title').textContent === 'n{n}'", 10)
            if n in (200, UPDATES):
                sizes.append(await heap())
                whole.append(_pss_mib(browser.pid))
        for what, unit, seen in (("script heap", "KiB", sizes), ("whole browser", "MiB", whole)):
            told = ", ".join(f"{s:.0f}" for s in seen)
            print(f"{what}: {told} {unit} at the start, after 200 and after {UPDATES} updates")
        await page.close()


async def _run(path: str | None) -> None:
    with tempfile.TemporaryDirectory() as place:
        await _faults(Path(place), path)
        if path:
            await _page(Path(place), path)


def main() -> None:
    path = chromium.find()
    if path is None:
        print("not measured in a browser: there is no Chromium (apt-get install chromium)", file=sys.stderr)
    asyncio.run(_run(path))


if __name__ == "__main__":
    main()
