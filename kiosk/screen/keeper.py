"""Keeps the browser of the counter's screen: starts it, looks at the glass, obeys the daemon's ladder.

It is the one client of cage: when it ends, cage ends, and systemd starts both anew. That is the ladder's third rung.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from kiosk.screen import glass
from kiosk.screen.link import Away, Link
from kiosk.screen.power import Power

log = logging.getLogger(__name__)
REPORT_S = 2.0
LOOK_S = 20.0
"""With the second look 2 s later, what only a screenshot shows is known within 26 s. A look at 1920x1080 costs 0.1 s of an x86 core."""
FIRST_LOOK_S = 20.0
"""A browser shows its page 16 s after its start on a Pi 3 (facts: edge 3(d)); a look before that would have it restarted for nothing."""
REPAINT_S = 1.0
"""The page hears that a screenshot is taken 0.1 s later, on a small board 0.5 s, and then draws itself anew for 3 s."""
STOP_S = 5.0
CRASH_S = 10.0
"""A browser that ends sooner than this after its start is started again more slowly."""
SLOWEST_S = 30.0
MOST_CRASHES = 5
"""From then on the pause is the slowest."""
OLD_S = 12 * 3600.0
"""A browser that has run for so long is started anew when the shop closes: what it has gathered in memory is gone (facts: edge 3(d))."""
FLAGS = (
    "--kiosk",
    "--no-first-run",
    "--no-default-browser-check",
    "--noerrdialogs",
    "--disable-session-crashed-bubble",
    "--disable-infobars",
    "--disable-extensions",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-translate",
    "--disable-features=Translate,MediaRouter,OverscrollHistoryNavigation",
    "--disable-pinch",
    "--overscroll-history-navigation=0",
    "--autoplay-policy=no-user-gesture-required",
    "--password-store=basic",
    "--check-for-update-interval=31536000",
    # Its profile lies in memory: own clips of 30 MB each must not fill it.
    "--disk-cache-size=33554432",
    "--media-cache-size=33554432",
)
WAYLAND = ("--ozone-platform=wayland",)
"""Inside cage: a service has no session type, and Chromium then looks for an X server and ends."""
SMALL = ("--enable-low-end-device-mode", "--renderer-process-limit=1", "--js-flags=--max-old-space-size=96")
SMALL_KIB = 1_100_000
"""Boards of 1 GB and less use the engine's low-end mode: 225 -> 147 MB resident on a 3B+ (facts: edge 3(d))."""


class KeeperError(Exception):
    """Why there is no screen: one sentence."""


def total_kib(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return the board's memory in KiB; 0 where it cannot be read."""
    try:
        first = meminfo.read_text("ascii").splitlines()[0]
        return int(first.split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def end_compositor(pid: int, proc: Path = Path("/proc")) -> None:
    """End cage, whose client this process is: one that hangs would not see its client end, and systemd would wait for ever."""
    try:
        if (proc / str(pid) / "comm").read_text("ascii").strip() != "cage":
            return
        handle = os.pidfd_open(pid)
    except OSError:
        return  # it has ended
    try:
        for sig in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(handle, sig)
            if select.select([handle], [], [], STOP_S)[0]:
                return
    except ProcessLookupError:
        log.debug("the compositor ended by itself")
    finally:
        os.close(handle)


class Keeper:
    """The browser and its keeper."""

    def __init__(
        self,
        url: str,
        browser: str,
        extra: tuple[str, ...] = (),
        *,
        link: Link | None = None,
        connector: Callable[[], str] = glass.connector,
        power: Power | None = None,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url, self._browser, self._extra = url, browser, extra
        self._link, self._connector, self._now = link or Link(url), connector, now
        self._power, self._pause = power or Power(), pause
        self._process: subprocess.Popen[bytes] | None = None
        self._started, self._looked = 0.0, -LOOK_S
        self._crashes = 0
        self._stop = False
        self._page = ""
        """The name of the page in this browser: no other page's proof counts while a keeper reports it."""
        self._home = tempfile.TemporaryDirectory(prefix="kiosk-browser-")

    def run(self) -> int:
        """Keep the screen until asked to stop, or until the daemon wants the compositor restarted."""
        if shutil.which(self._browser) is None:
            raise self._cannot(os.strerror(errno.ENOENT))
        for sig in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sig, self._asked)
        try:
            while not self._stop:
                if self.turn() == "compositor":
                    log.warning("the compositor is restarted")
                    self.end_browser()
                    end_compositor(os.getppid())
                    return 1
                self._pause(REPORT_S)
            return 0
        finally:
            self.end_browser()
            self._home.cleanup()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self._stop = True

    def turn(self) -> str:
        """Do once what has to be done now and then; return the daemon's order."""
        try:
            if self._due():
                self._link.probe()
                self._start()
            order = self._report()
        except Away as err:
            # A browser that is started now would show an error page until somebody loads it anew.
            log.info("the daemon is away: %s", err)
            return ""
        if order == "browser":
            log.warning("the browser is restarted")
            self.end_browser()
            self._start()
        return order

    def _due(self) -> bool:
        """Tell whether a browser is to be started: there is none, and the last one did not crash a moment ago."""
        if self._process is not None and self._process.poll() is None:
            if self._now() - self._started > CRASH_S:
                self._crashes = 0
            return False
        return self._process is None or self._now() - self._started >= min(
            SLOWEST_S, 2.0 ** (self._crashes + 1)
        )

    def _start(self) -> None:
        if self._process is not None:
            self._crashes = min(self._crashes + 1, MOST_CRASHES)
        self._page = secrets.token_urlsafe(9)
        small = SMALL if 0 < total_kib() < SMALL_KIB else ()
        shown = WAYLAND if os.environ.get("WAYLAND_DISPLAY") else ()
        words = [
            self._browser,
            *FLAGS,
            *shown,
            *small,
            *self._extra,
            f"--user-data-dir={self._home.name}",
            f"{self._url}?page={self._page}",
        ]
        try:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as err:
            raise self._cannot(err.strerror) from err
        self._started = self._now()

    def _cannot(self, why: str | None) -> KeeperError:
        return KeeperError(
            f"{self._browser} cannot be started ({why}); install chromium, or name one with --browser."
        )

    def end_browser(self) -> None:
        """End the browser with all its processes."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError):  # renderers that outlive their browser
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _report(self) -> str:
        program = glass.screenshot_program()
        due = self._now() - self._looked >= LOOK_S and self._now() - self._started > FIRST_LOOK_S
        if not (program and due):
            return self._tell()
        self._looked = self._now()
        if order := self._tell(looks=True):
            return order
        self._pause(REPAINT_S)
        return self._tell(looked=True, read=glass.look(program))

    def _tell(self, **more: object) -> str:
        """Report to the daemon; return its order."""
        report = {"connector": self._connector(), "page": self._page, **more}
        told = self._link.post("/api/v1/counter/screen", report)
        self._power.follow(bool(told["open"]))
        if not told["open"] and self._process is not None and self._now() - self._started > OLD_S:
            log.info("the browser is started anew for the next day")
            self.end_browser()
        if told.get("look"):
            self._looked = -LOOK_S
        return str(told["do"])
