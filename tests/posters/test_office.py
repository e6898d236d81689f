"""The office printer: a stand-in for lp takes what CUPS would."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import posters
from posters import cli, office
from posters.errors import FailedError, UsageError


@pytest.fixture
def lp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an lp first in the path that writes its words down, and fails for the queue `broken`."""
    told = tmp_path / "told.json"
    home = tmp_path / "bin"
    home.mkdir()
    program = home / "lp"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"json.dump(sys.argv[1:], open({str(told)!r}, 'w'))\n"
        "if 'broken' in sys.argv: sys.exit('lp: The printer or class does not exist.')\n"
        "print('request id is office-7 (1 file(s))')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(home), prepend=":")
    return told


@pytest.mark.parametrize(
    ("template", "options", "sides", "media"),
    [
        ("stand-a6", {"sheet": "a4"}, "two-sided-long-edge", "A4"),
        ("stand-a6", {"sheet": "a3", "flip": "short"}, "two-sided-short-edge", "A3"),
        ("poster-a4", {}, "one-sided", "A4"),
        ("poster-a3", {"tile": "a4"}, "one-sided", "A4"),
        ("stand-a6", {}, "two-sided-long-edge", "Custom.125x168mm"),
    ],
)
def test_the_queue_gets_true_size_and_the_right_edge(
    store: dict[str, str],
    tmp_path: Path,
    lp: Path,
    template: str,
    options: dict[str, str],
    sides: str,
    media: str,
) -> None:
    out = tmp_path / "s.pdf"
    posters.make(template, store, out, **options)  # type: ignore[arg-type]
    assert office.send(out, "office", 2) == "request id is office-7 (1 file(s))"
    words = json.loads(lp.read_text())
    assert words[:4] == ["-d", "office", "-n", "2"]
    assert words[4:-2] == ["-o", f"sides={sides}", "-o", "print-scaling=none", "-o", f"media={media}"]
    assert words[-2:] == ["--", str(out)]


def test_only_what_passes_its_proof_is_handed_over(
    store: dict[str, str], tmp_path: Path, lp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "s.pdf"
    posters.make("stand-a6", store, out, sheet="a4")
    assert cli.main(["print", str(out), "--queue", "office"]) == 0
    assert "handed to the queue office: request id is office-7" in capsys.readouterr().out
    lp.unlink()
    (tmp_path / "bad.pdf").write_bytes(b"no pdf")
    assert cli.main(["print", str(tmp_path / "bad.pdf"), "--queue", "office"]) == 1
    assert not lp.exists()


def test_a_queue_that_refuses_is_a_sentence(store: dict[str, str], tmp_path: Path, lp: Path) -> None:
    out = tmp_path / "s.pdf"
    posters.make("poster-a4", store, out)
    with pytest.raises(FailedError, match="broken did not take the file: lp: The printer"):
        office.send(out, "broken")
    with pytest.raises(UsageError, match="no name of a print queue"):
        office.send(out, "-o raw")


def test_a_machine_without_cups_says_so(
    store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "s.pdf"
    posters.make("poster-a4", store, out)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FailedError, match="install cups-client"):
        office.send(out, "office")


def test_a_file_that_lies_about_its_codes_is_not_believed(store: dict[str, str], tmp_path: Path) -> None:
    import pikepdf

    posters.make("stand-a6", store, tmp_path / "s.pdf", sheet="a4")
    assert posters.check(tmp_path / "s.pdf").verdict == "printable"
    for claim in ("0 0", "1 1", "9 9", "2", "s s", "x y"):
        with pikepdf.Pdf.open(tmp_path / "s.pdf") as pdf:
            pdf.docinfo["/KioskCodes"] = claim
            pdf.save(tmp_path / "lie.pdf")
        assert posters.check(tmp_path / "lie.pdf").verdict == "refuse", claim


def test_a_file_without_any_code_is_never_printable(tmp_path: Path) -> None:
    import pikepdf

    with pikepdf.Pdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(300, 400))
        page.obj.TrimBox = page.obj.BleedBox = pikepdf.Array([0, 0, 300, 400])
        pdf.docinfo["/KioskCodes"] = "0"
        pdf.save(tmp_path / "empty.pdf")
    assert {f.code for f in posters.check(tmp_path / "empty.pdf").findings} == {"no-code"}
