"""What a test may leave behind: nothing. Tasks, threads, open files and child processes are counted around each test."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 5.0
"""How long something that is already on its way out may take; only a suspect test waits."""


def open_files() -> set[str]:
    """Name this process's open files as `number -> target`."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.add(f"file {fd} -> {os.readlink(f'/proc/self/fd/{fd}')}")
        except FileNotFoundError:  # the descriptor of this listing itself
            continue
    return found


def threads() -> set[str]:
    """Name the threads that would keep the process alive."""
    return {f"thread {t.name} ({t.native_id})" for t in threading.enumerate() if not t.daemon}


def children() -> set[str]:
    """Name the child processes, ended ones that nobody has waited for too."""
    found = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        try:
            pids = listing.read_text().split()
        except (FileNotFoundError, ProcessLookupError):  # the thread has just ended
            continue
        for pid in pids:
            try:
                found.add(f"process {pid} ({Path(f'/proc/{pid}/comm').read_text().strip()})")
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def state() -> set[str]:
    """Name all that outlives a test when it is forgotten."""
    return open_files() | threads() | children()


def left(before: set[str], look: Callable[[], set[str]] = state, patience_s: float = PATIENCE_S) -> set[str]:
    """Return what is there now and was not before, once it has had its time to end."""
    deadline = time.monotonic() + patience_s
    while extra := look() - before:
        if time.monotonic() > deadline:
            return extra
        gc.collect()
        time.sleep(0.02)
    return set()


async def tasks_left(patience_s: float = PATIENCE_S) -> set[str]:
    """Return the tasks of the running loop that are not done, once they have had their time to end."""
    me = asyncio.current_task()
    deadline = time.monotonic() + patience_s
    while rest := {t for t in asyncio.all_tasks() if t is not me}:
        if time.monotonic() > deadline:
            return {f"task {t.get_name()}: {t.get_coro()!r}" for t in rest}
        await asyncio.sleep(0.01)
    return set()
