"""The daemon as a program: signals, readiness, watchdog, the one group of its long tasks."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from pathlib import Path

from kiosk.boot import DaemonError
from kiosk.config import ConfigError, Settings, keep_last_good, load_with_fallback
from kiosk.daemon import Daemon, build
from kiosk.hardware.signals import PowerFailing
from kiosk.notify import tell, watchdog
from kiosk.toml import Loaded

log = logging.getLogger(__name__)
PULSE_S = 10.0


class Pulse:
    """Asks the journal now and then whether it still answers; the watchdog is fed only while it does."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._last = daemon.clock.mono()

    def alive(self) -> bool:
        """Tell whether the journal has answered of late."""
        return self._daemon.clock.mono() - self._last < 3 * PULSE_S

    async def run(self) -> None:
        """Ask for ever, and tell systemd how things are."""
        while True:
            backlog = await self._daemon.journal.backlog()
            self._last = self._daemon.clock.mono()
            hub = "away" if self._daemon.reach.away else "there"
            tell(f"STATUS=hub {hub}, {backlog.count} rows wait for upload")
            await asyncio.sleep(PULSE_S)


async def serve(loaded: Loaded[Settings], path: Path | None) -> None:
    """Run the daemon until SIGTERM or SIGINT; when staff ask for it, begin anew with the file as it is then."""
    stop = asyncio.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    while await _life(loaded, path, stop):
        log.info("staff asked for a restart")
        tell("RELOADING=1\nSTATUS=starting anew")
        try:
            loaded = load_with_fallback(path)
        except ConfigError as err:  # a counter that runs is not stopped by a file that cannot be read
            told = f"{err} Until then the kiosk goes on with the settings that it had."
            loaded = Loaded(loaded.value, (told,), fallback=True)


async def _life(loaded: Loaded[Settings], path: Path | None, stop: asyncio.Event) -> bool:
    """Run the daemon once; tell whether it is to begin anew."""
    again = asyncio.Event()
    daemon = build(loaded, path)
    daemon.restart = again.set
    for warning in daemon.told.config_warnings:
        log.warning("%s", warning)
    try:
        async with asyncio.TaskGroup() as group:
            daemon.spawn = group.create_task
            await daemon.start()
            await _serve(daemon, path, group, stop, again)
    except* Exception as err:
        known = err.subgroup(DaemonError)
        if known is not None:
            raise _first(known) from err
        log.critical("a long task ended by a mistake; the daemon ends with it", exc_info=err)
        raise DaemonError("a part of the kiosk failed; its log says which, systemd starts it anew.") from err
    finally:
        if not again.is_set():
            tell("STOPPING=1")
        await daemon.stop()
    return again.is_set() and not stop.is_set()


def _first(group: BaseExceptionGroup[DaemonError]) -> DaemonError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, DaemonError)
    return found


async def _serve(
    daemon: Daemon, path: Path | None, group: asyncio.TaskGroup, stop: asyncio.Event, again: asyncio.Event
) -> None:
    """Say that the daemon is ready, wait for the stop, and end."""
    daemon.bus.on(PowerFailing, lambda _: stop.set())
    pulse = Pulse(daemon)
    own = [
        group.create_task(pulse.run(), name="pulse"),
        group.create_task(watchdog(pulse.alive), name="watchdog"),
    ]
    if not daemon.told.fallback_config:
        keep_last_good(path, daemon.settings)
    print(json.dumps({"kiosk": daemon.server.url, "device": daemon.device}), flush=True)
    tell(f"READY=1\nSTATUS=serving {daemon.server.url}")
    ends = [group.create_task(e.wait(), name="end") for e in (stop, again)]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        tell("STOPPING=1")
    for task in (*own, *ends):
        task.cancel()
    await daemon.stop()
