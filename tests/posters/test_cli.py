from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from posters import cli

STORE = 'store_id = "S0001"\nmerchant = "老王便利店"\nurl = "https://q.example.cn/c/S0001"\n'


@pytest.fixture
def store_toml(tmp_path: Path) -> Path:
    path = tmp_path / "store.toml"
    path.write_text(STORE, "utf-8")
    return path


def test_make_then_check(store_toml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "s.pdf"
    assert (
        cli.main(["make", "stand-a6", "--data", str(store_toml), "-o", str(out), "--look", "fresh", "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["verdict"] == "printable"
    assert cli.main(["check", str(out), "--expect", "https://q.example.cn/c/S0001"]) == 0
    assert cli.main(["check", str(out), "--expect", "https://other.cn", "--json"]) == 1
    assert cli.main(["check", str(tmp_path / "absent.pdf")]) == 2


def test_templates_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["templates", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["templates"]
    sizes = {t["id"]: (t["width_mm"], t["height_mm"]) for t in found}
    assert sizes["poster-a4"] == (210, 297)
    assert sizes["tent-a6"] == (148, 105)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('store_id = "S1"\nmerchant = "老王\n', "store.toml line 2 is not valid TOML"),
        (STORE + 'phon = "1"\n', "line 4: there is no field phon; did you mean phone?"),
        (STORE + "phone = [1]\n", "line 4: phone must be text"),
    ],
)
def test_a_mistake_in_the_data_names_file_and_line(
    tmp_path: Path, text: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "store.toml").write_text(text, "utf-8")
    assert (
        cli.main(["make", "stand-a6", "--data", str(tmp_path / "store.toml"), "-o", str(tmp_path / "s.pdf")])
        == 2
    )
    assert told in capsys.readouterr().err
    assert not (tmp_path / "s.pdf").exists()


def test_bytes_that_are_not_utf8_name_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "store.toml").write_bytes(b'store_id = "S1"\nmerchant = "' + "老王".encode("gbk") + b'"\n')
    assert cli.main(["make", "stand-a6", "--data", str(tmp_path / "store.toml"), "-o", "x.pdf"]) == 2
    assert "line 2 is not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["make", "stand-a6"],
        ["nonsense"],
        ["make", "no-such", "--data", "{store}", "-o", "x.pdf"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--look", "nope"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--profile", "press-x4"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--profile", "outline", "--icc", "{store}"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--profile", "press-x4", "--icc", "{store}"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.tif"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--sheet", "a9"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--sheet", "a4", "--flip", "side"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--sheet", "a4", "--offset", "1"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--sheet", "a4", "--offset", "1,99"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--sheet", "a4", "--offset", "nan,1"],
        ["make", "poster-a3", "--data", "{store}", "-o", "x.pdf", "--sheet", "a4"],
        ["make", "poster-a3", "--data", "{store}", "-o", "x.pdf", "--sheet", "a3", "--tile", "a4"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--tile=a4"],
        ["make", "poster-a3", "--data", "{store}", "-o", "x.pdf", "--profile", "screen", "--tile=a4"],
        ["make", "stand-a6", "--data", "{store}", "-o", "x.pdf", "--prof", "office"],
        ["make", "stand-a6", "--data", "absent.toml", "-o", "x.pdf"],
        ["batch", "stand-a6", "{store}", "-o", "x", "--jobs", "0"],
        ["calibrate", "-o", "x.pdf", "--sheet", "b5"],
    ],
)
def test_wrong_usage_is_exit_2_and_one_sentence(
    arguments: list[str],
    store_toml: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main([a.replace("{store}", str(store_toml)) for a in arguments]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "Traceback" not in told
    assert not (tmp_path / "x.pdf").exists()


def test_a_refusal_is_exit_1_in_the_language_of_the_shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    (tmp_path / "store.toml").write_text(STORE.replace("老王", "老王😀"), "utf-8")
    out = tmp_path / "s.pdf"
    assert cli.main(["make", "stand-a6", "--data", str(tmp_path / "store.toml"), "-o", str(out)]) == 1
    assert "商户含无法印刷的字符 😀（U+1F600）" in capsys.readouterr().err
    assert not out.exists()


def test_an_unwritable_place_is_exit_4(store_toml: Path, tmp_path: Path) -> None:
    assert (
        cli.main(["make", "stand-a6", "--data", str(store_toml), "-o", str(tmp_path / "no" / "s.pdf")]) == 4
    )


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["make", "--help"])
    assert stop.value.code == 0
    told = capsys.readouterr().out
    for option in (
        "--look",
        "--profile",
        "--icc",
        "--sheet",
        "--flip",
        "--offset",
        "--tile",
        "--proof",
        "--preview",
    ):
        assert option in told


def test_the_command_runs_as_a_module(store_toml: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "posters", "make", "poster-a4", "--data", str(store_toml)]
    done = subprocess.run([*command, "-o", str(tmp_path / "p.pdf")], timeout=120, check=False)
    assert done.returncode == 0
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF-1.4")


@pytest.mark.parametrize("words", [["--offset", "-0.5,1"], ["--offset=-0.5,1"], ["--offset", "-.5,1.0"]])
def test_an_offset_may_begin_with_a_minus(words: list[str]) -> None:
    from posters import arguments

    given = ["make", "stand-a6", "--data", "s.toml", "-o", "x.pdf", "--sheet", "a4", *words]
    output = arguments.output_of(arguments.parser().parse_args(arguments.joined(given)))
    assert output.offset == (-0.5, 1.0)
