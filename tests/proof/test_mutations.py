"""T11: with its mechanism switched off, a promise's test turns red; and every promise has such a mechanism."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.proof.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]
COPIED = ("kiosk", "hub", "posters")
LINKED = ("ui", "simulators", "tests", "pyproject.toml")
LIMIT_S, LIMIT_ALL_S = 180, 900
PATIENCE_S = 8
"""How long a test waits for what a mechanism would bring about; the unchanged source has no longer, or it would prove nothing."""


def _name(mutation: Mutation) -> str:
    return f"{mutation.promise}: {mutation.mechanism}"


def test_every_promise_has_a_mechanism_in_the_table() -> None:
    assert {f"P{n}" for n in range(1, 8)} <= {m.promise for m in MUTATIONS}
    assert len({_name(m) for m in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.prove
def test_every_mechanism_is_where_the_table_says(tmp_path: Path) -> None:
    for mutation in MUTATIONS:
        for file, old, _ in mutation.changes:
            assert (ROOT / file).read_text("utf-8").count(old) == 1, f"{_name(mutation)}: look at {file}"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in LINKED:
        os.symlink(ROOT / name, root / name)
    return root


def _run(root: Path, *tests: str, limit_s: float = LIMIT_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            f"--basetemp={root}.tmp",
            *tests,
        ],
        cwd=root,
        env={
            **os.environ,
            "PYTHONPATH": str(root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "KIOSK_PATIENCE_S": str(PATIENCE_S),
        },
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


@pytest.mark.prove
def test_the_copy_is_what_is_tested(copy: Path) -> None:
    """Without this the whole table would prove nothing."""
    told = subprocess.run(
        [sys.executable, "-c", "import kiosk, hub, posters; print(kiosk.__file__, hub.__file__, posters.__file__)"],
        cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.count(str(copy)) == len(COPIED)


@pytest.mark.prove
def test_unchanged_every_test_of_the_table_is_green(copy: Path) -> None:
    done = _run(copy, *sorted({m.test for m in MUTATIONS}), limit_s=LIMIT_ALL_S)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.prove
@pytest.mark.parametrize("mutation", MUTATIONS, ids=_name)
def test_switched_off_the_promise_breaks(
    mutation: Mutation, copy: Path, record_property: Callable[[str, object], None]
) -> None:
    kept = {file: (copy / file).read_text("utf-8") for file, _, _ in mutation.changes}
    try:
        mutation.apply(copy)
        done = _run(copy, mutation.test)
    finally:
        for file, source in kept.items():
            (copy / file).write_text(source, "utf-8")
    assert done.returncode == 1, (
        f"the test stays green, or does not run: {done.stdout[-3000:]}{done.stderr[-1000:]}"
    )
    record_property("mechanism", _name(mutation))
    record_property("test", mutation.test)
