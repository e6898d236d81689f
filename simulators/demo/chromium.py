"""Chromium over its DevTools protocol, for screenshots and for asking what is on the page.

Protocol: https://chromedevtools.github.io/devtools-protocol/ (Page, Runtime, DOM, CSS, Network, Emulation).
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
)
START_S = 30.0
CALL_S = 20.0


class BrowserError(Exception):
    """Chromium did not do what it was asked."""


def find() -> str | None:
    """Return the path of a Chromium, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self._reader = asyncio.create_task(self._read(), name="chromium-page")

    async def _read(self) -> None:
        async for message in self._socket:
            value = message.json()
            if value.get("method") == "Page.loadEventFired":
                self._loaded.set()
            waiting = self._answers.pop(value.get("id", -1), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(value)

    async def call(self, method: str, deadline_s: float = CALL_S, **params: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        self._last += 1
        waiting = self._answers[self._last] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._last, "method": method, "params": params})
        value = await asyncio.wait_for(waiting, deadline_s)
        if "error" in value:
            raise BrowserError(f"{method}: {value['error'].get('message')}")
        result: dict[str, Any] = value["result"]
        return result

    async def open(
        self, url: str, width: int, height: int, *, scale: float = 1, mobile: bool = False
    ) -> None:
        """Open an address at a size in CSS pixels and wait for its load event and its fonts."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )
        self._loaded.clear()
        answer = await self.call("Page.navigate", url=url)
        if answer.get("errorText"):
            raise BrowserError(f"{url}: {answer['errorText']}")
        await asyncio.wait_for(self._loaded.wait(), CALL_S)
        await self.evaluate("document.fonts.ready.then(() => true)")

    async def follow(self, selector: str) -> None:
        """Click something that leads to another page and wait for that page and its fonts."""
        self._loaded.clear()
        await self.evaluate(f"document.querySelector({selector!r}).click()")
        await asyncio.wait_for(self._loaded.wait(), CALL_S)
        await self.evaluate("document.fonts.ready.then(() => true)")

    def loading(self) -> asyncio.Event:
        """Return what is set when the page has loaded anew."""
        self._loaded.clear()
        return self._loaded

    async def evaluate(self, script: str, deadline_s: float = CALL_S) -> Any:
        """Return the value of an expression; promises are awaited."""
        answer = await self.call(
            "Runtime.evaluate", deadline_s, expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(
                str(answer["exceptionDetails"].get("exception", {}).get("description", "script failed"))
            )
        return answer["result"].get("value")

    async def until(self, script: str, deadline_s: float) -> Any:
        """Wait until an expression is true; ask once a frame."""
        return await self.evaluate(
            "new Promise((yes, no) => { const end = performance.now() + "
            + str(deadline_s * 1000)
            + "; const look = () => { let v; try { v = ("
            + script
            + "); } catch (e) { v = null; } if (v) yes(v); else if (performance.now() > end) no(new Error('not in time'));"
            " else setTimeout(look, 16); }; look(); })",
            deadline_s + 5,
        )

    async def screenshot(self, path: Path | None = None, *, whole: bool = False) -> bytes:
        """Return a PNG of what is visible, or of the whole page."""
        answer = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        png = base64.b64decode(answer["data"])
        if path is not None:
            await asyncio.to_thread(path.write_bytes, png)
        return png

    async def fonts(self, selector: str) -> list[dict[str, Any]]:
        """Return the fonts that really drew the text inside the first match: familyName, isCustomFont, glyphCount."""
        await self.call("DOM.enable")
        await self.call("CSS.enable")
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        node = (await self.call("DOM.querySelector", nodeId=root, selector=selector))["nodeId"]
        if not node:
            raise BrowserError(f"nothing matches {selector}")
        found: list[dict[str, Any]] = (await self.call("CSS.getPlatformFontsForNode", nodeId=node))["fonts"]
        return found

    async def cookie(self, url: str, name: str, value: str) -> None:
        """Set a cookie."""
        await self.call("Network.setCookie", url=url, name=name, value=value)

    async def close(self) -> None:
        """Close the tab, and with it the connections that it holds: Chromium keeps six to a host."""
        await self.call("Page.close")
        await self._socket.close()
        await self._reader


class Browser:
    """A headless Chromium of our own, with a profile that is thrown away; it lies in `place`."""

    def __init__(self, path: str, place: Path | None = None) -> None:
        self._path, self._place = path, place
        self._home = Path()
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._port = 0

    @property
    def pid(self) -> int:
        """Return the id of its first process."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Browser:
        self._home = Path(tempfile.mkdtemp(prefix="kiosk-chromium-", dir=self._place))
        self._process = await asyncio.create_subprocess_exec(
            self._path,
            *FLAGS,
            f"--user-data-dir={self._home}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        self._session = aiohttp.ClientSession()
        try:
            self._port = await asyncio.wait_for(self._find_port(), START_S)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _find_port(self) -> int:
        """Wait for the file in which Chromium says its port; it has no other way to tell."""
        told = self._home / "DevToolsActivePort"
        while True:
            if self._process is None or self._process.returncode is not None:
                raise BrowserError("Chromium ended at once")
            if told.exists() and (lines := told.read_text().splitlines()):
                return int(lines[0])
            await asyncio.sleep(0.05)

    async def page(self) -> Page:
        """Open a new tab."""
        assert self._session is not None
        async with self._session.put(f"http://127.0.0.1:{self._port}/json/new?about:blank") as answer:
            url = (await answer.json())["webSocketDebuggerUrl"]
        page = Page(await self._session.ws_connect(url, max_msg_size=0))
        await page.call("Page.enable")
        return page

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)
