"""The journal under kill -9, clocks that jump and a disk that fills up: nothing acknowledged is lost, nothing is worth twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.events import Bus
from kiosk.journal.store import Journal
from tests.proof import again

from .till import NOW

pytestmark = pytest.mark.prove

KILLS = 120
SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "90"))
"""A small share of the drill stops earlier, after at least 10 kills."""
DISK_MIB = 6


class Till:
    """The drill's process and what it has acknowledged."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.lines: list[str] = []
        self.ready = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.journal.till", str(directory), str(seed)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Till:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running, however the test ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.end()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.endswith("\n"):
                break  # the kill hit in the middle of the line: nobody has read it as an acknowledgement
            self.lines.append(line.strip())
            if line.strip() == "ready":
                self.ready.set()
        self.ready.set()

    def wait_for(self, word: str, times: int) -> None:
        """Wait until it has said something so many times."""
        until = time.monotonic() + 60
        while sum(line.startswith(word) for line in self.lines) < times:
            assert self.process.poll() is None, self.lines[-1:]
            assert time.monotonic() < until, f"{word} was not said {times} times"
            time.sleep(0.01)

    def kill(self, after_s: float) -> list[str]:
        """Let it work for a while, kill it without warning and return what it said."""
        assert self.ready.wait(60), "the till did not start"
        time.sleep(after_s)
        self.process.send_signal(signal.SIGKILL)
        return self.end()

    def end(self) -> list[str]:
        self.process.wait(60)
        self._reader.join(60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.lines


async def judge(directory: Path, said: list[str]) -> tuple[int, int]:
    """Check every promise against what was acknowledged; return redemptions and claims."""
    honoured = Counter(tuple(line.split()[1:]) for line in said if line.startswith("honoured "))
    claimed = Counter(line.split()[1] for line in said if line.startswith("claimed "))
    assert not [line for line in said if line.startswith(("damaged", "refused"))]
    journal = Journal(directory, ManualClock(NOW), Bus())
    recovery = await journal.start()
    try:
        assert recovery.told == ""
        rows = await journal._db.read(lambda db: db.execute("SELECT coupon, rid FROM used").fetchall())
        used = {(r["coupon"], r["rid"]) for r in rows}
        assert set(honoured) <= used
        per_coupon = Counter(coupon for coupon, _ in used)
        assert per_coupon.most_common(1)[0][1] == 1
        assert max(Counter(coupon for coupon, _ in honoured).values()) == 1
        handed = await journal._db.read(
            lambda db: {r["coupon"] for r in db.execute("SELECT coupon FROM pool WHERE rid IS NOT NULL")}
        )
        assert set(claimed) <= handed
        assert max(claimed.values()) == 1
        check = await journal.verify()
        assert (check.ok, check.first_bad) == (True, None)
        still_open = await journal._db.read(
            lambda db: db.execute("SELECT count(*) FROM attempt WHERE state = 'open'").fetchone()[0]
        )
        recorded = await journal._db.read(
            lambda db: db.execute("SELECT count(*) FROM attempt WHERE state = 'recorded'").fetchone()[0]
        )
        assert (still_open, recorded) == (0, len(used))
    finally:
        await journal.stop()
    return len(honoured), len(claimed)


async def test_kill_9_at_random_moments_loses_nothing_that_was_acknowledged(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = again.seed()
    record_property("seed", seed)
    chance = random.Random(seed)
    said: list[str] = []
    begun = time.monotonic()
    kills = 0
    while kills < KILLS and (kills < 10 or time.monotonic() - begun < SECONDS):
        with Till(tmp_path / "data", chance.randrange(10**6)) as till:
            said += till.kill(chance.random() ** 2 * 0.2)
        kills += 1
    record_property("cases", kills)
    redemptions, claims = await judge(tmp_path / "data", said)
    print(
        f"seed {seed}, kill -9: {kills} kills, {redemptions} redemptions and {claims} claims acknowledged, none lost, none twice"
    )
    assert redemptions > kills
    assert claims > 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MiB; only root can mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(filler: Path) -> None:
    """Take all the room that is left."""
    with filler.open("wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            return


async def test_a_disk_that_fills_up_while_redeeming_halves_nothing(small_disk: Path) -> None:
    filler, reserve = small_disk / "filler", small_disk / "reserve"
    # A till that runs on while this machine is busy leaves little to free.
    reserve.write_bytes(b"x" * (1 << 20))
    with Till(small_disk / "data", 7) as till:
        till.wait_for("honoured ", 30)
        fill(filler)
        till.wait_for("full ", 5)
        said = till.kill(0.1)
    filler.unlink()
    reserve.unlink()
    redemptions, _ = await judge(small_disk / "data", said)
    assert redemptions > 0


async def test_a_card_that_never_takes_a_byte_is_named_at_the_start(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * ((DISK_MIB << 20) - 8192))
    with Till(small_disk / "data", 7) as till:
        said = till.end()
    assert len(said) == 1
    assert said[0].startswith("refused full ")
    assert "free some space" in said[0]
