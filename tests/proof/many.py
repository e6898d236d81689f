"""Many histories at once: a process a core, each with a hub of its own, all files in memory where that is possible."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.proof.histories import history
from tests.proof.template import Template
from tests.proof.world import Violation

Tally = Counter[str]


@contextmanager
def in_memory() -> Iterator[Path]:
    """Give a directory for files whose flushes cost nothing: what a power cut leaves is proved elsewhere."""
    memory = Path("/dev/shm")
    home = memory if os.access(memory, os.W_OK) else None
    place = Path(tempfile.mkdtemp(prefix="kiosk-proof-", dir=home))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def replay(seed: int, restores: bool, count: int = 1) -> str:
    """Return the command that plays a history again, or several from a seed on."""
    kind = "restored" if restores else "whole"
    more = f"SEEDS={count} " if count > 1 else ""
    return f"{more}KIOSK_SEED={seed} .venv/bin/pytest -m prove tests/proof/test_simulation.py -k 'many and {kind}'"


BUSY = 1.5
"""How much longer it may take where others use the cores, too."""


def share(first: int, step: int, count: int, seconds: float, restores: bool) -> tuple[int, Tally, str]:
    """Play every `step`-th history from `first` until the count or the core's seconds are used up; return the first violation, if any."""
    logging.disable(logging.CRITICAL)
    played, tally = 0, Tally()
    # A history makes little that refers to itself: looking for it all the time is a tenth of the time.
    kept = gc.get_threshold()
    gc.set_threshold(50_000)
    with in_memory() as base:
        template = Template(base / "template")
        begun, of_core = time.monotonic(), time.process_time()
        try:
            while played < count and (
                played == 0
                or (time.process_time() - of_core < seconds and time.monotonic() - begun < BUSY * seconds)
            ):
                seed = first + played * step
                try:
                    tally += history(seed, base, template, restores=restores).tally
                except Violation as err:
                    return played, tally, f"{err}\nreplay: {replay(seed, restores)}"
                played += 1
        finally:
            template.close()
            gc.set_threshold(*kept)
            logging.disable(logging.NOTSET)
    return played, tally, ""


BESIDE = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
"""Tests that run at a time: a test alone has every core, one of two has half of them for twice the seconds."""


DEAR_S = 0.6
"""What a history may take of a core at most, four times what it takes where nothing else runs."""


def least(count: int, seconds: float) -> int:
    """Return how many histories have to be played in so many seconds on two cores (or the one there is), or the seconds have proved little."""
    cores = min(2, len(os.sched_getaffinity(0)))
    return max(1, min(count, int(seconds * cores / DEAR_S)))


def play(first: int, count: int, seconds: float, restores: bool) -> tuple[int, Tally, str]:
    """Play histories on this test's share of the cores."""
    have = len(os.sched_getaffinity(0))
    cores = min(max(1, have // BESIDE), count)
    seconds *= min(BESIDE, have)
    if cores == 1:
        return share(first, 1, count, seconds, restores)
    each = -(-count // cores)
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(share, first + n, cores, each, seconds, restores) for n in range(cores)]
        told = [job.result() for job in jobs]
    tally = sum((one[1] for one in told), Tally())
    return sum(one[0] for one in told), tally, next((one[2] for one in told if one[2]), "")
