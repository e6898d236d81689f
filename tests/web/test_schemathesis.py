"""The description of the local API against a running kiosk: no 5xx, no answer that it does not describe.

Cases are made from the description alone and by a fixed seed: right and wrong types, missing and surplus parts, wrong
methods. The program runs beside this one, so that its own warnings and its plugin do not meet ours.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from aiohttp import web

from kiosk.web.staff import finder
from tests.web.rig import Rig

ENDLESS = "/api/v1/counter/events"
"""A stream has no end to wait for; tests/web/test_counter.py reads it."""
LEFT_OUT = "positive_data_acceptance"
"""A key that belongs to another request is refused (422) however right the body is, and so is 16.0 for a whole number."""
RUN_S = 600.0


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the search for printers off the network that the tests run in."""

    async def find() -> list[str]:
        return []

    monkeypatch.setattr(finder, "find", find)


async def st(kiosk: Rig, place: Path, *words: str) -> tuple[int, str]:
    """Run the program with the owner's rights; return its exit code and what it said."""
    token = (kiosk.daemon.data_dir / "local.token").read_text().strip()
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("st"), "run", f"{kiosk.url}/api/v1/openapi.json",
        "-H", f"Authorization: Bearer {token}", "--checks", "all", "--exclude-checks", LEFT_OUT,
        "--seed", "20261125", "--generation-database", "none", "--no-shrink", "--exclude-path", ENDLESS, *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=place,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), RUN_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode()


def figures(said: str) -> tuple[int, int]:
    """Return how many operations were tested and how many cases were made."""
    tested, made = re.search(r"Tested: (\d+)", said), re.search(r"(\d+) generated", said)
    assert tested, said[-2000:]
    assert made, said[-2000:]
    return int(tested[1]), int(made[1])


async def test_every_case_that_the_description_covers_gets_a_described_answer(
    alone: Rig, tmp_path: Path
) -> None:
    code, said = await st(alone, tmp_path, "--phases", "coverage")
    assert code == 0, said[-6000:]
    tested, made = figures(said)
    _, doc = await alone.get("/api/v1/openapi.json")
    assert tested == sum(len(ways) for ways in doc["paths"].values()) - 2, (
        "all but the stream and the description"
    )
    assert made > 500


@pytest.mark.heavy
async def test_long_at_random_and_in_sequences(alone: Rig, tmp_path: Path) -> None:
    code, said = await st(alone, tmp_path, "--phases", "fuzzing,stateful", "--max-examples", "60")
    assert code == 0, said[-6000:]
    assert figures(said)[1] > 2000


@pytest.mark.parametrize(
    ("wrong", "told"), [(ZeroDivisionError, "Server error"), (web.HTTPGone, "Undocumented status code")]
)
async def test_a_handler_that_fails_or_says_something_else_is_found(
    alone: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: type[Exception], told: str
) -> None:
    async def fails() -> None:
        raise wrong

    monkeypatch.setattr(alone.daemon.journal, "verify", fails)
    code, said = await st(alone, tmp_path, "--phases", "coverage", "--include-path", "/api/v1/journal/verify")
    assert code == 1
    assert told in said
