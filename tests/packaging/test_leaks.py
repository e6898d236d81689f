"""The leak check itself: each kind of leak turns a test red, in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate.locks import ROOT

SAMPLES = """
import asyncio, os, subprocess, threading, pytest

kept = []

def test_file():
    os.dup(0)

def test_thread():
    threading.Thread(target=threading.Event().wait, args=(1.5,), name="stray").start()

def test_process():
    kept.append(subprocess.Popen(["sleep", "3"]))

async def test_task():
    kept.append(asyncio.create_task(asyncio.sleep(60), name="stray"))

async def test_what_is_closed(tmp_path):
    await asyncio.create_task(asyncio.to_thread((tmp_path / "a").write_text, "x"))
    child = await asyncio.create_subprocess_exec("true")
    await child.wait()

@pytest.mark.leaks("kept for the session")
def test_on_purpose():
    os.dup(0)
"""

ENDINGS = ("printing/__init__.py", "printing/judged.py", "proof/__init__.py", "proof/table.py")
SHARED = ("__init__.py", "conftest.py", "leaks.py", *ENDINGS)


def run(place: Path, source: str) -> subprocess.CompletedProcess[str]:
    """Run one test file beside a copy of the conftest, impatiently."""
    tests = place / "tests"
    for name in SHARED:
        (tests / name).parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / "tests" / name).read_text("utf-8")
        (tests / name).write_text(text.replace("PATIENCE_S = 5.0", "PATIENCE_S = 0.2"), "utf-8")
    (tests / "test_sample.py").write_text(source, "utf-8")
    (place / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nmarkers =\n  leaks(reason)\n  heavy\n  prove\n  scale\n"
    )
    words = [sys.executable, "-m", "pytest", "-rA", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly"]
    words += ["--basetemp", str(place / "base"), "tests"]
    env = {**os.environ, "COLUMNS": "400"}
    return subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines in which pytest says how each sample ended."""
    return run(tmp_path_factory.mktemp("leaky"), SAMPLES).stdout.splitlines()


@pytest.mark.parametrize(
    ("kind", "named"),
    [("file", "file "), ("thread", "thread stray"), ("process", "(sleep)"), ("task", "task stray")],
)
def test_a_leak_is_named(summary: list[str], kind: str, named: str) -> None:
    (line,) = [text for text in summary if text.startswith(f"ERROR tests/test_sample.py::test_{kind}")]
    assert "left behind: " in line
    assert named in line


@pytest.mark.parametrize("name", ["what_is_closed", "on_purpose"])
def test_what_is_closed_or_kept_on_purpose_is_no_leak(summary: list[str], name: str) -> None:
    assert f"PASSED tests/test_sample.py::test_{name}" in summary
    assert not [text for text in summary if text.startswith("ERROR") and name in text]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("@pytest.mark.leaks\ndef test_it():\n    pass\n", "say why with"),
        ("@pytest.mark.heavy\n@pytest.mark.prove\ndef test_it():\n    pass\n", "a test belongs to one"),
    ],
    ids=["a leak without a reason", "two tiers"],
)
def test_a_wrong_mark_stops_the_run(tmp_path: Path, source: str, told: str) -> None:
    done = run(tmp_path, f"import pytest\n\n{source}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert told in done.stdout + done.stderr
