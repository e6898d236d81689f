"""The merchant's own: colour, logo, pictures, opening hours."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy
import pytest
from PIL import Image

from simulators.demo import eyes
from tests.browser import Tabs, until
from tests.web.rig import rig
from tests.web.test_glass import HURRY
from ui.money import local


def picture(path: Path, colour: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (320, 180), colour).save(path)


async def test_colour_logo_and_pictures_are_on_the_page_and_never_on_the_code(
    tmp_path: Path, new_page: Tabs
) -> None:
    picture(tmp_path / "logo.png", "navy")
    picture(tmp_path / "pictures" / "one.png", "orange")
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    (tmp_path / "pictures" / "empty.jpg").touch()
    screen = {"colour": "#0a7460", "logo": str(tmp_path / "logo.png"), "pictures": str(tmp_path / "pictures")}
    async with rig(tmp_path, more={"screen": screen}) as kiosk:
        _, view = await kiosk.get("/api/v1/counter")
        assert [p["url"].partition("?")[0] for p in view["pictures"]] == ["/counter/pictures/one.png"]
        assert (await kiosk.get("/counter/pictures/notes.txt"))[0] == 404
        assert (await kiosk.get("/counter/pictures/..%2flogo.png"))[0] == 404
        page = await new_page(kiosk.url + "/", 1280, 720, before=HURRY % 10)
        await until(page, "document.querySelector('#logo').naturalWidth === 320", 10)
        assert (
            await page.evaluate(
                "getComputedStyle(document.documentElement).getPropertyValue('--panel').trim()"
            )
            == "#0a7460"
        )
        await until(page, "document.querySelector('.picture')?.naturalWidth === 320", 40)
        assert eyes.codes(await page.screenshot())["qr"] == view["link"]
        await page.close()


def clip(path: Path) -> None:
    """Make a clip of two seconds, as a merchant would bring it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), 10, (320, 180))
    assert out.isOpened()
    for n in range(20):
        out.write(numpy.full((180, 320, 3), (n * 12, 80, 200), numpy.uint8))
    out.release()


PLAYS = """new Promise(done => { const clip = document.querySelector('video.picture'); const begun = clip.currentTime;
  setTimeout(() => done({moves: clip.currentTime > begun, muted: clip.muted, width: clip.videoWidth}), 400); })"""


async def test_a_clip_plays_beside_the_code_and_stands_still_for_whoever_asked_for_less_motion(
    tmp_path: Path, new_page: Tabs
) -> None:
    clip(tmp_path / "pictures" / "clip.webm")
    async with rig(tmp_path, more={"screen": {"pictures": str(tmp_path / "pictures")}}) as kiosk:
        link = (await kiosk.get("/api/v1/counter"))[1]["link"]
        plays = {}
        for motion in ("reduce", "no-preference"):
            page = await new_page(kiosk.url + "/", 1280, 720, before=HURRY % 4, reduced_motion=motion)
            await until(page, "document.querySelector('video.picture')?.readyState >= 2", 40)
            plays[motion] = await page.evaluate(PLAYS)
            png = await page.screenshot()
            assert eyes.codes(png)["qr"] == link, "a clip never takes the place of the code"
            await page.close()
        assert plays["reduce"] == {"moves": False, "muted": True, "width": 320}
        assert plays["no-preference"] == {"moves": True, "muted": True, "width": 320}


async def test_a_picture_or_clip_that_cannot_be_shown_loses_its_turn(tmp_path: Path, new_page: Tabs) -> None:
    place = tmp_path / "pictures"
    place.mkdir()
    (place / "a.mp4").write_bytes(b"a clip that no browser can play")
    (place / "b.png").write_bytes(b"a picture that is none")
    picture(place / "c.png", "orange")
    turns = "window.turns = []; " + HURRY % 10
    async with rig(tmp_path, more={"screen": {"pictures": str(place)}}) as kiosk:
        page = await new_page(kiosk.url + "/", 1280, 720, before=turns)
        await until(page, "document.querySelector('.picture')?.naturalWidth === 320", 20)
        await page.evaluate(
            "new MutationObserver(() => turns.push(document.querySelector('.offers').firstElementChild?.className"
            " + (document.querySelector('.picture')?.src.match(/[a-z]\\.[a-z0-9]+\\?/) ?? ''))).observe("
            "document.querySelector('#offers'), {childList: true})"
        )
        await until(page, "turns.length >= 6", 20)
        seen = await page.evaluate("[...new Set(turns)].sort()")
        assert seen == ["picturec.png?", "ticket"], "what is broken is not tried again"


@pytest.mark.parametrize("certain", [True, False])
async def test_outside_the_hours_the_glass_is_dark_unless_the_time_is_not_certain(
    tmp_path: Path, new_page: Tabs, certain: bool
) -> None:
    now = local(datetime.now(UTC))
    closed = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=4):%H:%M}"
    async with rig(tmp_path, hub=certain, more={"shop": {"hours": closed}}) as kiosk:
        _, view = await kiosk.get("/api/v1/counter")
        assert view["open"] is not certain, "a screen that is dark by mistake helps nobody"
        page = await new_page(kiosk.url + "/", 800, 480)
        await until(page, "document.body.dataset.seq !== '0'", 10)
        asleep = await page.evaluate("!document.querySelector('#asleep').hidden")
        assert asleep is certain
        if certain:
            png = await page.screenshot()
            assert len({c for _, c in Image.open(io.BytesIO(png)).convert("L").getcolors()}) == 1
        await page.close()
