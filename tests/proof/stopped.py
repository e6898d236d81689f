"""`python -m tests.proof.stopped BARRIER MARK kiosk|hub WORDS...`: runs a program that kills itself with -9 at a named step.

The program is the real one; only the function at the barrier is wrapped: when it has done its work for the first time, MARK is
written and the process is gone before anything else happens.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

KIOSK = {
    "intent_committed": ("kiosk.journal.attempts", "Attempts.intend"),
    "answer_received": ("kiosk.sync.authority", "HubAuthority.decide"),
    "record_committed": ("kiosk.journal.attempts", "Attempts.record"),
    "void_committed": ("kiosk.journal.attempts", "Attempts.void"),
    "rollback_committed": ("kiosk.journal.attempts", "Attempts.rollback"),
    "claim_committed": ("kiosk.journal.pool", "Pool.hand_out"),
    "print_queued": ("kiosk.journal.jobs", "Jobs.job_add"),
    "print_sent": ("kiosk.printing.printers.virtual", "VirtualPrinter.send"),
    "ack_stored": ("kiosk.journal.upload", "Upload.acknowledge"),
    "page_applied": ("kiosk.journal.objects", "Objects.apply"),
    "pool_stored": ("kiosk.journal.pool", "Pool.put_codes"),
    "lease_answered": ("kiosk.sync.leases", "Renewal._ask"),
}
"""Steps of a kiosk, each an async method after whose end it dies."""
HUB = {
    "hub_decided": "decide",
    "hub_took_journal": "take",
    "hub_gave_pool": "pool",
    "hub_gave_lease": "grant",
}
"""Steps of a hub: transactions whose commit is done and whose answer nobody has got."""


def die(mark: Path) -> None:
    """Say that the step was reached, and be gone."""
    mark.write_text("hit", "utf-8")
    os.kill(os.getpid(), signal.SIGKILL)


def _always(*_: Any, **__: Any) -> bool:
    return True


def stop_at(module: str, name: str, mark: Path, when: Callable[..., bool] = _always) -> None:
    """Wrap a function or a method, async or not: it dies after it, once `when` (its result, its arguments) is so."""
    *owners, last = name.split(".")
    place = functools.reduce(getattr, owners, importlib.import_module(module))
    real = getattr(place, last)

    @functools.wraps(real)
    async def later(*args: Any, **kwargs: Any) -> Any:
        if when(result := await real(*args, **kwargs), *args, **kwargs):
            die(mark)
        return result

    @functools.wraps(real)
    def now(*args: Any, **kwargs: Any) -> Any:
        if when(result := real(*args, **kwargs), *args, **kwargs):
            die(mark)
        return result

    setattr(place, last, later if inspect.iscoroutinefunction(real) else now)


def stop_kiosk_at(barrier: str, mark: Path) -> None:
    """Wrap the method of a barrier."""
    stop_at(*KIOSK[barrier], mark)


def stop_hub_at(barrier: str, mark: Path) -> None:
    """Wrap the database: the transaction of a barrier is the last one."""
    from hub.store.database import Database

    call = Database.call

    @functools.wraps(call)
    def wrapped(self: Database, work: Any, *args: Any, **kwargs: Any) -> Any:
        told = call(self, work, *args, **kwargs)
        # What is done once only stands behind the one that sees to it (hub/store/nonces.py).
        if HUB[barrier] in [getattr(one, "__name__", "") for one in (work, *args)]:
            die(mark)
        return told

    Database.call = wrapped  # type: ignore[method-assign]


def stop_migration_at(number: int, mark: Path) -> None:
    """Let a kiosk die when a migration of its journal has been committed and the next one has not begun."""
    from kiosk.journal import database

    real = database.steps

    class Last:
        """A migration that is not reached."""

        def __init__(self, path: Path) -> None:
            self.path = path

        def read_text(self, encoding: str) -> str:
            die(mark)
            return self.path.read_text(encoding)

    def steps() -> list[Any]:
        return [(n, Last(path) if n == number + 1 else path) for n, path in real()]

    database.steps = steps  # type: ignore[assignment]


def main(words: list[str]) -> None:
    """Run a program up to a barrier."""
    barrier, mark, program, *rest = words
    if barrier.startswith("migration_"):
        stop_migration_at(int(barrier.removeprefix("migration_")), Path(mark))
    elif barrier in HUB:
        stop_hub_at(barrier, Path(mark))
    else:
        stop_kiosk_at(barrier, Path(mark))
    sys.argv = [program, *rest]
    runpy.run_module(program, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
