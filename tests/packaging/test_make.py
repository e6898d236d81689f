"""The two commands and the tiers: what they run, and that a step that fails is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.generate.locks import ROOT

TIERS = ("demo", "test", "lint", "prove", "heavy", "scale", "bench", "gallery")
needs_make = pytest.mark.skipif(
    shutil.which("make") is None, reason="there is no make here: apt-get install make"
)


def script(path: Path, text: str) -> Path:
    """Write a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What make reads, in a path with a space, with programs in front of the path that only pretend."""
    place = tmp_path / "a tree"
    (place / "requirements").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements/dev.txt", "requirements/demo.txt"):
        shutil.copy(ROOT / name, place / name)
    shutil.copytree(ROOT / ".ci", place / ".ci")
    for name in ("chromium", "mmdebstrap", "systemd-nspawn"):
        script(tmp_path / "bin" / name, "exit 0")
    return place


def run(tree: Path, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program in the tree, or elsewhere."""
    path = f"{tree.parent / 'bin'}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # these tests may run under make themselves
        env.pop(name, None)
    return subprocess.run(words, cwd=cwd or tree, env=env, capture_output=True, text=True, timeout=60)


@needs_make
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_installs_first_what_it_needs(tree: Path, tier: str) -> None:
    done = run(tree, "make", "-n", tier)
    assert done.returncode == 0, done.stderr
    lock = "demo" if tier == "demo" else "dev"
    assert f"--require-hashes --only-binary :all: -r requirements/{lock}.txt" in done.stdout
    assert "--no-index --no-build-isolation --editable ." in done.stdout


@needs_make
def test_an_install_that_fails_leaves_no_stamp(tree: Path) -> None:
    python = script(
        tree / "python",
        '[ "$1" = -c ] || { mkdir -p .venv/bin; printf "#!/bin/sh\\nexit 1\\n" >.venv/bin/python; chmod +x .venv/bin/python; }',
    )
    assert run(tree, "make", f"PYTHON=./{python.name}", "test").returncode == 2
    assert (tree / ".venv" / "bin" / "python").exists()
    assert not (tree / ".venv" / "dev.stamp").exists()


@needs_make
def test_an_old_python_is_named_with_the_remedy(tree: Path) -> None:
    script(
        tree / "python",
        'exec python3 -c "import sys; sys.version_info = (3, 10, 1, \'final\', 0); exec(sys.argv[1])" "$2"',
    )
    done = run(tree, "make", "PYTHON=./python", "test")
    assert done.returncode == 2
    assert "Python 3.11, 3.12 or 3.13 is needed, ./python is 3.10; name one with make PYTHON=" in done.stderr


@needs_make
@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 2), (2, 2), (5, 0)])
def test_a_tier_without_tests_says_so_and_one_that_fails_fails(tree: Path, code: int, ends: int) -> None:
    script(tree / ".venv" / "bin" / "python", f"exit {code}")
    (tree / ".venv" / "dev.stamp").touch()
    done = run(tree, "make", "scale")
    assert done.returncode == ends
    assert ("make scale: nothing yet." in done.stdout) == (code == 5)


@pytest.mark.parametrize("fails", ["", "test", "prove", "heavy"])
def test_ci_runs_the_tiers_in_turn_and_stops_at_the_first_that_fails(tree: Path, fails: str) -> None:
    script(tree.parent / "bin" / "make", f'echo "$1 $KIOSK_PROVE_SECONDS" >>calls; [ "$1" != "{fails}" ]')
    done = run(tree, "bash", str(tree / ".ci" / "run"), cwd=tree.parent)
    calls = (tree / "calls").read_text().splitlines()
    tiers = ["test", "prove", "heavy"]
    assert [c.split()[0] for c in calls] == tiers[: tiers.index(fails) + 1 if fails else 3]
    assert (done.returncode == 0) == (not fails)
    if len(calls) > 1:
        assert calls[1] == "prove 20"
