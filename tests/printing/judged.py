"""Where the other judge of our bytes is: emupos, which needs Python 3.13 or later and an environment of its own.

`KIOSK_EMUPOS_PYTHON` names an interpreter that has it; else one of this machine (PATH, pyenv, uv) gets an environment for it, and
where there is none uv is asked to install one. The run says loudly when nobody judged; with `CI` set, a Python that is there
and no emupos is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VERSION = "emupos==0.4.0"
UNJUDGED = "NOT JUDGED BY EMUPOS"
NAMES = ("python3", "python3.13", "python3.14", "python3.15")
SHORT_S, LONG_S = 60, 300


def _run(words: list[str], patience_s: int = SHORT_S) -> tuple[bool, str]:
    """Run a program; its output, or the last line of why it failed."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=patience_s)
    except (OSError, subprocess.TimeoutExpired) as err:
        return False, f"{Path(words[0]).name}: {type(err).__name__}"
    told = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return done.returncode == 0, told[-1] if told else ""


def has_emupos(python: str) -> bool:
    """Tell whether an interpreter can judge."""
    return _run([python, "-c", "import emupos.printer.printer"])[0]


def new_enough(python: str) -> bool:
    """Tell whether it runs and is 3.13 or later; a shim of pyenv is on PATH for versions that are not switched on."""
    return _run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 13))"])[0]


def interpreters(path: str, pyenv: Path) -> list[str]:
    """Return what may be Python 3.13 or later: this one, those of a PATH, those that pyenv and uv keep."""
    found = [sys.executable, *(shutil.which(name, path=path) for name in NAMES)]
    found += sorted(str(p) for p in pyenv.glob("versions/3.1[3-9]*/bin/python3"))
    if uv := shutil.which("uv", path=path):
        there, place = _run([uv, "python", "find", "--no-python-downloads", ">=3.13"])
        found.append(place if there else None)
    return [python for python in found if python]


def install(path: str, place: Path) -> tuple[str, str]:
    """Have uv install a Python under `place`; return it, or an empty text and why there is none."""
    uv = shutil.which("uv", path=path)
    if uv is None:
        own = place / "uv"
        there, why = _run([sys.executable, "-m", "venv", str(own)], LONG_S)
        if there:
            there, why = _run([str(own / "bin/python"), "-m", "pip", "install", "-q", "uv"], LONG_S)
        if not there:
            return "", why
        uv = str(own / "bin/uv")
    kept = str(place / "pythons")
    there, why = _run([uv, "python", "install", "--install-dir", kept, "3.13"], LONG_S)
    made = sorted(str(p) for p in Path(kept).glob("*/bin/python3"))
    return (made[0], "") if there and made else ("", why)


def judge(place: Path) -> str:
    """Return an interpreter with emupos; skip loudly where none can be had, fail where it must be."""
    if named := os.environ.get("KIOSK_EMUPOS_PYTHON"):
        assert has_emupos(named), f"KIOSK_EMUPOS_PYTHON names {named}, which has no emupos"
        return named
    path = os.environ.get("PATH", "")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    usable = [python for python in interpreters(path, pyenv) if new_enough(python)]
    if not usable:
        made, why = install(path, place)
        if not made:
            told = "it needs Python 3.13 or later; there is none on PATH, at pyenv or at uv, and none can be installed"
            pytest.skip(f"{UNJUDGED}: {told} ({why}); set KIOSK_EMUPOS_PYTHON")
        usable = [made]
    if (ready := next((p for p in usable if has_emupos(p)), None)) is not None:
        return ready
    python = str(place / "judge/bin/python")
    there, why = _run([usable[0], "-m", "venv", str(place / "judge")], LONG_S)
    if there:
        there, why = _run([python, "-m", "pip", "install", "-q", VERSION], LONG_S)
    if there:
        return python
    told = f"{UNJUDGED}: {VERSION} cannot be installed for {usable[0]} ({why})"
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(told)


def say(terminal: pytest.TerminalReporter) -> None:
    """End a run in which nobody judged with a section of its own."""
    skipped = [r for r in terminal.stats.get("skipped", []) if UNJUDGED in str(r.longrepr)]
    if skipped:
        terminal.section(UNJUDGED, red=True, bold=True)
        terminal.write_line(str(skipped[0].longrepr[2]) if isinstance(skipped[0].longrepr, tuple) else "")
        terminal.write_line(f"{len(skipped)} tests of the bytes that printers get were skipped.")
