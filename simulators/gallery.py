"""`python -m simulators.gallery DIR`: every slip, stand, poster and page as pictures, to be looked at.

`python -m simulators.gallery --readme TOUR docs/pictures` makes the README's small pictures from a tour's directory,
`python -m simulators.gallery --stands docs/pictures` those of stands alone.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.coupons.record import PoolCode
from kiosk.printing import templates
from kiosk.printing.profiles import profile
from kiosk.printing.render import render
from kiosk.printing.slip import Slip
from simulators import shop_photo
from simulators.demo import chromium
from simulators.demo.world import STORE, World
from ui.texts import texts

if TYPE_CHECKING:
    from PIL.Image import Image

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SIZES = ((1920, 1080), (1080, 1920), (800, 480), (480, 320))
COLUMNS, CELL = 9, (220, 320)
"""The contact sheet: cells side by side - a template's six looks, then three with the store's picture - in pixels."""
SHOWN = (
    ("stand-a6", "warm", True), ("stand-a6", "fresh", False), ("stand-a6", "plain", True), ("poster-a4", "fresh", True),
    ("poster-a4-offer", "warm", False), ("xstand-800x1800", "plain", False), ("sticker-80", "warm", True),
)  # fmt: skip
"""What docs/stands-and-posters.md shows: template, look, with the store's picture."""
SHOWN_PX = 320
"""Its height in pixels."""
SAMPLE = {
    "store_id": "S0001",
    "merchant": "老王便利店",
    "store": "科技园南区店",
    "address": "深圳市南山区科技园南区 8 栋 101",
    "category": "便利店",
    "url": "https://q.example.cn/c/S0001",
    "phone": "0755-8888 6666",
}
TERMS = {"amount": "满20减3", "until": "2027-02-15", "revision": "1"}
"""What a template that says an offer needs besides."""


def slips(locale: str) -> dict[str, Slip]:
    """Return one of every slip."""
    merchant = Merchant("老王便利店", "老王便利")
    store = Store("S0001", "科技园南区店", "科技园南区 8 栋 101", link="https://q.example.cn/c/S0001")
    batch = Batch(
        stock_id="HK-SLIP-0001",
        product="slip_coupon",
        name="回头客满20减3",
        value=300,
        threshold=2000,
        begins=NOW,
        ends=NOW + timedelta(days=60),
    )
    code = PoolCode("1-1", "C1:" + "0123456789ABCDEFGHIJKLMNOPQRS" * 4, "K7M2Q9XABCDE")
    lines = [
        templates.DayLine("回头客满20减3", 40, 12, 3600, 1, 0),
        templates.DayLine("满10减1商家券", 0, 33, 3300, 0, 2),
    ]
    uses = [
        templates.ConflictUse(store.name, "7M2Q9X", NOW),
        templates.ConflictUse("人民路店", "K3R8TB", NOW),
    ]
    return {
        "coupon": templates.coupon_slip(merchant, store, batch, code, locale),
        "claim": templates.claim_slip(merchant, store, locale),
        "receipt": templates.receipt_slip(store, batch, "7M2Q9XABCDEFGHJKMNPQRSTV", "confirmed", NOW, locale),
        "conflict": templates.conflict_slip(batch, code.short, uses, 300, locale),
        "copy": templates.as_copy(templates.claim_slip(merchant, store, locale), NOW, locale),
        "day": templates.day_slip(store.name, "2026-11-24", lines, locale),
        "self-test": templates.self_test_slip("counter", NOW, locale),
        "status": templates.status_slip(store.name, _status(locale), locale),
        "enrolment": templates.enrolment_slip("K7M2Q9XA", "https://hub.example.cn", locale),
        "pairing": templates.pairing_slip("https://192.168.1.20:8443/staff/pair/" + "x" * 22, "王敏", locale),
    }


def _status(locale: str) -> list[tuple[str, str]]:
    """Return some of what a kiosk says of itself."""
    t, url = texts("kiosk", "kiosk", locale), "https://192.168.1.20:8443"
    return [
        (t("Address"), "192.168.1.20"),
        (t("Pages"), url),
        (t("Kiosk"), "7M2Q9X"),
        (t("Version"), "0.1.0"),
    ]


def draw_slips(out: Path) -> None:
    """Draw every slip on narrow and wide paper in both languages."""
    for locale, paper in itertools.product(("zh_CN", "en"), ("generic-58", "generic-80")):
        for name, slip in slips(locale).items():
            (out / f"slip-{name}-{paper}-{locale}.png").write_bytes(render(slip, "png", profile(paper)).data)


def draw_posters(out: Path) -> None:
    """Draw every template in every look and language, with and without a picture, and all on a contact sheet."""
    import posters

    photo = shop_photo.draw(out / "shop.jpg")
    drawn = []
    for info in posters.templates():
        cases = [(look, False) for look in info.looks]
        cases += [(look, True) for look in info.looks if not look.endswith("-en")]
        for look, pictured in cases:
            name = f"{info.id}-{look}{'-photo' * pictured}"
            verdict = draw_poster(info.id, look, out / f"{name}.png", photo if pictured else None)
            print(f"  {name}: {verdict}", flush=True)
            drawn.append(out / f"{name}.png")
    contact_sheet(drawn, out / "contact-sheet.png")


def draw_poster(template_id: str, look: str, picture: Path, photo: Path | None) -> str:
    """Make one piece and its picture; return its verdict."""
    import posters
    from posters import catalog

    terms = TERMS if catalog.template(template_id).kind == "versioned" else {}
    fields = {**SAMPLE, **terms, **({"image": str(photo.resolve())} if photo else {})}
    return posters.make(template_id, fields, picture.with_suffix(".pdf"), look=look, preview=picture).verdict


def contact_sheet(pictures: list[Path], path: Path) -> None:
    """Put pictures side by side, each with its name below, a row as high as its highest."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    rows = [pictures[n : n + COLUMNS] for n in range(0, len(pictures), COLUMNS)]
    drawn = [[_thumbnail(picture, (CELL[0] - 12, CELL[1] - 28)) for picture in row] for row in rows]
    heights = [max(image.height for image in row) + 30 for row in drawn]
    sheet = Pictures.new("RGB", (COLUMNS * CELL[0], sum(heights)), "#d8d8d8")
    words = ImageDraw.Draw(sheet)
    top = 0
    for row, images, height in zip(rows, drawn, heights, strict=True):
        for column, (picture, image) in enumerate(zip(row, images, strict=True)):
            left = column * CELL[0]
            sheet.paste(image, (left + (CELL[0] - image.width) // 2, top + 6))
            words.text((left + 8, top + height - 18), picture.stem, fill="#333333")
        top += height
    sheet.save(path)


def _thumbnail(path: Path, size: tuple[int, int]) -> Image:
    from PIL import Image as Pictures

    with Pictures.open(path) as image:
        image.thumbnail(size, Pictures.Resampling.LANCZOS)
        return image.convert("RGB")


def stands(out: Path) -> None:
    """Make the pictures of stands that the README and docs/stands-and-posters.md show."""
    from PIL import Image as Pictures

    with tempfile.TemporaryDirectory(prefix="gallery-") as place:
        photo, shot = shop_photo.draw(Path(place) / "shop.jpg"), Path(place) / "piece.png"
        images = []
        for template_id, look, pictured in SHOWN:
            draw_poster(template_id, look, shot, photo if pictured else None)
            images.append(_thumbnail(shot, (10_000, SHOWN_PX)))
        draw_poster("stand-a6", "warm", shot, photo)
        _small(_thumbnail(shot, (720, 10_000)), out / "stand.png", 128)
    row = Pictures.new("RGB", (sum(i.width for i in images) + 12 * (len(images) - 1), SHOWN_PX), "white")
    left = 0
    for image in images:
        row.paste(image, (left, (SHOWN_PX - image.height) // 2))
        left += image.width + 12
    _small(row, out / "stands.png", 192)


def _small(image: Image, path: Path, colours: int) -> None:
    raw = io.BytesIO()
    image.quantize(colours).save(raw, "PNG", optimize=True)
    path.write_bytes(raw.getvalue())


async def draw_pages(out: Path, browser_path: str) -> None:
    """Draw the counter page in every size, the staff console, the customers' pages and the fleet console."""
    async with World(0, 0, None) as world, chromium.Browser(browser_path) as browser:
        await world.start_hub()
        await world.start_printer()
        await world.start_kiosk()
        await world.until("/api/v1/counter", lambda view: view["slip"]["enabled"], 20)
        for width, height in SIZES:
            await _draw(browser, f"{world.url}/", out / f"counter-{width}x{height}.png", width, height)
        for language in ("zh-CN", "en"):
            page = await browser.page()
            await page.call("Network.enable")
            await page.call("Network.clearBrowserCookies")
            await page.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
            await page.open(f"{world.hub_url}/c/{STORE}", 360, 740, scale=2, mobile=True)
            await page.screenshot(out / f"claim-{language}.png", whole=True)
            await page.open(f"{world.url}/staff", 360, 740, scale=2, mobile=True)
            await page.screenshot(out / f"staff-sign-in-{language}.png")
            await page.evaluate(f"document.querySelector('#pin').value = '{world.pin}'")
            await page.follow("form button")
            await page.screenshot(out / f"staff-{language}.png", whole=True)
            await _draw_console(page, world.url, out, language)
            await page.open(f"{world.url}/simulator", 1500, 1000)
            await page.screenshot(out / f"simulator-{language}.png")
            await page.open(f"{world.hub_url}/admin", 1280, 800)
            await page.screenshot(out / f"fleet-sign-in-{language}.png")
            await page.close()


async def _draw_console(page: chromium.Page, url: str, out: Path, language: str) -> None:
    """Draw every page of the staff console: light on a phone, dark at a till."""
    for scheme, (width, height) in (("light", (360, 740)), ("dark", (1920, 1080))):
        await page.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        for name in ("coupons", "records", "stands", "devices", "printer", "settings"):
            await page.open(f"{url}/staff/{name}", width, height, mobile=width < 600)
            await page.screenshot(out / f"staff-{name}-{scheme}-{language}.png", whole=True)
    await page.call("Emulation.setEmulatedMedia", features=[])


async def _draw(browser: chromium.Browser, url: str, path: Path, width: int, height: int) -> None:
    page = await browser.page()
    await page.open(url, width, height)
    await page.until("document.body.dataset.seq !== '0'", 10)
    await page.screenshot(path)
    await page.close()


def readme(tour: Path, out: Path) -> None:
    """Make the README's pictures: small, with few colours."""
    from PIL import Image as Pictures

    out.mkdir(parents=True, exist_ok=True)
    for name, width in (("counter", 960), ("slip", 384)):
        with Pictures.open(tour / f"{name}.png") as image:
            height = round(image.height * width / image.width)
            small = image.convert("RGB").resize((width, height), Pictures.Resampling.LANCZOS)
        _small(small, out / f"{name}.png", 64)
    stands(out)


def main(words: list[str]) -> int:
    """Draw everything."""
    parser = argparse.ArgumentParser(prog="python -m simulators.gallery", description=__doc__)
    parser.add_argument("--readme", type=Path, metavar="TOUR", help="make the README's pictures from a tour")
    parser.add_argument("--stands", action="store_true", help="make the pictures of stands for the docs")
    parser.add_argument("out", type=Path)
    args = parser.parse_args(words)
    if args.readme:
        readme(args.readme, args.out)
        return 0
    if args.stands:
        stands(args.out)
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    draw_slips(args.out)
    draw_posters(args.out)
    path = chromium.find()
    if path is None:
        print("pages were not drawn: there is no Chromium (apt-get install chromium)", file=sys.stderr)
    else:
        asyncio.run(draw_pages(args.out, path))
    print(f"{len(list(args.out.glob('*.png')))} pictures in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
