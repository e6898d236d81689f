from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from posters import batch, cli
from posters.storefile import read_table

HARD = Path(__file__).with_name("stores-hard.csv")
HEAD = "store_id,merchant,url\n"


def run(table: Path, out: Path, *more: str) -> int:
    return cli.main(["batch", "stand-a6", str(table), "-o", str(out), "--jobs", "1", *more])


def report(out: Path) -> dict[str, dict[str, str]]:
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        return {row["store_id"]: row for row in csv.DictReader(file)}


def test_the_hard_rows_each_get_a_sane_verdict(tmp_path: Path) -> None:
    assert run(HARD, tmp_path) == 0
    rows = report(tmp_path)
    assert len(rows) == 12
    assert {k for k, r in rows.items() if r["verdict"] == "refuse"} == {"S0012"}
    assert rows["S0012"]["reason"].startswith(
        "line 13: merchant contains a character that cannot be printed: 😀"
    )
    for store, row in rows.items():
        assert (tmp_path / f"{store}.pdf").is_file() == (row["verdict"] != "refuse")
        assert row["file"] == ("" if row["verdict"] == "refuse" else f"{store}.pdf")


def test_a_second_run_makes_only_what_is_missing_or_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = tmp_path / "s.csv", tmp_path / "out"
    rows = [f"S{n},店{'甲乙丙丁'[n]},https://q.cn/{n}\n" for n in range(4)]
    table.write_text(HEAD + "".join(rows), "utf-8")
    assert run(table, out) == 0
    before = {p.name: p.stat().st_mtime_ns for p in out.glob("*.pdf")}
    rows[1] = "S1,新店,https://q.cn/1\n"
    table.write_text(HEAD + "".join(rows), "utf-8")
    (out / "S2.pdf").unlink()
    (out / "S3.pdf").write_bytes(b"damaged")
    capsys.readouterr()
    assert run(table, out) == 0
    assert "3 made now" in capsys.readouterr().out
    after = {p.name: p.stat().st_mtime_ns for p in out.glob("*.pdf")}
    assert before["S0.pdf"] == after["S0.pdf"]
    assert before["S1.pdf"] != after["S1.pdf"]
    assert (out / "S3.pdf").read_bytes().startswith(b"%PDF")
    assert run(table, out, "--look", "plain") == 0
    assert "4 made now" in capsys.readouterr().out


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, out = tmp_path / "s.csv", tmp_path / "out"
    table.write_text(HEAD + "".join(f"S{n},店,https://q.cn/{n}\n" for n in range(3)), "utf-8")
    real, made = batch.make_row, []

    def stops(order: batch.Order, row: batch.Row) -> tuple[batch.Outcome, str]:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(row.line)
        return real(order, row)

    monkeypatch.setattr(batch, "make_row", stops)
    assert run(table, out) == 130
    assert not (out / "report.csv").exists()
    assert len(list(out.glob("*.pdf"))) == 2
    with (out / batch.MANIFEST).open("a", encoding="utf-8") as file:
        file.write('{"store_id": "S2", "inp')
    made.clear()
    (out / ".S2.pdf.ab12cd_z.part").write_bytes(b"%PDF-1.4 half")
    (out / ".mine.part").write_bytes(b"not ours")
    assert run(table, out) == 0
    assert made == [4]
    assert [path.name for path in out.glob("*.part")] == [".mine.part"]
    assert len(report(out)) == 3


def test_workers_give_the_same_bytes_as_one_process(tmp_path: Path) -> None:
    table = tmp_path / "s.csv"
    table.write_text(
        HEAD + "".join(f"S{n},店,https://q.cn/{n}\n" for n in range(3)) + "S9,店😀,https://q.cn/9\n", "utf-8"
    )
    assert run(table, tmp_path / "one") == 0
    assert cli.main(["batch", "stand-a6", str(table), "-o", str(tmp_path / "two"), "--jobs", "2"]) == 0
    for path in (tmp_path / "one").glob("*.pdf"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    assert report(tmp_path / "one") == report(tmp_path / "two")


@pytest.mark.parametrize(
    ("rows", "store", "told"),
    [
        (
            "S1,老王,https://q.cn/1\nS1,老李,https://q.cn/2\n",
            "S1",
            "line 3: store_id S1 stands on line 2 already",
        ),
        ("S1,老王,有,逗号,https://q.cn/1\n", "S1", "more cells than the head (2 too many)"),
        ("S1,老王\n", "S1", "line 2: the field url is empty"),
        ("../etc,老王,https://q.cn/1\n", "../etc", "cannot name a file"),
        ('S1,"两\n行",nonsense\n', "S1", "line 2: url is not a web address"),
    ],
)
def test_a_bad_row_is_a_row_of_the_report(tmp_path: Path, rows: str, store: str, told: str) -> None:
    table, out = tmp_path / "s.csv", tmp_path / "out"
    table.write_text(HEAD + rows, "utf-8")
    assert run(table, out) == 0
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        reasons = [r for r in csv.DictReader(file) if r["store_id"] == store]
    assert told in reasons[-1]["reason"]
    assert reasons[-1]["verdict"] == "refuse"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "line 1, read as UTF-8, has no column store_id, merchant, url"),
        (b"merchant,url\nx,y\n", "has no column store_id"),
        (b"store_id,merchant,url,url\n", "url stands twice"),
        (b"PK\x03\x04\0\0", "is not a CSV"),
        (b'store_id,merchant,url\nS1,"open,https://q.cn\n', "line 2 is not CSV"),
        (b"\xff\xff", "neither UTF-8 nor GBK"),
        (b"\xff\xfes\x00t", "begins as UTF-16 and does not go on so"),
        ("商户,网址\n".encode("gb18030"), "line 1, read as GB18030, has no column store_id"),
    ],
)
def test_an_unreadable_table_is_exit_2(
    tmp_path: Path, data: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "s.csv"
    table.write_bytes(data)
    assert run(table, tmp_path / "out") == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


MARKED = ("utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", ""), ("gb18030", ""), *((encoding, "\ufeff") for encoding in MARKED)]
)
def test_excel_saves_in_any_of_these(tmp_path: Path, encoding: str, mark: str) -> None:
    table = tmp_path / "s.csv"
    text = mark + 'store_id,merchant,url,备注\r\nS1,"“引号”,店",https://q.cn/1,x\r\n'
    table.write_bytes(text.encode(encoding))
    found = read_table(table)
    assert found.rows[0].data == {"store_id": "S1", "merchant": "“引号”,店", "url": "https://q.cn/1"}
    assert found.ignored == ["备注"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_place_that_fails_half_way_keeps_what_is_whole_and_goes_on(tmp_path: Path, jobs: str) -> None:
    table, out = tmp_path / "s.csv", tmp_path / "out"
    rows = [f"S{n},店,https://q.cn/{n}\n" for n in range(6)]
    table.write_text(HEAD + "".join(rows), "utf-8")
    assert run(table, out, "--jobs", jobs) == 0
    whole = {path.name: path.read_bytes() for path in out.glob("*.pdf")}
    for name in ("S3.pdf", "S4.pdf", "S5.pdf"):
        (out / name).unlink()
    (out / "S4.pdf").mkdir()  # what the fifth file cannot replace
    assert run(table, out, "--jobs", jobs) == 4
    for name in ("S0.pdf", "S1.pdf", "S2.pdf"):
        assert (out / name).read_bytes() == whole[name]
    assert list(out.glob(".*.part")) == []
    (out / "S4.pdf").rmdir()
    assert run(table, out, "--jobs", jobs) == 0
    assert {path.name: path.read_bytes() for path in out.glob("*.pdf")} == whole


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("store_id\tmerchant\turl\nS1\tA, B\thttps://q.cn/1\n", 2),
        ("store_id;merchant;url\r\nS1;A, B;https://q.cn/1\r\n", 2),
        ("sep=;\r\nstore_id;merchant;url\r\nS1;A, B;https://q.cn/1\r\n", 3),
        ('"sep=|"\nstore_id|merchant|url\nS1|A, B|https://q.cn/1\n', 3),
    ],
)
def test_cells_may_be_parted_by_other_than_commas(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "s.csv").write_text(text, "utf-8", newline="")
    rows = read_table(tmp_path / "s.csv").rows
    assert [(row.line, row.data["merchant"]) for row in rows] == [(line, "A, B")]


@pytest.mark.prove
def test_a_batch_that_was_killed_goes_on_and_leaves_no_part(tmp_path: Path) -> None:
    table, out = tmp_path / "s.csv", tmp_path / "out"
    table.write_text(HEAD + "".join(f"S{n},店,https://q.cn/{n}\n" for n in range(40)), "utf-8")
    command = [sys.executable, "-m", "posters.cli", "batch", "stand-a6", str(table), "-o", str(out)]
    with subprocess.Popen([*command, "--jobs", "2"], start_new_session=True) as running:
        deadline = time.monotonic() + 60
        while len(list(out.glob("*.pdf"))) < 3 and time.monotonic() < deadline:
            running.poll()
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGKILL)
    made = list(out.glob("*.pdf"))
    assert 3 <= len(made) < 40
    assert all(path.read_bytes().rstrip().endswith(b"%%EOF") for path in made), "no file is half there"
    done = subprocess.run([*command, "--jobs", "2"], capture_output=True, text=True, timeout=180, check=True)
    assert f"{40 - len(made)} made now" in done.stdout or f"{41 - len(made)} made now" in done.stdout
    assert len(list(out.glob("*.pdf"))) == 40
    assert list(out.glob("*.part*")) == []


@pytest.mark.skipif(
    os.geteuid() == 0 and not Path("/dev/full").exists(), reason="needs a place that cannot be written"
)
def test_a_place_that_cannot_be_written_is_exit_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_bytes(b"a file")
    assert run(HARD, tmp_path / "out") == 4
    assert "cannot be made" in capsys.readouterr().err
