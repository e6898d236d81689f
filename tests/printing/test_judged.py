"""The other judge is looked for everywhere, installed where it can be, and missed loudly."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.printing import judged

pytest_plugins = ["pytester"]
UV = """#!/bin/sh
case "$2" in
  find) [ -n "$FOUND" ] && echo "$FOUND" && exit 0; echo "error: no interpreter" >&2; exit 2;;
  install) [ -n "$OFFLINE" ] && echo "error: no network" >&2 && exit 1
    mkdir -p "$4/cpython-3.13/bin" && printf '#!/bin/sh\\nexit 0\\n' > "$4/cpython-3.13/bin/python3"
    chmod +x "$4/cpython-3.13/bin/python3";;
esac
"""


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only Python is ours, too old, and that has a uv."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "uv").write_text(UV)
    (programs / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    for name in ("KIOSK_EMUPOS_PYTHON", "CI", "FOUND", "OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(judged, "new_enough", lambda python: "3.13" in python)
    return tmp_path


def test_pyenv_and_uv_are_asked(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyenv = alone / "pyenv"
    for version in ("3.12.1", "3.13.0"):
        (pyenv / "versions" / version / "bin").mkdir(parents=True)
        (pyenv / "versions" / version / "bin" / "python3").touch()
    monkeypatch.setenv("FOUND", "/opt/python3.14")
    found = judged.interpreters(str(alone / "bin"), pyenv)
    assert found == [sys.executable, str(pyenv / "versions/3.13.0/bin/python3"), "/opt/python3.14"]


def test_without_a_python_uv_installs_one(alone: Path) -> None:
    made = judged.judge(alone)
    assert made == str(alone / "pythons/cpython-3.13/bin/python3"), "which has everything: it says yes to all"


def test_where_none_can_be_had_the_reason_is_told(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINE", "1")
    with pytest.raises(pytest.skip.Exception, match=r"NOT JUDGED BY EMUPOS: .*\(error: no network\)"):
        judged.judge(alone)


@pytest.mark.parametrize(("ci", "ends"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_in_ci_a_python_without_emupos_is_a_failure(
    ci: str, ends: type[BaseException], alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOUND", str(alone / "python3.13"))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(ends, match=r"NOT JUDGED BY EMUPOS: emupos==.* cannot be installed"):
        judged.judge(alone)


def test_the_run_ends_with_it(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeconftest(
        "from tests.printing import judged\ndef pytest_terminal_summary(terminalreporter):\n    judged.say(terminalreporter)\n"
    )
    pytester.makepyfile(
        "import pytest\nfrom tests.printing.judged import UNJUDGED\ndef test_one():\n    pytest.skip(f'{UNJUDGED}: why')\n"
    )
    told = pytester.runpytest_subprocess("-p", "no:randomly").stdout.str()
    assert "= NOT JUDGED BY EMUPOS =" in told
    assert "1 tests of the bytes that printers get were skipped." in told
