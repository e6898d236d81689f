"""The leak check itself: each kind of leak turns a test red, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAKY = {
    "file": ("def test_it():\n    os.dup(0)\n", "file "),
    "thread": (
        "def test_it():\n    threading.Thread(target=threading.Event().wait, args=(1.5,), name='stray').start()\n",
        "thread stray",
    ),
    "process": (
        "def test_it():\n    global kept\n    kept = subprocess.Popen(['sleep', '20'])\n",
        "(sleep)",
    ),
    "task": (
        "async def test_it():\n    global kept\n    kept = asyncio.create_task(asyncio.sleep(60), name='stray')\n",
        "task stray",
    ),
}
HEAD = "import asyncio, os, subprocess, threading, pytest\n"


def run(tmp_path: Path, source: str) -> subprocess.CompletedProcess[str]:
    """Run one test file beside a copy of the conftest, impatiently."""
    tests = tmp_path / "tests"
    tests.mkdir()
    for name in ("__init__.py", "conftest.py", "leaks.py"):
        text = (ROOT / "tests" / name).read_text("utf-8")
        (tests / name).write_text(text.replace("PATIENCE_S = 5.0", "PATIENCE_S = 0.2"), "utf-8")
    (tests / "test_sample.py").write_text(HEAD + source, "utf-8")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nmarkers =\n  leaks(reason)\n  heavy\n  prove\n  scale\n"
    )
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "tests"]
    return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("kind", LEAKY)
def test_a_leak_is_named(tmp_path: Path, kind: str) -> None:
    source, named = LEAKY[kind]
    out = run(tmp_path, source).stdout
    assert "left behind: " in out
    assert named in out
    assert "1 passed, 1 error" in out


def test_what_is_closed_is_no_leak(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "async def test_it(tmp_path):\n"
        "    task = asyncio.create_task(asyncio.to_thread((tmp_path / 'a').write_text, 'x'))\n"
        "    await task\n"
        "    child = await asyncio.create_subprocess_exec('true')\n"
        "    await child.wait()\n",
    )
    assert done.returncode == 0, done.stdout


def test_a_leak_on_purpose_needs_a_reason(tmp_path: Path) -> None:
    assert run(tmp_path, "@pytest.mark.leaks\ndef test_it():\n    os.dup(0)\n").returncode == 4


def test_a_leak_with_a_reason_passes(tmp_path: Path) -> None:
    done = run(tmp_path, "@pytest.mark.leaks('kept for the session')\ndef test_it():\n    os.dup(0)\n")
    assert done.returncode == 0, done.stdout


def test_a_test_belongs_to_one_tier(tmp_path: Path) -> None:
    done = run(tmp_path, "@pytest.mark.heavy\n@pytest.mark.prove\ndef test_it():\n    pass\n")
    assert done.returncode == 4
    assert "a test belongs to one" in done.stderr + done.stdout
