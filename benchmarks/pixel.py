"""Event on the kiosk -> pixel changed on the counter page, in Chromium.

How: an outcome is published on the daemon's bus in this process; the page notes, by the clock of the same machine, the second
animation frame after it changed: by then the frame before, which drew the change, was handed to the compositor. The frame
itself (16.7 ms at 60 Hz) is part of the figure. Peer: a bare page of one paragraph, fed by a bare aiohttp event stream, noted in
the same way. Bar (DESIGN section 6): 100 ms.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from benchmarks.figures import shown
from kiosk.config import Settings
from kiosk.daemon import Daemon
from kiosk.events import Outcome
from kiosk.toml import Loaded
from simulators.demo import chromium

EVENTS = 200
WATCH = """
window.seen = new Map();
new MutationObserver(() => {
  const text = document.querySelector(SELECTOR).textContent;
  if (!/^n\\d+$/.test(text) || window.seen.has(text)) return;
  window.seen.set(text, 0);
  requestAnimationFrame(() => requestAnimationFrame(() => window.seen.set(text, performance.timeOrigin + performance.now())));
}).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
"""
PAGE = """<!doctype html><p id="t">-</p><script>
new EventSource("/events").onmessage = (e) => { document.getElementById("t").textContent = e.data; };</script>"""


async def _measure(page: chromium.Page, selector: str, publish: Any) -> list[float]:
    await page.evaluate(WATCH.replace("SELECTOR", repr(selector)))
    late = []
    for n in range(EVENTS):
        begun = time.time() * 1000
        publish(f"n{n}")
        at = await page.until(f"window.seen.get('n{n}')", 10)
        late.append(at - begun)
    return late[5:]


async def _kiosk(browser: chromium.Browser, base: str) -> list[float]:
    settings = msgspec.convert({"data_dir": f"{base}/data", "web": {"listen": "127.0.0.1:0"}}, Settings)
    daemon = Daemon(Loaded(settings, ()), None)
    await daemon.start()
    page = await browser.page()
    try:
        await page.open(daemon.server.url + "/", 1920, 1080)
        return await _measure(
            page, "#outcome-title", lambda text: daemon.bus.publish(Outcome(kind="info", title=text))
        )
    finally:
        await page.close()
        await daemon.stop()


async def _peer(browser: chromium.Browser) -> list[float]:
    waiting: asyncio.Queue[str] = asyncio.Queue()

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while (text := await waiting.get()) != "end":
            await response.write(f"data: {text}\n\n".encode())
        return response

    app = web.Application()
    app.router.add_get("/", lambda r: web.Response(text=PAGE, content_type="text/html"))
    app.router.add_get("/events", events)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    page = await browser.page()
    try:
        await page.open(f"http://127.0.0.1:{runner.addresses[0][1]}/", 1920, 1080)
        return await _measure(page, "#t", waiting.put_nowait)
    finally:
        waiting.put_nowait("end")
        await page.close()
        await runner.cleanup()


async def _run(path: str) -> None:
    with tempfile.TemporaryDirectory() as base:
        async with chromium.Browser(path, Path(base)) as browser:
            peer = await _peer(browser)
            kiosk = await _kiosk(browser, base)
    print(shown("event -> pixel on the counter page", kiosk, "ms", peer, "100 ms"))
    print(shown("event -> pixel, bare page", peer, "ms"))


def main() -> None:
    path = chromium.find()
    if path is None:
        print("not measured: there is no Chromium (apt-get install chromium)", file=sys.stderr)
        return
    asyncio.run(_run(path))


if __name__ == "__main__":
    main()
