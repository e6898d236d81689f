"""Every state of the counter page, both orientations, four sizes, both languages, each look; pictures are kept under out/screens."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page

from kiosk.counter.feedback import TABLE
from simulators.demo import eyes
from tests.browser import Tabs, fonts, frames, until
from tests.web.rig import rig
from tests.web.states import CODE_SHOWN, STATES, Proofs, Stage
from tests.web.test_glass import HURRY
from ui.fonts import missing

OUT = Path(__file__).parents[2] / "out" / "screens"
LOOKS, LOCALES = ("warm", "fresh", "plain"), ("zh_CN", "en")
LANDSCAPE = ((480, 320), (800, 480), (1920, 1080), (3840, 2160))
SIZES = (*LANDSCAPE, *((h, w) for w, h in LANDSCAPE))
THUMB = 240
TEXTS = (
    "[...document.querySelectorAll((document.querySelector('#outcome').hidden ? 'main' : '#outcome') + ' :is(p, h1, .worth)')]"
    ".filter(e => e.checkVisibility() && e.textContent.trim())"
)
CUT = (
    TEXTS
    + ".filter(e => { const r = e.getBoundingClientRect(); return e.scrollWidth > e.clientWidth + 1 || r.left < -1 || r.top < -1"
    " || r.right > innerWidth + 1 || r.bottom > innerHeight + 1; }).map(e => e.textContent.trim())"
)
OVER = (
    TEXTS
    + ".filter(e => e.matches('p, h1')).flatMap((a, i, all) => all.slice(i + 1).filter(b => { const p = a.getBoundingClientRect(),"
    " q = b.getBoundingClientRect(); return p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 1 && q.top < p.bottom - 1;"
    " }).map(b => a.textContent.trim() + ' | ' + b.textContent.trim()))"
)


async def faults(page: Page, state: str, link: str, png: bytes) -> list[str]:
    """Return what is wrong with what is on the glass."""
    with Image.open(io.BytesIO(png)) as shot:
        colours = shot.convert("RGB").getcolors(1 << 24) or []
    if state == "closed":
        return [] if len(colours) == 1 and colours[0][1] == (0, 0, 0) else ["it is not dark"]
    found = [f"cut off: {t}" for t in await page.evaluate(CUT)]
    found += [f"one over the other: {t}" for t in await page.evaluate(OVER)]
    if state in CODE_SHOWN and (read := eyes.codes(png).get("qr")) != link:
        found.append(f"the code reads {read}")
    texts = await page.evaluate(TEXTS + ".map(e => e.textContent)")
    if not texts or missing("".join(texts)):
        found.append(f"glyphs are missing in {texts}")
    if state.startswith("outcome-"):
        shape = TABLE[state.removeprefix("outcome-")].shape  # type: ignore[index]
        same = f"document.querySelector('#outcome-shape svg').outerHTML === document.querySelector('[data-icon={shape}] svg').outerHTML"
        if not await page.evaluate(same):
            found.append("another outcome's shape")
    shown = "#outcome-title" if state.startswith("outcome-") else "#scan"
    if not all(f["isCustomFont"] for f in await fonts(page, shown)):
        found.append("a font of the machine was used")
    return found


def sheet(pictures: dict[str, list[bytes]], path: Path) -> None:
    """Lay small copies out, one row a size, for a person's look."""
    rows = []
    for shots in pictures.values():
        small = []
        for png in shots:
            image = Image.open(io.BytesIO(png)).convert("RGB")
            image.thumbnail((THUMB, THUMB))
            small.append(image)
        rows.append(small)
    width = max(len(r) for r in rows) * (THUMB + 6)
    whole = Image.new("RGB", (width, sum(max(i.height for i in r) + 6 for r in rows)), "#888888")
    y = 0
    for row in rows:
        for n, image in enumerate(row):
            whole.paste(image, (n * (THUMB + 6), y))
        y += max(i.height for i in row) + 6
    whole.save(path)


@pytest.mark.heavy
@pytest.mark.parametrize(("look", "locale"), list(itertools.product(LOOKS, LOCALES)))
async def test_every_state_size_and_orientation(
    new_page: Tabs, tmp_path: Path, look: str, locale: str
) -> None:
    place = OUT / f"{look}-{locale}"
    place.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    kept: dict[str, list[bytes]] = {}
    async with rig(tmp_path, more={"screen": {"look": look}, "locale": locale}) as kiosk:
        stage, proofs = Stage(kiosk, locale), Proofs(kiosk)
        view = (await kiosk.get("/api/v1/counter"))[1]
        link, right = view["link"], "".join(view["qr"]["modules"])
        for width, height in SIZES:
            page = await new_page(kiosk.url + "/", width, height, before=HURRY % 5, reduced_motion="reduce")
            shots = kept[f"{width}x{height}"] = []
            for state in STATES:
                seq = await stage.enter(state)
                await until(page, f"Number(document.body.dataset.seq) >= {seq}", 20)
                await frames(page)
                shots.append(await page.screenshot(path=place / f"{width}x{height}-{state}.png"))
                wrong += [
                    f"{width}x{height} {state}: {f}" for f in await faults(page, state, link, shots[-1])
                ]
            for state in ("ready", "dim"):
                await stage.enter(state)
                if await proofs.next() != right:
                    wrong.append(f"{width}x{height} {state}: the page does not prove its code")
            await page.close()
    sheet(kept, OUT / f"sheet-{look}-{locale}.png")
    assert wrong == []
