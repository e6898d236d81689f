"""The display follows the shop's hours; three answers are three things."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.screen.power import AGAIN_S, Answer, Power, cec, outputs
from tests.screen.test_keeper import script


class Bench:
    def __init__(self, tmp_path: Path, *answers: Answer) -> None:
        (tmp_path / "cec0").touch()
        self.answers, self.told, self.clock = list(answers), [], 0.0  # type: ignore[var-annotated]
        self.power = Power(dev=tmp_path, tell=self._tell, switch=lambda lit: "cannot", now=lambda: self.clock)

    def _tell(self, adapter: Path, lit: bool) -> Answer:
        self.told.append((adapter.name, lit))
        return self.answers.pop(0) if self.answers else "done"


def test_a_display_is_told_once_when_the_shop_closes_and_once_when_it_opens(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for lit in (True, True, False, False, False, True, True):
        bench.power.follow(lit)
        bench.clock += 2
    assert bench.told == [("cec0", False), ("cec0", True)]


def test_one_that_nobody_answered_for_is_told_again_but_not_stormed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "nobody", "nobody", "done")
    for _ in range(200):
        bench.power.follow(False)
        bench.clock += 1
    assert len(bench.told) == 3
    bench.clock += AGAIN_S
    bench.power.follow(False)
    assert len(bench.told) == 3


def test_one_that_cannot_be_asked_is_left_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "cannot")
    for _ in range(200):
        bench.power.follow(False)
        bench.clock += 1
    assert len(bench.told) == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('echo "$@" > "$0.log"', "done"),
        ("echo 'Tx, Not Acknowledged (1)'", "nobody"),
        ("exit 1", "nobody"),
        ("exec sleep 100", "nobody"),
    ],
)
def test_cec_has_three_answers(
    text: str, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.screen.power.ASK_S", 0.5)
    (tmp_path / "cec0").touch()
    program = script(tmp_path / "cec-ctl", text)
    assert cec(tmp_path / "cec0", False, program) == answer
    if answer == "done":
        assert "--standby" in (tmp_path / "cec-ctl.log").read_text()
    assert cec(tmp_path / "cec9", False, program) == "cannot"
    assert cec(tmp_path / "cec0", False, str(tmp_path / "nothing")) == "cannot"


def test_outputs_are_switched_where_the_compositor_lets_itself_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert outputs(False) == "cannot"
    script(tmp_path / "wlopm", 'echo "$@" > "$0.log"')
    assert outputs(False) == "done"
    assert (tmp_path / "wlopm.log").read_text() == "--off *\n"
    script(tmp_path / "wlopm", "exit 1")
    assert outputs(True) == "nobody"
