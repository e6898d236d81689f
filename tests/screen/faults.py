"""Ten faults of a counter's screen, and the seconds until each is noticed: by a manual clock, and in Chromium."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import qrcode

from kiosk.clock import ManualClock
from kiosk.counter.glass import Glass
from kiosk.counter.screen_watch import Report, ScreenWatch
from kiosk.events import Bus, Outcome
from kiosk.journal.store import Journal
from kiosk.screen.keeper import LOOK_S, REPORT_S
from simulators.demo import eyes
from simulators.demo.chromium import Browser, BrowserError, Page
from tests.web.rig import Rig, eventually, rig

FAULTS = (
    "wrong code",
    "missing code",
    "stale view",
    "page hung",
    "page closed",
    "browser killed",
    "page covered",
    "another code on the screenshot",
    "daemon restarted",
    "display unplugged",
)
SEEN_FROM_OUTSIDE = ("page covered", "another code on the screenshot")
"""The page cannot know: these wait for the screenshot, of which there is one a minute."""
PROOF_S = 5
LINK, OTHER = "https://q.example.test/c/S0001", "https://q.example.test/c/S0002"
RIGHT, WRONG = "101010111", "111010111"


class Model:
    """A page, a keeper and a watch by a manual clock; one step is a second."""

    def __init__(self, journal: Journal, clock: ManualClock, phase: int) -> None:
        self.clock, self.phase, self.second = clock, phase, 0
        self.newest = self.page_seq = 1
        self.bits, self.page_runs, self.read, self.connector = RIGHT, True, LINK, "on"
        self.looked_at = -LOOK_S
        self.begin_daemon(journal)

    def begin_daemon(self, journal: Journal) -> None:
        """Begin as a daemon does: it knows nothing of the page."""
        self.journal = journal
        self.glass = Glass(self.clock, lambda: {"modules": ["101", "010", "111"]})
        self.watch = ScreenWatch(
            self.glass, journal, self.clock, open_now=lambda: True, link=lambda: LINK, reload=lambda: None
        )

    def break_(self, fault: str) -> None:
        """Let the fault begin."""
        if fault in ("wrong code", "missing code"):
            self.bits = WRONG if fault == "wrong code" else "0" * 9
        elif fault == "stale view":
            self.newest += 1
        elif fault in ("page hung", "page closed", "browser killed"):
            self.page_runs = False
        elif fault in SEEN_FROM_OUTSIDE:
            self.read = OTHER if "another" in fault else ""
        elif fault == "display unplugged":
            self.connector = "unplugged"
        elif fault == "daemon restarted":
            self.begin_daemon(self.journal)

    async def step(self) -> str:
        """Let a second pass; return what is known of the glass."""
        self.clock.advance(1)
        self.second += 1
        if self.page_runs and (self.second + self.phase) % PROOF_S == 0:
            self.glass.report(self.bits, self.second, True, self.page_seq, self.newest)
        if self.second % int(REPORT_S) == 0:
            looks = self.second - self.looked_at >= LOOK_S or self.watch.look_again
            self.looked_at = self.second if looks else self.looked_at
            self.watch.hear(Report(connector=self.connector, looked=looks, read=self.read or None))  # type: ignore[arg-type]
        return self.watch.state()


async def modelled(fault: str, phase: int, directory: Path) -> int:
    """Return the seconds until the fault is noticed, when it begins `phase` seconds after a look at the screen."""
    clock = ManualClock(datetime(2026, 11, 24, 12, tzinfo=UTC))
    journal = Journal(directory, clock, Bus())
    await journal.start()
    try:
        model = Model(journal, clock, phase)
        for _ in range(60 + phase):
            known = await model.step()
        assert known == "ok", known
        model.break_(fault)
        for second in range(1, 300):
            if (await model.step() == "ok") is (fault == "daemon restarted"):
                return second
    finally:
        await journal.stop()
    raise AssertionError(f"{fault} is never noticed")


def picture_of(link: str) -> str:
    """Return a code as the address of a picture."""
    out = io.BytesIO()
    qrcode.make(link).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


COVER = "position:fixed;inset:0;width:100vw;height:100vh;object-fit:contain;background:#fff;z-index:99"
SCRIPTS = {
    "wrong code": "document.querySelector('#qr path').setAttribute('d', 'M4 4h9v9h-9z')",
    "missing code": "document.querySelector('#qr').remove()",
    "page hung": "setTimeout(() => { for (;;); }), 1",
    "page covered": f"document.body.append(Object.assign(document.createElement('div'), {{style: '{COVER}'}})), 1",
    "another code on the screenshot": "document.body.append(Object.assign(document.createElement('img'), "
    f"{{style: '{COVER}', src: '{picture_of(OTHER)}'}})), 1",
}
KEEP_STREAM = "(() => { const Real = EventSource; window.EventSource = class extends Real { constructor(u) { super(u); window.stream = this; } }; })()"


class Drill:
    """A whole kiosk, a page in Chromium, and a keeper that looks at Chromium's own screenshots."""

    def __init__(self, kiosk: Rig, browser: Browser, page: Page) -> None:
        self.kiosk, self.browser, self.page = kiosk, browser, page
        self.connector = "on"
        self.looked = asyncio.Event()

    async def keep(self) -> None:
        """Report every 2 s as the keeper does; look once a minute, or at once when asked."""
        last, again = -LOOK_S, False
        while True:
            report: dict[str, object] = {"connector": self.connector}
            if again or time.monotonic() - last >= LOOK_S:
                with contextlib.suppress(BrowserError, TimeoutError, ConnectionError):
                    shot = await self.page.screenshot()
                    report |= {"looked": True, "read": (await asyncio.to_thread(eyes.codes, shot)).get("qr")}
                last = time.monotonic()
            status, told = await self.kiosk.post("/api/v1/counter/screen", report)
            assert status == 200
            again = told["look"]
            if "read" in report:
                self.looked.set()
            await asyncio.sleep(REPORT_S)

    async def break_(self, fault: str) -> None:
        """Let the fault begin."""
        if fault in SCRIPTS:
            await self.page.evaluate(SCRIPTS[fault])
        elif fault == "stale view":
            await self.page.evaluate("stream.onmessage = null, 1")
            self.kiosk.daemon.bus.publish(Outcome(kind="info", title="x", until_s=0.1))
        elif fault == "page closed":
            await self.page.close()
        elif fault == "browser killed":
            assert self.browser._process is not None
            self.browser._process.kill()
        elif fault == "display unplugged":
            self.connector = "unplugged"

    async def noticed(self) -> float:
        """Wait until the daemon knows; return the seconds."""
        watch = self.kiosk.daemon.watch
        assert watch is not None
        begun = time.monotonic()
        await eventually(lambda: watch.state() not in ("ok", "none"), 150)
        return time.monotonic() - begun


@asynccontextmanager
async def drill(directory: Path, chromium: str) -> AsyncIterator[Drill]:
    """Begin with a page that was proven and seen right."""
    async with rig(directory) as kiosk, Browser(chromium) as browser:
        page = await browser.page()
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=KEEP_STREAM)
        await page.open(kiosk.url + "/", 1280, 720)
        await page.until("document.querySelector('.ticket')", 20)
        made = Drill(kiosk, browser, page)
        keeper = asyncio.create_task(made.keep(), name="drill-keeper")
        try:
            watch = kiosk.daemon.watch
            assert watch is not None
            await eventually(lambda: made.looked.is_set() and watch.state() == "ok", 30)
            yield made
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)


async def in_chromium(fault: str, directory: Path, chromium: str) -> float:
    """Return the seconds until a fault in a real page is noticed; it begins just after a look at the screen: the worst case."""
    if fault == "daemon restarted":
        return await _restart(directory, chromium)
    async with drill(directory, chromium) as made:
        await made.break_(fault)
        return await made.noticed()


async def _restart(directory: Path, chromium: str) -> float:
    """Return the seconds until the page says that the daemon is gone; it is right again by itself afterwards."""
    async with Browser(chromium) as browser:
        page = await browser.page()
        async with rig(directory, hub=False) as kiosk:
            await page.open(kiosk.url + "/", 1280, 720)
            await page.until("document.body.dataset.seq !== '0'", 20)
            listen = kiosk.url.removeprefix("http://")
            begun = time.monotonic()
            waiting = asyncio.create_task(
                page.until("document.querySelector('#state').textContent !== ''", 30)
            )
            await asyncio.gather(kiosk.daemon.stop(), waiting)
            noticed = time.monotonic() - begun
        async with rig(directory, hub=False, listen=listen):
            await page.until("document.querySelector('#state').textContent === ''", 30)
        return noticed
