"""A coupon read by the phone's camera: a frame or a photo of the slip, read by the kiosk in a process of its own."""

from __future__ import annotations

import asyncio
import base64
import io
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from kiosk.web.reading import MOST, Found, Reader
from tests.browser import own_chromium, until
from tests.web.rig import Rig, eventually
from tests.web.test_staff import Staff, staff
from tests.web.test_staff_browser import console

__all__ = ["staff"]


async def printed_slip(kiosk: Rig) -> Image.Image:
    """Hand a slip coupon out and return its paper."""
    kiosk.daemon.bench.press()
    slips = kiosk.daemon.data_dir / "slips"
    await eventually(lambda: list(slips.glob("*.png")))
    with Image.open(next(slips.glob("*.png"))) as image:
        return image.convert("RGB")


def photo(slip: Image.Image, angle: float = 7.0, width: int = 1280, height: int = 960) -> Image.Image:
    """Return the slip as a hand holds it before a camera: on a table, turned, not quite level."""
    fitted = ImageOps.contain(ImageOps.expand(slip, 24, "white"), (width - 80, height - 80))
    table = Image.new("RGB", (width, height), (150, 128, 104))
    turned = fitted.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=(150, 128, 104))
    turned.thumbnail((width, height))
    table.paste(turned, ((width - turned.width) // 2, (height - turned.height) // 2))
    return table


def jpeg(image: Image.Image) -> bytes:
    raw = io.BytesIO()
    image.save(raw, "JPEG", quality=85)
    return raw.getvalue()


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    await made.stop()


async def read(staff: Staff, body: bytes) -> tuple[int, dict[str, str]]:
    headers = {"X-CSRF": staff.token, "Accept-Language": "zh-CN", "Content-Type": "application/octet-stream"}
    async with staff.browser.post(
        staff.kiosk.url + "/staff/read", data=io.BytesIO(body), headers=headers
    ) as answer:
        return answer.status, await answer.json()


async def test_a_photo_of_a_slip_is_the_coupon_on_it(staff: Staff) -> None:
    paper = await printed_slip(staff.kiosk)
    status, told = await read(staff, jpeg(photo(paper)))
    assert status == 200
    assert (await staff.do("redeem", {"code": told["text"]}))[1]["verdict"] == "confirmed"
    assert (await read(staff, jpeg(Image.new("RGB", (640, 480), "white"))))[1] == {"text": ""}


async def test_of_several_codes_the_coupon_is_taken(staff: Staff) -> None:
    import zxingcpp

    other = zxingcpp.create_barcode("https://example.com/a-notice-on-the-wall", zxingcpp.BarcodeFormat.QRCode)
    wall = Image.fromarray(other.to_image(scale=9)).convert("RGB")
    slip = await printed_slip(staff.kiosk)
    both = Image.new("RGB", (wall.width + slip.width + 90, max(wall.height, slip.height) + 60), "white")
    both.paste(wall, (30, 30))
    both.paste(slip, (wall.width + 60, 30))
    _, told = await read(staff, jpeg(both))
    assert (await staff.do("look", {"code": told["text"]}))[1]["batch"] == "回头客满20减3"


async def test_what_is_no_picture_or_too_large_is_a_sentence(staff: Staff) -> None:
    bomb = io.BytesIO()
    Image.new("1", (9000, 9000)).save(bomb, "PNG")
    cut = jpeg(Image.new("RGB", (640, 480)))[:300]
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    for body, status, words in (
        (b"", 422, "不是能识别的图片"),
        (b"GIF89a nonsense", 422, "不是能识别的图片"),
        (svg, 422, "不是能识别的图片"),
        (cut, 422, "不是能识别的图片"),
        (bomb.getvalue(), 422, "图片太大"),
        (b"x" * (MOST + 1), 413, "图片太大"),
    ):
        found, told = await read(staff, body)
        assert (found, words in told["message"]) == (status, True), (body[:20], told)
    status, told = await read(staff, jpeg(photo(await printed_slip(staff.kiosk))))
    assert status == 200
    assert told["text"], "the next picture is read all the same"


async def test_only_staff_have_pictures_read(kiosk: Rig) -> None:
    async with kiosk.http.post(kiosk.url + "/staff/read", data=b"x") as answer:
        assert answer.status == 401


async def test_a_reader_that_dies_or_hangs_is_replaced(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = jpeg(Image.new("RGB", (320, 240), "white"))
    assert await reader.read(blank) == Found()
    first = reader._process
    assert first is not None
    first.send_signal(signal.SIGSTOP)
    monkeypatch.setattr("kiosk.web.reading.READ_S", 0.3)
    assert await reader.read(blank) == Found(problem="late")
    assert first.returncode == -signal.SIGKILL
    monkeypatch.undo()
    assert await reader.read(blank) == Found()
    second = reader._process
    assert second is not None
    second.kill()
    await second.wait()
    assert await reader.read(blank) == Found()


def noise(width: int, height: int) -> Image.Image:
    """Return what compresses worst: a photograph is near it."""
    return Image.frombytes("RGB", (width, height), random.Random(4).randbytes(width * height * 3))


async def test_a_photograph_is_a_logo_and_the_next_picture_is_read(reader: Reader) -> None:
    """Its answer is ten times asyncio's longest line."""
    found = await reader.logo(jpeg(noise(700, 600)))
    assert found.problem == ""
    with Image.open(io.BytesIO(base64.b64decode(found.png))) as made:
        assert (made.format, max(made.size)) == ("PNG", 512)
    assert len(found.png) > 500_000
    assert await reader.read(jpeg(Image.new("RGB", (200, 200)))) == Found()


async def test_a_full_pipe_that_nobody_reads_does_not_hold_up_the_end(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(process: asyncio.StreamReader, size: int) -> bytes:
        await eventually(lambda: getattr(process, "_paused", False))
        raise OSError("a fault in the reader itself")

    monkeypatch.setattr(asyncio.StreamReader, "readexactly", broken)
    async with asyncio.timeout(20):
        with pytest.raises(OSError, match="itself"):
            await reader.logo(jpeg(noise(700, 600)))
    assert not reader.running
    monkeypatch.undo()
    assert (await reader.logo(jpeg(noise(200, 200)))).problem == "", "the next one gets a new process"


@pytest.mark.parametrize(("edge", "problem"), [(4100, "large"), (3900, "")])
async def test_a_logo_of_many_dots_is_refused_before_it_is_unpacked(
    reader: Reader, edge: int, problem: str
) -> None:
    raw = io.BytesIO()
    Image.new("RGB", (edge, edge), "red").save(raw, "PNG")
    assert (await reader.logo(raw.getvalue())).problem == problem


async def test_the_reader_ends_when_nobody_needs_it(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.web.reading.IDLE_S", 0.0)
    await reader.read(b"")
    process = reader._process
    await eventually(lambda: not reader.running)
    assert process is not None
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_the_camera_sees_a_slip_and_the_coupon_is_redeemed(
    chromium: str, kiosk: Rig, tmp_path: Path
) -> None:
    film = tmp_path / "slip.mjpeg"
    paper = await printed_slip(kiosk)
    film.write_bytes(b"".join(jpeg(photo(paper, angle)) for angle in (4.0, 6.0, 8.0)))
    flags = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    async with own_chromium(chromium, *flags, place=tmp_path) as (_, new_page):
        page = await console(new_page, kiosk)
        await page.click("#camera")
        await until(page, "!document.querySelector('#ask-total').hidden", 40)
        assert await page.evaluate("document.querySelector('#viewer').hidden"), "the camera is let go"
        await page.fill("#total", "25")
        await page.press("#total", "Enter")
        await until(page, "document.querySelector('#answer.confirmed')", 20)


@pytest.mark.heavy
async def test_a_page_without_https_takes_a_photo_instead(
    new_page: object, kiosk: Rig, tmp_path: Path
) -> None:
    paper = await printed_slip(kiosk)
    shot = tmp_path / "photo.jpg"
    shot.write_bytes(jpeg(photo(paper)))
    page = await console(new_page, kiosk)  # type: ignore[arg-type]
    await page.evaluate("Object.defineProperty(window, 'isSecureContext', {value: false})")
    async with page.expect_file_chooser() as chooser:
        await page.click("#camera")
    assert "下载证书" not in await page.inner_text("#no-camera"), "this kiosk has none"
    assert "拍照识别" in await page.inner_text("#no-camera")
    await (await chooser.value).set_files(shot)
    await until(page, "!document.querySelector('#ask-total').hidden", 40)
    await page.set_input_files("#photo", {"name": "x.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    await until(page, "document.querySelector('#told').textContent.includes('不是能识别的图片')", 20)
