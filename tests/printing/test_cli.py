"""`kiosk slip`: render, print, schema; exit codes and one-sentence errors."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kiosk.cli import main
from kiosk.printing.slip import parse_slip
from simulators.escpos import EscposPrinterSim
from tests.printing.test_slip import EXAMPLE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "slip.json"
    path.write_text(EXAMPLE, "utf-8")
    return path


@pytest.mark.parametrize(
    ("to", "start"),
    [
        ("escpos", b"\x1b@\x1c&"),
        ("feie", b"<CB><BOLD>"),
        ("yilianyun", b"<center><FS2>"),
        ("png", b"\x89PNG"),
        ("text", b" "),
    ],
)
def test_render(
    file: Path, tmp_path: Path, to: str, start: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out", tmp_path / "report.json"
    assert main(["slip", "render", str(file), "--to", to, "-o", str(out), "--report", str(report)]) == 0
    assert out.read_bytes().startswith(start)
    told = json.loads(report.read_text("utf-8"))
    assert set(told) == {"lost", "degraded", "columns", "height_dots"}
    assert told["columns"] == 32
    assert (told["height_dots"] is not None) is (to == "png")
    shown = capsys.readouterr().err.splitlines()
    assert shown == [*told["lost"], *told["degraded"]], "what is lost is said on the terminal too"
    assert not list(tmp_path.glob("*.new")), "files are whole or not there"


def test_render_for_80_mm_and_without_a_chinese_font(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert main(["slip", "render", str(file), "--to", "png", "--profile", "generic-80", "-o", str(out)]) == 0
    with Image.open(out) as picture:
        assert picture.width == 576
    assert (
        main(["slip", "render", str(file), "--to", "escpos", "--profile", "graphic-safe", "-o", str(out)])
        == 0
    )
    assert b"\x1dv0\x00" in out.read_bytes()


def test_render_to_standard_output(file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kiosk", "slip", "render", str(file), "--to", "text", "-o", "-"], capture_output=True, timeout=60, cwd=Path.cwd()
    )  # fmt: skip
    assert done.returncode == 0
    assert "老王便利店" in done.stdout.decode()
    assert "1234 5678" in done.stdout.decode()


def test_a_logo_of_the_shop(file: Path, tmp_path: Path) -> None:
    Image.new("1", (100, 50), 0).save(tmp_path / "store.png")
    report = tmp_path / "r.json"
    words = [
        "slip",
        "render",
        str(file),
        "--to",
        "escpos",
        "-o",
        str(tmp_path / "out"),
        "--report",
        str(report),
    ]
    assert main(words) == 0
    assert any("logo 'store'" in note for note in json.loads(report.read_text())["lost"])
    assert main([*words, "--logos", str(tmp_path)]) == 0
    assert json.loads(report.read_text())["lost"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "pdf", "-o", "x"], "--to"),
        (["--to", "png"], "-o"),
        (["--to", "png", "-o", "x", "--profile", "epson"], "generic-58"),
    ],
)
def test_bad_words_are_usage(
    file: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["slip", "render", str(file), *words])
    except SystemExit as err:
        code = err.code  # type: ignore[assignment]
    assert code == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_a_bad_slip_is_usage_and_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, out = tmp_path / "bad.json", tmp_path / "out"
    bad.write_text('{"elements": [{"type": "qr", "data": "x", "level": "X"}]}')
    assert main(["slip", "render", str(bad), "--to", "png", "-o", str(out)]) == 2
    assert "bad.json: elements[0].level = 'X'" in capsys.readouterr().err
    assert not out.exists()
    assert main(["slip", "render", str(tmp_path / "none.json"), "--to", "png", "-o", str(out)]) == 2


def test_a_place_that_cannot_be_written(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["slip", "render", str(file), "--to", "png", "-o", str(tmp_path / "no" / "out.png")]) == 4
    assert "cannot be written" in capsys.readouterr().err


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slip", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$ref"] == "#/$defs/Slip"


async def _print(file: Path, url: str, *words: str) -> tuple[int, dict[str, Any], str]:
    """Run `kiosk slip print` as a shop does: another process."""
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk", "slip", "print", str(file), "--printer", url, "--json", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    out, err = await asyncio.wait_for(run.communicate(), 60)
    assert run.returncode is not None
    return run.returncode, json.loads(out) if out else {}, err.decode()


async def test_print(file: Path, sim: EscposPrinterSim) -> None:
    code, told, _ = await _print(file, f"tcp://127.0.0.1:{sim.port}")
    assert code == 0
    assert told["outcome"] == "printed"
    assert told["sent"] > 100
    assert set(told["report"]) == {"lost", "degraded", "columns", "height_dots"}
    (made,) = sim.slips
    assert made.errors == []
    assert made.qr[0]["data"] == "https://q.example.cn/c/S0001"
    assert made.barcodes[0]["data"] == "12345678901234567890"


@pytest.mark.parametrize(
    ("fault", "code", "outcome", "reason"),
    [
        ("runs_out", 3, "unknown", "blocked"),
        ("reset_mid_job", 3, "unknown", "gone"),
        ("paper_out", 4, "failed", "blocked"),
    ],
)
async def test_print_says_how_it_ended(
    file: Path, sim: EscposPrinterSim, fault: str, code: int, outcome: str, reason: str
) -> None:
    sim.set_fault(fault)
    ended, told, err = await _print(file, f"tcp://127.0.0.1:{sim.port}")
    assert (ended, told["outcome"], told["reason"]) == (code, outcome, reason)
    assert "Traceback" not in err


async def test_print_on_nothing_fails_before_the_first_byte(file: Path, unused_tcp_port: int) -> None:
    code, told, _ = await _print(file, f"tcp://127.0.0.1:{unused_tcp_port}")
    assert (code, told["outcome"], told["reason"], told["sent"]) == (4, "failed", "not_present", 0)


async def test_print_to_pictures(file: Path, tmp_path: Path) -> None:
    code, told, _ = await _print(file, f"virtual://{tmp_path / 'slips'}", "--profile", "generic-80")
    assert code == 0
    (made,) = (tmp_path / "slips").iterdir()
    with Image.open(io.BytesIO(made.read_bytes())) as picture:
        assert picture.width == 576
        assert picture.height == told["report"]["height_dots"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--printer", "ftp://x"], "no printer address"), (["--printer", "tcp://h", "--wait", "0"], "--wait")],
)
def test_print_with_bad_words(
    file: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["slip", "print", str(file), *words]) == 2
    assert said in capsys.readouterr().err


def test_the_example_stays_the_references(file: Path) -> None:
    assert len(parse_slip(file.read_bytes()).elements) == 9
