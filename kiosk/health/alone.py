"""The doctor without the daemon: what the files tell, and that it does not run."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from kiosk.config import Settings
from kiosk.health.checks import config, damage, disk, keys
from kiosk.health.model import Facts, Finding, as_is, told
from kiosk.journal.errors import JournalError
from kiosk.journal.export import Shelf
from kiosk.toml import Loaded

CHECKS = (config.check, damage.check, disk.check, keys.check)
"""The others ask what only a running kiosk knows: printers, devices, the hub, the clock, the screen."""


def examine_files(loaded: Loaded[Settings]) -> list[Finding]:
    """Return what can be found without the daemon, the worst first; nothing is changed."""
    facts = _facts(loaded)
    found = [f for check in CHECKS if (f := check(facts)) is not None]
    order = {"error": 0, "warning": 1, "info": 2, "ok": 3}
    return sorted(
        [_not_running(), *_journal(Path(loaded.value.data_dir)), *found], key=lambda f: order[f.severity]
    )


def _not_running() -> Finding:
    return Finding(
        "daemon",
        "error",
        told("The kiosk does not run, so printers, devices, hub and screen were not looked at."),
        told("Start it with `systemctl start kiosk`, or with `kiosk run`."),
    )


def _journal(data_dir: Path) -> list[Finding]:
    """Read the journal through, without the daemon that owns it."""
    try:
        with Shelf(data_dir) as shelf:
            rows, bad = shelf.verify()
    except (JournalError, sqlite3.Error) as err:
        return [Finding("journal", "error", as_is(str(err)))]
    if bad is None:
        return []
    what = told("Row {n} of the journal is not as it was written, of {rows}.", n=bad, rows=rows)
    todo = told("Keep the file and send a diagnostics bundle to support.")
    return [Finding("journal", "error", what, todo)]


def _facts(loaded: Loaded[Settings]) -> Facts:
    """Return the facts that files tell; the others are as if all were well, and no check looks at them."""
    s, data_dir = loaded.value, Path(loaded.value.data_dir)
    there = next(p for p in (data_dir, *data_dir.absolute().parents) if p.is_dir())
    space = shutil.disk_usage(there)
    aside = sorted(p for p in data_dir.glob("journal.damaged-*") if p.name.rpartition("-")[2].isdigit())
    return Facts(
        now=datetime.now(UTC),
        hub_url=s.hub.url,
        enrolled="none",
        reachable="unknown",
        last_sync=None,
        backlog=0,
        oldest=None,
        conflicts=0,
        clock_error_s=None,
        free_bytes=space.free,
        free_share=space.free / space.total,
        unclean_boots=0,
        recovered="",
        set_aside=tuple(map(str, aside)),
        printers=(),
        devices_down=(),
        unknown_prints=0,
        pool_left=None,
        config_warnings=loaded.warnings,
        fallback_config=loaded.fallback,
        account_keys_here=bool(s.feie.user or s.yilianyun.client_id or s.clouds),
        page_proof="ok",
    )
