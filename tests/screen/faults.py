"""Ten faults of a counter's screen, and the seconds until each is noticed: by a manual clock, and in Chromium."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import qrcode
from PIL import Image
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page

from kiosk.clock import ManualClock
from kiosk.counter.glass import Glass
from kiosk.counter.screen_watch import Report, ScreenWatch
from kiosk.events import Bus, Outcome
from kiosk.journal.store import Journal
from kiosk.screen.keeper import LOOK_S, REPAINT_S, REPORT_S
from simulators.demo import eyes
from tests.browser import Chromium, own_chromium, until
from tests.web.rig import Rig, eventually, rig

FAULTS = (
    "wrong code",
    "missing code",
    "stale view",
    "page hung",
    "browser killed",
    "code covered on the page",
    "window over the browser",
    "compositor hung",
    "daemon restarted",
    "display unplugged",
)
SEEN_FROM_OUTSIDE = {"window over the browser": "https://q.example.test/c/S0002", "compositor hung": ""}
"""What only a screenshot shows, and the code that is then read from it."""
SAID = {
    "wrong code": "wrong",
    "missing code": "wrong",
    "stale view": "stale",
    "page hung": "stale",
    "browser killed": "stale",
    "code covered on the page": "wrong",
    "window over the browser": "unseen",
    "compositor hung": "unseen",
    "daemon restarted": "gone",
    "display unplugged": "unplugged",
}
"""What the daemon says of each; of a restarted one the page says it."""
NOTICED_S = 60
"""A real browser on a shared machine; by the manual clock it is 30 s."""
PROOF_S = 5
LINK = "https://q.example.test/c/S0001"
RIGHT, WRONG = "101010111", "111010111"


class Model:
    """A page, a keeper and a watch by a manual clock; one step is a second."""

    def __init__(self, journal: Journal, clock: ManualClock, phase: int) -> None:
        self.clock, self.phase, self.second = clock, phase, 0
        self.newest = self.page_seq = 1
        self.bits, self.page_runs, self.read, self.connector = RIGHT, True, LINK, "on"
        self.looked_at, self.looks = -LOOK_S, False
        self.begin_daemon(journal)

    def begin_daemon(self, journal: Journal) -> None:
        """Begin as a daemon does: it knows nothing of the page."""
        self.journal = journal
        self.glass = Glass(self.clock, lambda: {"modules": ["101", "010", "111"]})
        self.watch = ScreenWatch(
            self.glass,
            journal,
            self.clock,
            open_now=lambda: True,
            link=lambda: LINK,
            reload=lambda: None,
            repaint=lambda: None,
        )

    def break_(self, fault: str) -> None:
        """Let the fault begin."""
        if fault in ("wrong code", "missing code", "code covered on the page"):
            self.bits = {"wrong code": WRONG, "missing code": "0" * 9}.get(fault, "")
        elif fault == "stale view":
            self.newest += 1
        elif fault in ("page hung", "browser killed"):
            self.page_runs = False
        elif fault in SEEN_FROM_OUTSIDE:
            self.read = SEEN_FROM_OUTSIDE[fault]
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
        if self.looks:  # a second after the page was told to draw itself anew
            self.looks = False
            self.watch.hear(Report(connector=self.connector, looked=True, read=self.read or None))  # type: ignore[arg-type]
        elif self.second % int(REPORT_S) == 0:
            self.looks = self.second - self.looked_at >= LOOK_S or self.watch.look_again
            self.looked_at = self.second if self.looks else self.looked_at
            self.watch.hear(Report(connector=self.connector, looks=self.looks))  # type: ignore[arg-type]
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


COVER = "position:fixed;inset:0;background:#fff;z-index:99;pointer-events:none"
SCRIPTS = {
    "wrong code": "document.querySelector('#qr path').setAttribute('d', 'M4 4h9v9h-9z')",
    "missing code": "document.querySelector('#qr').remove()",
    "page hung": "setTimeout(() => { for (;;); }), 1",
    "code covered on the page": f"document.body.append(Object.assign(document.createElement('div'), {{style: '{COVER}'}})), 1",
}
KEEP_STREAM = "(() => { const Real = EventSource; window.EventSource = class extends Real { constructor(u) { super(u); window.stream = this; } }; })()"


def window_over(png: bytes, link: str) -> bytes:
    """Return a screenshot on which another program's window shows a code of its own."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as shot:
        covered = shot.convert("RGB")
    side = min(covered.size)
    covered.paste(qrcode.make(link).get_image().convert("RGB").resize((side, side)), (0, 0))
    covered.save(out, "PNG")
    return out.getvalue()


class Drill:
    """A whole kiosk, a page in Chromium, and a keeper that looks at Chromium's own screenshots."""

    def __init__(self, kiosk: Rig, chromium: Chromium, page: Page) -> None:
        self.kiosk, self.chromium, self.page = kiosk, chromium, page
        self.connector, self.fault = "on", ""
        self.looked = asyncio.Event()

    async def _look(self) -> str | None:
        """Read the code from a screenshot, as `kiosk.screen.glass.look` does: None when there is none to be had."""
        if self.fault == "compositor hung":
            return None
        try:
            shot = await self.page.screenshot(timeout=5_000)
        except PlaywrightError:  # the page hangs, or the browser has gone
            return None
        if self.fault == "window over the browser":
            shot = window_over(shot, SEEN_FROM_OUTSIDE[self.fault])
        return (await asyncio.to_thread(eyes.codes, shot)).get("qr")

    async def keep(self) -> None:
        """Report every 2 s as the keeper does; look every 20 s, or at once when asked, a second after the page was told."""
        last, again = -LOOK_S, False
        while True:
            report: dict[str, object] = {"connector": self.connector}
            if again or time.monotonic() - last >= LOOK_S:
                last = time.monotonic()
                await self.kiosk.post("/api/v1/counter/screen", report | {"looks": True})
                await asyncio.sleep(REPAINT_S)
                report |= {"looked": True, "read": await self._look()}
            status, told = await self.kiosk.post("/api/v1/counter/screen", report)
            assert status == 200
            again = told["look"]
            if "read" in report:
                self.looked.set()
            await asyncio.sleep(REPORT_S)

    async def break_(self, fault: str) -> None:
        """Let the fault begin."""
        self.fault = fault
        if fault in SCRIPTS:
            await self.page.evaluate(SCRIPTS[fault])
        elif fault == "stale view":
            await self.page.evaluate("stream.onmessage = null, 1")
            self.kiosk.daemon.bus.publish(Outcome(kind="info", title="x", until_s=0.1))
        elif fault == "browser killed":
            self.chromium.process.kill()
        elif fault == "display unplugged":
            self.connector = "unplugged"

    async def noticed(self) -> tuple[str, float]:
        """Wait until the daemon knows; return what it says of the glass, and the seconds."""
        watch = self.kiosk.daemon.watch
        assert watch is not None
        begun = time.monotonic()
        await eventually(lambda: watch.state() not in ("ok", "none"), NOTICED_S)
        return watch.state(), time.monotonic() - begun


@asynccontextmanager
async def drill(directory: Path, path: str) -> AsyncIterator[Drill]:
    """Begin with a page that was proven and seen right."""
    async with rig(directory) as kiosk, own_chromium(path, place=directory) as (chromium, new_page):
        page = await new_page(kiosk.url + "/", 1280, 720, before=KEEP_STREAM)
        await until(page, "document.querySelector('.ticket')", 20)
        made = Drill(kiosk, chromium, page)
        keeper = asyncio.create_task(made.keep(), name="drill-keeper")
        try:
            watch = kiosk.daemon.watch
            assert watch is not None
            await eventually(lambda: made.looked.is_set() and watch.state() == "ok", 30)
            yield made
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)


async def in_chromium(fault: str, directory: Path, path: str) -> tuple[str, float]:
    """Return what is said of a fault in a real page, and the seconds; it begins just after a look at the screen: the worst case."""
    if fault == "daemon restarted":
        return "gone", await _restart(directory, path)
    async with drill(directory, path) as made:
        await made.break_(fault)
        return await made.noticed()


async def _restart(directory: Path, path: str) -> float:
    """Return the seconds until the page says that the daemon is gone; it is right again by itself afterwards."""
    async with own_chromium(path, place=directory) as (_, new_page):
        async with rig(directory, hub=False) as kiosk:
            page = await new_page(kiosk.url + "/", 1280, 720)
            await until(page, "document.body.dataset.seq !== '0'", 20)
            listen = kiosk.url.removeprefix("http://")
            begun = time.monotonic()
            waiting = asyncio.create_task(
                until(page, "document.querySelector('#state').textContent !== ''", 30)
            )
            await asyncio.gather(kiosk.daemon.stop(), waiting)
            noticed = time.monotonic() - begun
        async with rig(directory, hub=False, listen=listen):
            await until(page, "document.querySelector('#state').textContent === ''", 30)
        return noticed
