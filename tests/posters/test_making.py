from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pikepdf
import pytest
import zxingcpp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import posters
from posters.errors import FailedError, RefusedError, UsageError

from .conftest import picture

MM = 72 / 25.4


def test_the_same_input_gives_the_same_bytes(store: dict[str, str], tmp_path: Path) -> None:
    first = posters.make("stand-a6", store, tmp_path / "a.pdf", profile="press-x1a")
    posters.make("poster-a4", {**store, "merchant": "别的店"}, tmp_path / "other.pdf")
    second = posters.make("stand-a6", store, tmp_path / "b.pdf", profile="press-x1a")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert first.sha256 == second.sha256
    assert (tmp_path / "a.pdf").stat().st_size < 60_000


def test_every_process_makes_the_same_bytes(store: dict[str, str], tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (300, 300), (200, 30, 30, 128)).save(logo)
    script = (
        "import json, sys, posters, pathlib; out = pathlib.Path(sys.argv[2]);"
        "print(posters.make('stand-a6', json.loads(sys.argv[1]), out, profile='press-x1a', proof=out.with_suffix('.json')).sha256)"
    )
    data = json.dumps({**store, "merchant": "𠮷野家 Café", "logo": str(logo), "image": str(logo)})
    for seed in ("1", "2"):
        command = [sys.executable, "-c", script, data, str(tmp_path / f"{seed}.pdf")]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, timeout=120)
    assert (tmp_path / "1.pdf").read_bytes() == (tmp_path / "2.pdf").read_bytes()
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def test_press_has_boxes_intent_and_no_viewer_wishes(good_pdf: Path) -> None:
    with pikepdf.Pdf.open(good_pdf) as pdf:
        assert pdf.pdf_version == "1.4"
        assert str(pdf.docinfo["/GTS_PDFXVersion"]) == "PDF/X-1a:2003"
        assert str(pdf.docinfo["/Trapped"]) == "/False"
        assert str(pdf.docinfo["/CreationDate"]).startswith("D:2026")
        assert str(pdf.Root.OutputIntents[0].OutputConditionIdentifier) == "FOGRA39"
        assert "/ViewerPreferences" not in pdf.Root
        assert b"dc:title" in pdf.Root.Metadata.read_bytes()
        for page in pdf.pages:
            trim, bleed = ([float(v) / MM for v in box] for box in (page.trimbox, page.bleedbox))
            assert [trim[2] - trim[0], trim[3] - trim[1]] == pytest.approx([105, 148], abs=0.01)
            assert [bleed[2] - bleed[0], bleed[3] - bleed[1]] == pytest.approx([111, 154], abs=0.01)
            assert "/ArtBox" not in page.obj


def test_office_asks_for_true_size_and_both_sides(store: dict[str, str], tmp_path: Path) -> None:
    posters.make("stand-a6", store, tmp_path / "a.pdf")
    posters.make("poster-a4", store, tmp_path / "b.pdf")
    with pikepdf.Pdf.open(tmp_path / "a.pdf") as pdf:
        assert str(pdf.Root.ViewerPreferences.PrintScaling) == "/None"
        assert str(pdf.Root.ViewerPreferences.Duplex) == "/DuplexFlipLongEdge"
    with pikepdf.Pdf.open(tmp_path / "b.pdf") as pdf:
        assert [float(v) / MM for v in pdf.pages[0].mediabox] == pytest.approx([0, 0, 210, 297], abs=0.01)


def test_proof_and_preview(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make(
        "stand-a6",
        store,
        tmp_path / "a.pdf",
        look="fresh",
        proof=tmp_path / "p.json",
        preview=tmp_path / "v.png",
    )
    assert result.verdict == "printable"
    assert result.file == tmp_path / "a.pdf"
    proof = json.loads((tmp_path / "p.json").read_text("utf-8"))
    assert {"verdict", "faces", "fonts", "findings"} <= set(proof)
    assert [face["page"] for face in proof["faces"]] == [1, 2]
    assert {"payload", "level", "version", "module_mm", "quiet_modules", "k_only", "gates"} <= set(
        proof["faces"][0]
    )
    found = zxingcpp.read_barcodes(picture(tmp_path / "v.png"))
    assert [code.text for code in found] == [store["url"]] * 2


def test_the_preview_of_a_sticker_is_round(store: dict[str, str], tmp_path: Path) -> None:
    posters.make("sticker-80", store, tmp_path / "a.pdf", preview=tmp_path / "v.png")
    shown = picture(tmp_path / "v.png")
    assert shown.getpixel((30, 30)) == shown.getpixel((2, 2)), "its corner is ground"
    assert shown.getpixel((shown.width // 2, 30)) != shown.getpixel((2, 2))


def test_screen_writes_a_picture_a_face(store: dict[str, str], tmp_path: Path) -> None:
    posters.make("stand-a6", store, tmp_path / "chat.png", profile="screen")
    assert picture(tmp_path / "chat.png").width == 1080
    assert [c.text for c in zxingcpp.read_barcodes(picture(tmp_path / "chat-2.png"))] == [store["url"]]


def test_a_refusal_leaves_nothing_and_keeps_what_was_there(store: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "a.pdf"
    out.write_bytes(b"older")
    result = posters.make(
        "stand-a6", {**store, "url": "nonsense"}, out, proof=tmp_path / "p.json", preview=tmp_path / "v.png"
    )
    assert result.verdict == "refuse"
    assert result.file is None
    assert out.read_bytes() == b"older"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pdf", "p.json"]


def test_a_failed_proof_leaves_nothing(
    store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from posters import render

    monkeypatch.setattr(render, "merged", lambda *_: [(0, 0, 7, 7)])
    result = posters.make("stand-a6", store, tmp_path / "a.pdf")
    assert result.verdict == "refuse"
    assert {f.code for f in result.findings} == {"no-code"}
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_exit_4_and_leaves_no_part(store: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "p.json").mkdir()
    with pytest.raises(FailedError, match="could not be written"):
        posters.make("stand-a6", store, tmp_path / "missing" / "a.pdf")
    with pytest.raises(FailedError, match="could not be written"):
        posters.make("stand-a6", store, tmp_path / "a.pdf", proof=tmp_path / "p.json")
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".part")]


def test_a_long_link_must_be_confirmed(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make(
        "stand-a6", {**store, "url": "https://q.example.cn/c/" + "x" * 20}, tmp_path / "a.pdf"
    )
    assert result.verdict == "confirm"
    assert (tmp_path / "a.pdf").exists()
    assert "43 bytes, more than 32" in result.findings[0].say()


def test_a_code_too_dense_is_refused(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make(
        "stand-a6", {**store, "url": "https://q.example.cn/" + "x" * 450}, tmp_path / "a.pdf"
    )
    assert result.verdict == "refuse"
    assert result.findings[0].code == "density"


def test_a_profile_that_is_not_there_is_a_usage_error(store: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no profile prss; there are office, press-x1a"):
        posters.make("stand-a6", store, tmp_path / "a.pdf", profile="prss")


def test_a_picture_of_a_press_file_is_a_usage_error(store: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs the profile screen"):
        posters.make("stand-a6", store, tmp_path / "a.png", profile="press-x1a")


def test_results_and_errors_cross_from_a_worker_process(store: dict[str, str], tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        good = pool.submit(posters.make, "stand-a6", store, tmp_path / "a.pdf").result(60)
        assert good == posters.make("stand-a6", store, tmp_path / "a.pdf")
        with pytest.raises(UsageError, match=r"there is no template \{x\}") as usage:
            pool.submit(posters.make, "{x}", store, tmp_path / "a.pdf").result(60)
        assert "没有模板 {x}" in usage.value.say("zh_CN")
        with pytest.raises(FailedError, match="could not be written"):
            pool.submit(posters.make, "stand-a6", store, tmp_path / "no" / "a.pdf").result(60)
    refused = RefusedError("url", "url", "url is not {x}", x="{}")
    again = pickle.loads(pickle.dumps(refused))
    assert (again.code, again.where, str(again)) == ("url", "url", "url is not {}")


def test_an_unknown_field_is_a_usage_error(store: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean phone"):
        posters.make("stand-a6", {**store, "phon": "1"}, tmp_path / "a.pdf")


def test_a_broken_animated_or_missing_logo_is_named(store: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    for name in ("broken.png", "moving.gif", "absent.png"):
        result = posters.make("stand-a6", {**store, "logo": str(tmp_path / name)}, tmp_path / "a.pdf")
        assert result.verdict == "refuse"
        assert name in result.findings[0].say()
        assert result.findings[0].where == "logo"


def test_a_coarse_picture_must_be_confirmed_and_a_huge_one_is_cut_down(
    store: dict[str, str], tmp_path: Path
) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "small.png")
    result = posters.make("poster-a4", {**store, "logo": str(tmp_path / "small.png")}, tmp_path / "a.pdf")
    assert result.verdict == "confirm"
    assert result.findings[0].code == "dpi"
    Image.effect_noise((3600, 2400), 80).save(tmp_path / "huge.jpg")
    result = posters.make("poster-a4", {**store, "image": str(tmp_path / "huge.jpg")}, tmp_path / "b.pdf")
    assert result.verdict == "printable"
    with pikepdf.Pdf.open(tmp_path / "b.pdf") as pdf:
        widths = [int(o.Width) for o in pdf.objects if isinstance(o, pikepdf.Stream) and "/Width" in o]
    assert max(widths) == pytest.approx(216 / 25.4 * 300, rel=0.01)


def test_an_amount_in_the_headline_is_noted(store: dict[str, str], tmp_path: Path) -> None:
    result = posters.make("stand-a6", {**store, "headline": "满10减1元"}, tmp_path / "a.pdf")
    assert result.verdict == "printable"
    assert [(f.level, f.code) for f in result.findings] == [("note", "amount")]


def test_the_proof_holds_every_decision_to_set_type_smaller(store: dict[str, str], tmp_path: Path) -> None:
    long = {**store, "merchant": "一家名字特别特别长的社区团购生鲜水果蔬菜便利连锁超市"}
    posters.make("stand-a6", long, tmp_path / "a.pdf", look="fresh", proof=tmp_path / "p.json")
    decisions = {d["field"]: d for d in json.loads((tmp_path / "p.json").read_text("utf-8"))["autoshrink"]}
    assert decisions["merchant"]["wanted_pt"] == 13
    assert 7 <= decisions["merchant"]["used_pt"] < 13
    assert "merchant" not in {
        s.field for s in posters.make("stand-a6", store, tmp_path / "a.pdf", look="fresh").shrunk
    }


def test_importing_posters_is_light() -> None:
    code = (
        "import sys, posters; posters.make; posters.templates();"
        "heavy = {'reportlab', 'PIL', 'pikepdf', 'pypdfium2', 'zxingcpp', 'uharfbuzz'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(merchant=st.text(max_size=50), headline=st.text(st.characters(codec="gb2312"), max_size=30))
def test_no_data_breaks_the_maker(tmp_path: Path, merchant: str, headline: str) -> None:
    data = {"store_id": "S1", "merchant": merchant, "headline": headline, "url": "https://q.cn/1"}
    result = posters.make("stand-a6", data, tmp_path / "a.pdf", look="plain")
    assert result.verdict in ("printable", "confirm") or result.findings[0].say()
