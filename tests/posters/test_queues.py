"""What is kept of each office printer, and the sheet that its figures are read from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pikepdf
import pytest

import posters
from posters import calibration, cli, queues
from posters.errors import UsageError

DATA = 'store_id = "S0001"\nmerchant = "老王便利店"\nurl = "https://q.example.cn/c/S0001"\n'


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "made" / "offsets.toml"
    monkeypatch.setenv(queues.ENVIRONMENT, str(path))
    return path


def test_an_offset_is_kept_by_queue_and_moves_the_backs(
    tmp_path: Path, kept: Path, store: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["offset", "hp.2", "1,1"]) == 0
    assert cli.main(["offset", "office", "-0.5,1.25"]) == 0
    assert queues.known(kept) == {"hp.2": (1.0, 1.0), "office": (-0.5, 1.25)}
    assert "office: backs move -0.5 mm right and 1.25 mm down" in capsys.readouterr().out
    assert cli.main(["offset", "hp.2"]) == 0
    (tmp_path / "s.toml").write_text(DATA)
    words = ["make", "stand-a6", "--data", str(tmp_path / "s.toml"), "--sheet", "a4", "-o"]
    for name, offset in (("kept", "office"), ("given", "-0.5,1.25"), ("none", "0,0")):
        assert cli.main([*words, str(tmp_path / f"{name}.pdf"), "--offset", offset]) == 0
    made = {name: (tmp_path / f"{name}.pdf").read_bytes() for name in ("kept", "given", "none")}
    assert made["kept"] == made["given"] != made["none"]


def test_mistakes_with_offsets_are_sentences(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["offset", "office"]) == 2
    assert "keeps no offset of office: print the sheet of calibrate" in capsys.readouterr().err
    assert cli.main(["offset", "office", "12,0"]) == 2
    assert cli.main(["offset", "-raw", "1,0"]) == 2
    assert not kept.exists(), "nothing wrong is kept"
    kept.parent.mkdir()
    for text, why in (
        ("office = [1]", "length 2"),
        ("office =", "not valid TOML"),
        ("office = [99, 0]", "at most 10"),
    ):
        kept.write_text(text)
        with pytest.raises(UsageError, match=why):
            queues.offset_of("office", kept)


@pytest.mark.parametrize(
    ("sheet", "flip", "tongue"), [("a4", "long", "C.UTF-8"), ("a3", "short", "zh_CN.UTF-8")]
)
def test_a_calibration_sheet_is_printed_and_nothing_that_only_looks_like_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sheet: str, flip: str, tongue: str
) -> None:
    monkeypatch.setenv("LC_ALL", tongue)
    program, told = tmp_path / "lp", tmp_path / "told.json"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\njson.dump(sys.argv[1:], open({str(told)!r}, 'w'))\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    out = tmp_path / "c.pdf"
    assert cli.main(["calibrate", "-o", str(out), "--sheet", sheet, "--flip", flip]) == 0
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert cli.main(["print", str(out), "--queue", "office"]) == 0
    words = json.loads(told.read_text())
    assert {f"sides=two-sided-{flip}-edge", "print-scaling=none", f"media={sheet.upper()}"} <= set(words)
    told.unlink()
    with pikepdf.Pdf.open(out) as pdf:
        pdf.pages[0].contents_add(b"0 0 0 1 k 60 60 10 10 re f")
        pdf.save(tmp_path / "like.pdf")
    assert cli.main(["print", str(tmp_path / "like.pdf"), "--queue", "office"]) == 1
    assert not told.exists()
    assert posters.check(out).verdict == "refuse", "it has no code"


def test_every_sheet_is_known_by_its_bytes() -> None:
    assert calibration.is_sheet(calibration.drawn("sra3", "short", "zh_CN"))
    assert not calibration.is_sheet(calibration.drawn("sra3", "short", "zh_CN") + b"\n")
