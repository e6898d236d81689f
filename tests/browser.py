"""Chromium for the tests, driven by Playwright: one browser a session, a context of its own for every page.

Playwright's objects belong to the loop that made them, and every test has a loop of its own. So the session starts the browser as
a process, and each test connects to it (0.8 s with everything; a launch of its own is 1.2 s). A script of the page that fails
fails the test that opened it.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from simulators.demo.chromium import FLAGS

START_S = 30.0
CALL_MS = 20_000
FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


class Chromium:
    """A headless Chromium that runs, with a profile that is thrown away."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.endpoint = process, f"http://127.0.0.1:{port}"


@contextmanager
def started(path: str, *flags: str, place: Path) -> Iterator[Chromium]:
    """Start Chromium, with more flags than the tests' own where a test needs them (a camera that is a file).

    Its profile lies in `place`, a directory of the test: of tests that are killed nothing stays elsewhere.
    """
    place.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="chromium-", dir=place))
    process = subprocess.Popen(
        [path, *FLAGS, *flags, f"--user-data-dir={home}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Chromium(process, _port(process, home / "DevToolsActivePort"))
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _port(process: subprocess.Popen[bytes], told: Path) -> int:
    """Wait for the file in which Chromium says its port; it has no other way to tell."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"Chromium ended at once with code {process.returncode}"
        if told.exists() and (lines := told.read_text("ascii").splitlines()):
            return int(lines[0])
        time.sleep(0.02)
    raise AssertionError(f"Chromium did not say its port within {START_S:.0f} s")


class Tabs:
    """Opens pages, each in a context of its own: no cookie, cache or setting reaches the next."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.errors: list[str] = []
        """What scripts of the pages did not catch or were forbidden to load; the test fails unless it clears the list."""

    async def __call__(
        self, url: str = "", width: int = 1280, height: int = 720, *, before: str = "", **context: Any
    ) -> Page:
        """Open a page at a size in CSS pixels, with its fonts; `before` runs ahead of the page's own scripts.

        `context` is Playwright's: locale, color_scheme, reduced_motion, is_mobile, offline, permissions.
        """
        made = await self.browser.new_context(viewport={"width": width, "height": height}, **context)
        made.set_default_timeout(CALL_MS)
        page = await made.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)
        if before:
            await page.add_init_script(before)
        if url:
            await page.goto(url)
            await page.evaluate("document.fonts.ready.then(() => true)")
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.errors.append(message.text)

    async def close(self) -> None:
        """Close every page with the connections that it holds: Chromium keeps six to a host."""
        for context in self.browser.contexts:
            await context.close()


@asynccontextmanager
async def tabs(endpoint: str) -> AsyncIterator[Tabs]:
    """Connect to a Chromium that runs."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(endpoint)
        try:
            made = Tabs(browser)
            yield made
            await made.close()
        finally:
            await browser.close()
        assert made.errors == [], "a script of a page failed"


@asynccontextmanager
async def own_chromium(path: str, *flags: str, place: Path) -> AsyncIterator[tuple[Chromium, Tabs]]:
    """Start a Chromium for one test: one that is killed, or that has other flags."""
    starting = started(path, *flags, place=place)
    chromium = await asyncio.to_thread(starting.__enter__)
    try:
        async with tabs(chromium.endpoint) as made:
            yield chromium, made
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


async def until(page: Page, script: str, seconds: float) -> Any:
    """Wait until an expression is true and return it, also across a reload; what throws is not true yet."""
    asked = f"() => {{ try {{ return ({script}); }} catch (e) {{ return null; }} }}"
    found = await page.wait_for_function(asked, timeout=seconds * 1000, polling=20)
    return await found.json_value()


async def fonts(page: Page, selector: str) -> list[dict[str, Any]]:
    """Return the fonts that really drew the text inside the first match: familyName, isCustomFont, glyphCount."""
    session = await page.context.new_cdp_session(page)
    try:
        await session.send("DOM.enable")
        await session.send("CSS.enable")
        root = (await session.send("DOM.getDocument"))["root"]["nodeId"]
        node = (await session.send("DOM.querySelector", {"nodeId": root, "selector": selector}))["nodeId"]
        assert node, f"nothing matches {selector}"
        found: list[dict[str, Any]] = (await session.send("CSS.getPlatformFontsForNode", {"nodeId": node}))[
            "fonts"
        ]
        return found
    finally:
        await session.detach()


async def frames(page: Page) -> None:
    """Wait for two frames: what was drawn before them is on the glass."""
    await page.evaluate(FRAMES)
