"""What all tests share: no leaks, no settings of the machine, one tier a test, Chromium, hypothesis' profiles."""

from __future__ import annotations

import inspect
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import leaks
from tests.printing import judged
from tests.proof import table

if TYPE_CHECKING:
    from tests.browser import Tabs

TIERS = ("prove", "heavy", "scale")
CI = bool(os.environ.get("CI"))
FAILED = pytest.StashKey[bool]()

# A shared machine stalls for a second at a time: a deadline or "too slow" would report the neighbours.
QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("quick", max_examples=100, **QUIET)
settings.register_profile("ci", max_examples=100, **QUIET)
settings.register_profile("long", max_examples=2000, **QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if CI else "quick"))


def pytest_configure(config: pytest.Config) -> None:
    """Forget this machine's settings; start the one helper that multiprocessing would start inside some test."""
    for name in (
        "KIOSK_CONFIG",
        "KIOSK_HUB_CONFIG",
        "KIOSK_FONT",
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "STATE_DIRECTORY",
    ):
        os.environ.pop(name, None)
    resource_tracker.ensure_running()
    if config.option.basetemp is None:
        # pytest's own place is shared with earlier runs: a file system that a killed one left mounted there would fail this one.
        config.option.basetemp = tempfile.mkdtemp(prefix="kiosk-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the temporary files away unless there is a failure to look into."""
    if Path(config.option.basetemp or "").name.startswith("kiosk-tests-") and not config.stash.get(
        FAILED, True
    ):
        shutil.rmtree(config.option.basetemp, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the proof's table; say loudly what nobody else has judged."""
    table.say(terminalreporter)
    judged.say(terminalreporter)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Note how the run ended."""
    session.config.stash[FAILED] = exitstatus != pytest.ExitCode.OK


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test in two tiers (it would run twice) and a leak that is allowed without a reason."""
    for item in items:
        tiers = [t for t in TIERS if item.get_closest_marker(t)]
        if len(tiers) > 1:
            raise pytest.UsageError(
                f"{item.nodeid} is in the tiers {', '.join(tiers)}; a test belongs to one."
            )
        allowed = item.get_closest_marker("leaks")
        if allowed and not (allowed.args and str(allowed.args[0]).strip()):
            raise pytest.UsageError(f"{item.nodeid}: say why with @pytest.mark.leaks('reason').")


@pytest.fixture(autouse=True)
def _no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves an open file, a thread or a process behind."""
    if sys.platform != "linux" or request.node.get_closest_marker("leaks"):
        yield
        return
    before = leaks.state()
    yield
    if extra := leaks.left(before):
        pytest.fail("left behind: " + "; ".join(sorted(extra)), pytrace=False)


@pytest.fixture(autouse=True)
def _no_tasks(request: pytest.FixtureRequest, _no_leaks: None) -> None:
    """Let the check of tasks run around a test that has a loop."""
    function = getattr(request, "function", None)
    if inspect.iscoroutinefunction(function) and not request.node.get_closest_marker("leaks"):
        request.getfixturevalue("_no_tasks_of_loop")


@pytest.fixture
async def _no_tasks_of_loop() -> AsyncIterator[None]:
    """Fail a test whose loop still has tasks when everything of the test is torn down."""
    yield
    if extra := await leaks.tasks_left():
        pytest.fail("left behind: " + "; ".join(sorted(extra)), pytrace=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium; without one the test is skipped by name, in CI it fails."""
    from simulators.demo.chromium import find

    path = find()
    if path is None:
        (pytest.fail if CI else pytest.skip)("there is no Chromium here: apt-get install chromium")
    return path


@pytest.fixture(scope="session")
def chromium_of_session(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one Chromium for all tests; return the address at which Playwright connects to it."""
    from tests.browser import started

    with started(chromium, place=tmp_path_factory.mktemp("chromium")) as one:
        yield one.endpoint


@pytest.fixture
async def new_page(chromium_of_session: str) -> AsyncIterator[Tabs]:
    """Open pages in Chromium: `await new_page(url, width, height)`."""
    from tests.browser import tabs

    async with tabs(chromium_of_session) as made:
        yield made
