"""Many stores in one piece: common sheets in the order of the table, each code read back; one archive."""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pikepdf
import pytest
import zxingcpp
from PIL import Image

import posters
from posters import cli, gang, raster
from posters.drawing import Job
from posters.ops import Draft
from posters.symbol import Symbol

HEAD = "store_id,merchant,url\n"


def table(path: Path, count: int) -> Path:
    path.write_text(HEAD + "".join(f"S{n},店{n},https://q.cn/{n}\n" for n in range(count)), "utf-8")
    return path


def batch(template: str, stores: Path, out: Path, *more: str) -> int:
    return cli.main(["batch", template, str(stores), "-o", str(out), "--jobs", "1", *more])


@pytest.mark.parametrize(
    ("template", "per_sheet", "sides"), [("stand-a6", 4, 2), ("tent-a6", 1, 1), ("sticker-80", 12, 1)]
)
def test_stores_share_sheets_in_the_order_of_the_table(
    tmp_path: Path, template: str, per_sheet: int, sides: int
) -> None:
    out = tmp_path / "all.pdf"
    assert (
        batch(template, table(tmp_path / "s.csv", 5), tmp_path / "d", "--sheet", "a3", "--together", str(out))
        == 0
    )
    pages = raster.pages(out.read_bytes(), 100)
    read = [sorted(c.text for c in zxingcpp.read_barcodes(page)) for page in pages]
    faces = 2 if template == "tent-a6" else 1
    wanted = [f"https://q.cn/{n}" for n in range(5)]
    groups = [sorted(wanted[n : n + per_sheet] * faces) for n in range(0, 5, per_sheet)]
    assert read == [group for group in groups for _ in range(sides)]
    assert posters.check(out).verdict == "printable"
    with pikepdf.Pdf.open(out) as pdf:
        assert pdf.check_pdf_syntax() == []
    assert sorted(p.name for p in (tmp_path / "d").glob("*.pdf")) == [f"S{n}.pdf" for n in range(5)]
    with pikepdf.Pdf.open(tmp_path / "d" / "S0.pdf") as pdf:
        assert float(pdf.pages[0].mediabox[2]) < 700, "a store's own file is the piece alone"


def test_a_store_on_anothers_place_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = gang.art_of_many

    def twice(jobs: list[Job]) -> tuple[bytes, Draft, list[Symbol]]:
        raw, draft, _ = real([jobs[0], *jobs[:-1]])
        return raw, draft, real(jobs)[2]

    monkeypatch.setattr(gang, "art_of_many", twice)
    out = tmp_path / "all.pdf"
    stores = table(tmp_path / "s.csv", 5)
    assert batch("sticker-80", stores, tmp_path / "d", "--sheet", "a4", "--together", str(out)) == 1
    assert not out.exists()


def test_many_stores_are_cut_into_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gang, "PART", 3)
    out = tmp_path / "all.pdf"
    stores = table(tmp_path / "s.csv", 5)
    assert batch("sticker-80", stores, tmp_path / "d", "--sheet", "a4", "--together", str(out)) == 0
    found = [
        face.payload for name in ("all.pdf", "all-2.pdf") for face in posters.check(tmp_path / name).faces
    ]
    assert sorted(found) == [f"https://q.cn/{n}" for n in range(5)]


def test_together_needs_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stores = table(tmp_path / "s.csv", 1)
    assert batch("stand-a6", stores, tmp_path / "d", "--together", str(tmp_path / "all.pdf")) == 2
    assert "name them with --sheet" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def test_the_archive_holds_every_file_and_the_report_and_repeats_itself(tmp_path: Path) -> None:
    stores = table(tmp_path / "s.csv", 3)
    with stores.open("a", encoding="utf-8") as file:
        file.write("S9,店😀,https://q.cn/9\n")
    digests = set()
    for name in ("a", "b"):
        assert batch("sticker-80", stores, tmp_path / name, "--zip", str(tmp_path / f"{name}.zip")) == 0
        digests.add(hashlib.sha256((tmp_path / f"{name}.zip").read_bytes()).hexdigest())
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert packed.namelist() == ["S0.pdf", "S1.pdf", "S2.pdf", "report.csv"]
        assert packed.testzip() is None
        assert packed.read("S1.pdf") == (tmp_path / "a" / "S1.pdf").read_bytes()
    assert len(digests) == 1
    assert batch("sticker-80", stores, tmp_path / "a", "--zip", str(tmp_path / "no" / "a.zip")) == 4
    assert not list(tmp_path.glob("*.part"))


def test_a_disk_that_fills_up_leaves_no_half_file(tmp_path: Path) -> None:
    stores = table(tmp_path / "s.csv", 3)
    command = [
        sys.executable,
        "-m",
        "posters.cli",
        "batch",
        "stand-a6",
        str(stores),
        "-o",
        str(tmp_path / "d"),
        "--jobs",
        "1",
    ]

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))  # bytes: less than a stand takes

    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, preexec_fn=small_disk
    )
    assert done.returncode == 4
    assert "could not be written" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list((tmp_path / "d").glob("*.pdf"))
    assert not list((tmp_path / "d").glob("*.part"))
    assert batch("stand-a6", stores, tmp_path / "d") == 0, "and the same command goes on when there is room"


def test_the_second_link_of_a_store_is_a_row_of_the_report(tmp_path: Path) -> None:
    stores = table(tmp_path / "s.csv", 2)
    assert batch("sticker-80", stores, tmp_path / "d") == 0
    stores.write_text(HEAD + "S0,店0,https://q.cn/new\nS1,店1,https://q.cn/1\n", "utf-8")
    assert batch("sticker-80", stores, tmp_path / "d") == 0
    report = (tmp_path / "d" / "report.csv").read_text("utf-8")
    assert "S0,refuse,,line 2: sticker-80 of S0 was printed with https://q.cn/0" in report
    stores.write_text("store_id,merchant,url,revision\nS0,店0,https://q.cn/new,2\n", "utf-8")
    assert batch("sticker-80", stores, tmp_path / "d") == 0
    assert posters.check(tmp_path / "d" / "S0.pdf", "https://q.cn/new").verdict == "printable"


def test_stores_on_common_sheets_share_their_fonts_and_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (700, 460), (20, 60, 200)).save(tmp_path / "brand.jpg")
    Image.new("RGB", (700, 460), (200, 60, 20)).save(tmp_path / "shop.jpg")
    stores = tmp_path / "s.csv"
    rows = [
        f"S{n},店{'甲乙丙丁戊己'[n]},https://q.cn/{n},{'shop.jpg' if n == 3 else ''},brand.jpg\n"
        for n in range(6)
    ]
    stores.write_text("store_id,merchant,url,image,merchant_image\n" + "".join(rows), "utf-8")
    out = tmp_path / "all.pdf"
    assert (
        batch(
            "stand-a6", stores, tmp_path / "d", "--sheet", "sra3", "--together", str(out), "--look", "fresh"
        )
        == 0
    )
    with pikepdf.Pdf.open(out) as pdf:
        streams = [o for o in pdf.objects if isinstance(o, pikepdf.Stream)]
        assert sum(o.get("/Subtype") == "/Image" for o in streams) == 2
        fonts = {
            str(o.BaseFont)[7:]
            for o in pdf.objects
            if isinstance(o, pikepdf.Dictionary) and "/FontFile2" in o.get("/FontDescriptor", {})
        }
    assert len(fonts) <= 5, "four weights, and that of the notes on the sheet"
    assert out.stat().st_size < 0.6 * sum(p.stat().st_size for p in (tmp_path / "d").glob("*.pdf"))
    page = raster.pages(out.read_bytes(), 25.4)[0]
    orange = sum(r > b + 100 for r, _, b in page.get_flattened_data())
    blue = sum(b > r + 100 for r, _, b in page.get_flattened_data())
    assert orange == pytest.approx(blue / 5, rel=0.1), "one store's own picture, five times the merchant's"
