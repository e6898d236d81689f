"""Stands: the store's own words in the preview at once, an offer from a batch, the office printer, the mail to a print shop."""

from __future__ import annotations

import asyncio
import io
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest
from PIL import Image

from kiosk.web import own_stands
from kiosk.web.stand_ledger import LEDGER
from tests.browser import Tabs, until
from tests.web.rig import rig
from tests.web.test_staff import Staff, staff
from tests.web.test_staff_browser import console

__all__ = ["staff"]
LPSTAT = "#!/bin/sh\n[ \"$1\" = -e ] && printf 'office\\nback-room\\n'\n"
LP = '#!/bin/sh\necho "$@" >>"$0.log"\n[ -e "$0.jam" ] && { echo "lp: The printer is jammed." >&2; exit 1; }\necho "request id is office-7 (1 file(s))"\n'


@pytest.fixture
def cups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a print system on the path: two queues, and a log of what they were given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("lp", LP), ("lpstat", LPSTAT)):
        (folder / name).write_text(text, "ascii")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


async def made(staff: Staff, **more: str) -> dict[str, object]:
    status, told = await staff.do("poster", {"template": "stand-a6", **more})
    assert status == 200, told
    return dict(told)


async def test_the_office_printer_gets_the_file_unscaled_and_says_when_it_does_not(
    staff: Staff, cups: Path
) -> None:
    name = (await made(staff))["name"]
    assert "<option>back-room</option>" in await staff.page(path="/staff/stands")
    body = {"name": name, "queue": "office", "copies": 2}
    assert (await staff.do("office-print", body))[1]["ok"] is True
    words = (cups / "lp.log").read_text("ascii").split()
    assert words[:4] == ["-d", "office", "-n", "2"]
    assert {"print-scaling=none", "sides=two-sided-long-edge"} <= set(
        words
    ) or "sides=two-sided-short-edge" in words
    assert words[-1].endswith(f"{name}.pdf")
    (cups / "lp.jam").touch()
    told = (await staff.do("office-print", body))[1]
    assert (told["ok"], "jammed" in told["message"]) == (False, True)
    for wrong in ({**body, "queue": "gone"}, {**body, "name": "stand-a6-gone"}):
        assert (await staff.do("office-print", wrong))[1]["ok"] is False
    for wrong in ({**body, "queue": "-o raw"}, {**body, "name": "../x"}, {**body, "copies": 0}):
        assert (await staff.do("office-print", wrong))[0] == 400
    assert len((cups / "lp.log").read_text("ascii").splitlines()) == 2


async def test_without_a_print_system_the_page_says_so(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "没有设置办公打印机" in await staff.page(path="/staff/stands")
    told = (await staff.do("office-print", {"name": "stand-a6-x", "queue": "office"}))[1]
    assert told["ok"] is False


async def test_an_offer_comes_from_the_batch_and_its_revision_counts(staff: Staff) -> None:
    page = await staff.page(path="/staff/stands")
    assert 'value="stand-a6-offer" data-offer' in page
    offer = {"template": "stand-a6-offer", "amount": "满30减5元", "until": "2027-03-31"}

    def revision() -> int:
        return int(ledger(staff)[-1]["revision"])

    first = await made(staff, **offer)
    assert (await made(staff, **offer))["pdf"] == first["pdf"]
    assert revision() == 1, "the same offer, the same stand"
    await made(staff, **{**offer, "amount": "满50减8元"})
    assert revision() == 2
    assert (await staff.do("poster", {**offer, "until": "soon"}))[0] == 400
    for never in ("9999-99-99", "2027-02-31"):
        status, told = await staff.do("poster", {**offer, "until": never})
        assert (status, told["message"]) == (422, f"没有 {never} 这一天，最后一天请写成 2026-11-24 这样。")
        status, told = await staff.kiosk.post("/api/v1/stands", {**offer, "until": never})
        assert (status, told["error"], told["sentences"]["zh_CN"][:3]) == (422, "no_day", "没有 ")
        assert told["message"] == f"{never} is no day of the calendar; write the last day as 2026-11-24."
    status, told = await staff.do("poster", {**offer, "until": "2020-01-01"})
    assert (status, bool(told["message"])) == (422, True), "a day that is over"


def ledger(staff: Staff) -> list[dict[str, Any]]:
    lines = (staff.kiosk.daemon.data_dir / LEDGER).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


async def test_a_material_with_another_link_is_made_only_as_a_new_revision(
    new_page: Tabs, staff: Staff
) -> None:
    """The hub moved: what stands on the counter opens the old address, and nobody can tell the two apart."""
    await made(staff, template="stand-a6")
    (first,) = ledger(staff)
    assert (first["material"], first["revision"]) == ("stand-a6", 1)
    old = {**first, "payload": "https://old.example/c/S1"}
    (staff.kiosk.daemon.data_dir / LEDGER).write_text(json.dumps(old) + "\n", "utf-8")
    status, told = await staff.do("poster", {"template": "stand-a6", "look": "plain"})
    assert (status, told["error"], "https://old.example/c/S1" in told["message"]) == (
        409,
        "second_link",
        True,
    )
    status, told = await staff.kiosk.post("/api/v1/stands", {"template": "stand-a6"})
    assert (status, told["error"]) == (409, "second_link")
    async with staff.browser.get(f"{staff.kiosk.url}/staff/preview/stand-a6.warm.png") as answer:
        assert answer.status == 200, "looking is free"
    assert ledger(staff) == [old]
    page = await console(new_page, staff.kiosk)
    await page.goto(staff.kiosk.url + "/staff/stands")
    await page.click("#poster > .button")
    await page.click("#poster-result button")
    await until(page, "document.querySelector('#poster-result img')?.naturalWidth > 100", 90)
    assert ledger(staff)[-1] == {**first, "revision": 2}
    assert (await made(staff, template="stand-a6"))["pdf"], "from then on it is the one"
    assert len(ledger(staff)) == 2


async def test_words_that_cannot_be_printed_are_a_sentence_in_the_preview(staff: Staff) -> None:
    url = f"{staff.kiosk.url}/staff/preview/stand-a6.warm.png"
    headers = {"Accept-Language": "zh-CN"}
    async with staff.browser.get(url, params={"headline": "满30减5"}, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        first = await answer.read()
    async with staff.browser.get(url, params={"headline": "满50减8"}, headers=headers) as answer:
        assert await answer.read() != first, "other words, another picture"
    async with staff.browser.get(url, params={"headline": "满" * 25}, headers=headers) as answer:
        assert answer.status == 400
    async with staff.browser.get(
        f"{staff.kiosk.url}/staff/preview/nothing.warm.png", headers=headers
    ) as answer:
        assert (answer.status, "没有模板" in (await answer.json())["message"]) == (422, True)


async def test_a_stand_wears_the_colour_and_the_logo_of_the_shop(tmp_path: Path) -> None:
    async with (
        rig(tmp_path, more={"screen": {"colour": "#7a1fa2"}}) as kiosk,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
    ):
        held = Staff(kiosk, browser)
        await held.sign_in()
        logos = kiosk.daemon.data_dir / "logos"
        logos.mkdir(exist_ok=True)
        shots = []
        for colour in ((0, 160, 0), (0, 200, 200)):
            Image.new("RGB", (300, 300), colour).save(logos / "store.png")
            async with browser.get(f"{kiosk.url}/staff/preview/sticker-80.fresh.png?large=1") as answer:
                shots.append(await answer.read())
        with Image.open(io.BytesIO(shots[0])) as image:
            pixels = list(image.convert("RGB").get_flattened_data())
    assert shots[0] != shots[1], "another logo, another picture"
    assert sum(g > r + 60 and g > b + 60 for r, g, b in pixels) > 200, "the logo"
    assert sum(b > g + 40 and r > g + 60 for r, g, b in pixels) > 1000, "the colour"


async def test_of_stands_that_were_made_the_newest_and_those_in_use_are_kept(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_stands, "MOST_MADE", 3)
    folder = staff.kiosk.daemon.data_dir / "made"
    folder.mkdir()
    for n in range(4):
        for kind in ("pdf", "png"):
            (folder / f"old-{n}.{kind}").write_bytes(b"x" * 3)
            os.utime(folder / f"old-{n}.{kind}", (1000 + n, 1000 + n))
    async with staff.browser.get(f"{staff.kiosk.url}/staff/made/old-0.pdf") as answer:
        assert await answer.read() == b"xxx"
    _, told = await staff.do("poster", {"template": "sticker-80", "look": "plain"})
    kept = sorted(p.name for p in folder.iterdir())
    fresh = [f"{told['name']}.{kind}" for kind in ("pdf", "png")]
    assert kept == sorted(["old-0.pdf", "old-0.png", "old-3.pdf", "old-3.png", *fresh])
    async with staff.browser.get(f"{staff.kiosk.url}/staff/made/old-1.pdf") as answer:
        assert (answer.status, "重新" in (await answer.json())["message"]) == (404, True)


async def test_two_tabs_ask_for_the_same_picture_at_once(staff: Staff) -> None:
    async def ask() -> tuple[int, bytes]:
        async with staff.browser.get(f"{staff.kiosk.url}/staff/preview/sticker-80.warm.png") as answer:
            return answer.status, await answer.read()

    both = await asyncio.gather(*(ask() for _ in range(4)))
    assert {status for status, _ in both} == {200}
    assert len({picture for _, picture in both}) == 1
    kept = [p.name for p in (staff.kiosk.daemon.data_dir / "previews").iterdir()]
    assert len(kept) == 1, kept


@pytest.mark.heavy
async def test_the_preview_follows_the_words_and_the_mail_is_ready(new_page: Tabs, staff: Staff) -> None:
    page = await console(new_page, staff.kiosk)
    await page.goto(staff.kiosk.url + "/staff/stands")
    await until(page, "document.querySelector('#live').naturalWidth > 100", 60)
    before = await page.get_attribute("#live", "src")
    await page.fill("#headline", "满30减5")
    await until(page, f"document.querySelector('#live').getAttribute('src') !== {before!r}", 60)
    assert "headline=" in (await page.get_attribute("#live", "src") or "")
    await page.click("#poster button")
    await page.wait_for_selector("#mail", timeout=90_000)
    mail = unquote(await page.get_attribute("#mail", "href") or "")
    assert mail.startswith("mailto:?subject=老王便利店 A6 双面码牌")
    assert "105 × 148 mm" in mail
    assert "双面" in mail
    await page.check("[value=stand-a6-offer]")
    await until(page, "!document.querySelector('#offer').hidden && document.querySelector('#own').hidden", 5)
    assert await page.input_value("#until") > "2026"
