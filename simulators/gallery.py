"""`python -m simulators.gallery DIR`: every slip, stand, poster and page as pictures, to be looked at.

`python -m simulators.gallery --readme TOUR docs/pictures` makes the README's small pictures from a tour's directory.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.coupons.record import PoolCode
from kiosk.printing import templates
from kiosk.printing.profiles import profile
from kiosk.printing.render import render
from kiosk.printing.slip import Slip
from simulators.demo import chromium
from simulators.demo.world import STORE, World

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SIZES = ((1920, 1080), (1080, 1920), (800, 480), (480, 320))
COLUMNS, CELL = 9, (200, 310)
"""The contact sheet: cells side by side, and their size in pixels."""
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
        "status": templates.status_slip("kiosk", [("IP", "192.168.1.20"), ("kiosk", "0.1.0")], locale),
        "enrolment": templates.enrolment_slip("K7M2Q9XA", "https://hub.example.cn", locale),
    }


def draw_slips(out: Path) -> None:
    """Draw every slip on narrow and wide paper in both languages."""
    for locale, paper in itertools.product(("zh_CN", "en"), ("generic-58", "generic-80")):
        for name, slip in slips(locale).items():
            (out / f"slip-{name}-{paper}-{locale}.png").write_bytes(render(slip, "png", profile(paper)).data)


def draw_posters(out: Path) -> None:
    """Draw every template in every look and language, and all of them on a contact sheet."""
    import posters

    drawn = []
    for info in posters.templates():
        for look in info.looks:
            picture = out / f"{info.id}-{look}.png"
            fields = SAMPLE | {f["name"]: TERMS[f["name"]] for f in info.fields if f["name"] in TERMS}
            made = posters.make(info.id, fields, out / f"{info.id}-{look}.pdf", look=look, preview=picture)
            print(f"  {info.id} {look}: {made.verdict}", flush=True)
            drawn.append(picture)
    contact_sheet(drawn, out / "contact-sheet.png")


def contact_sheet(pictures: list[Path], path: Path) -> None:
    """Put pictures side by side, each with its name below."""
    from PIL import Image, ImageDraw

    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL[0], rows * CELL[1]), "#d8d8d8")
    words = ImageDraw.Draw(sheet)
    for n, picture in enumerate(pictures):
        left, top = n % COLUMNS * CELL[0], n // COLUMNS * CELL[1]
        with Image.open(picture) as image:
            image.thumbnail((CELL[0] - 12, CELL[1] - 28))
            sheet.paste(image.convert("RGB"), (left + (CELL[0] - image.width) // 2, top + 6))
        words.text((left + 8, top + CELL[1] - 16), picture.stem, fill="#333333")
    sheet.save(path)


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
            await page.open(f"{world.url}/simulator", 1500, 1000)
            await page.screenshot(out / f"simulator-{language}.png")
            await page.open(f"{world.hub_url}/admin", 1280, 800)
            await page.screenshot(out / f"fleet-sign-in-{language}.png")
            await page.close()


async def _draw(browser: chromium.Browser, url: str, path: Path, width: int, height: int) -> None:
    page = await browser.page()
    await page.open(url, width, height)
    await page.until("document.body.dataset.seq !== '0'", 10)
    await page.screenshot(path)
    await page.close()


def readme(tour: Path, out: Path) -> None:
    """Make the README's pictures: small, with few colours."""
    from PIL import Image

    out.mkdir(parents=True, exist_ok=True)
    for name, width in (("counter", 960), ("slip", 384), ("stand", 720)):
        with Image.open(tour / f"{name}.png") as image:
            height = round(image.height * width / image.width)
            small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        raw = io.BytesIO()
        small.quantize(64).save(raw, "PNG", optimize=True)
        (out / f"{name}.png").write_bytes(raw.getvalue())


def main(words: list[str]) -> int:
    """Draw everything."""
    parser = argparse.ArgumentParser(prog="python -m simulators.gallery", description=__doc__)
    parser.add_argument("--readme", type=Path, metavar="TOUR", help="make the README's pictures from a tour")
    parser.add_argument("out", type=Path)
    args = parser.parse_args(words)
    if args.readme:
        readme(args.readme, args.out)
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
