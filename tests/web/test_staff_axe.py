"""axe-core finds nothing serious on any page of the console, in light and dark, in Chinese and English; all of it works by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from kiosk.printing.printers.port import Status
from kiosk.web.services import SERVICES
from tests.browser import Tabs, until
from tests.web.rig import PIN, SLIP, Rig
from tests.web.test_axe import axe, serious
from tests.web.test_staff_people import hire

__all__ = ["axe"]
PAGES = ("/coupons", "/records", "/stands", "/devices", "/printer", "/settings")
SIZES = {"phone": (360, 740), "till": (1920, 1080)}
QUICK = (("zh-CN", "dark", "phone"),)
ALL = [(n, s, z) for n in ("zh-CN", "en") for s in ("light", "dark") for z in SIZES]


async def furnish(kiosk: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill the pages: a person, a paired phone, a finding, a slip in doubt, a file to write into, redemptions."""
    await hire(kiosk)
    services = kiosk.daemon.server._runner.app[SERVICES]  # type: ignore[union-attr]
    config = tmp_path / "kiosk.toml"
    config.write_text(f'data_dir = "{kiosk.daemon.data_dir}"\n', "utf-8")
    object.__setattr__(services, "config", config)
    (printer,) = kiosk.daemon.spooler.printers

    async def out() -> Status:
        return Status("out")

    monkeypatch.setattr(printer, "status", out)
    await services.gatherer.ask_printers()
    for total in (2500, 100):
        await kiosk.post("/api/v1/redeem", {"code": await kiosk.issue(SLIP), "total": total})
    await kiosk.daemon.journal.note_act("", "192.168.1.9", "locked")


async def states_of_redeem(page: Page, kiosk: Rig, axe: str) -> None:
    """Look at the first page in every state that a clerk sees."""
    assert await serious(page, axe) == []
    code = await kiosk.issue(SLIP)
    await page.fill("#code", code)
    await page.press("#code", "Enter")
    await until(page, "!document.querySelector('#ask-total').hidden", 20)
    assert await serious(page, axe) == [], "asks for the total"
    await page.fill("#total", "25")
    await page.press("#total", "Enter")
    await until(page, "document.querySelector('#answer.confirmed')", 20)
    for kind in ("confirmed", "offline", "refused", "unknown"):
        await page.evaluate(
            "kind => { document.querySelector('#answer').className = `answer ${kind}`; }", kind
        )
        assert await serious(page, axe) == [], kind
    await page.evaluate("Object.defineProperty(window, 'isSecureContext', {value: false})")
    await page.click("#camera")
    await page.wait_for_selector("#no-camera:not([hidden])")
    assert await serious(page, axe) == [], "explains the camera"


@pytest.mark.parametrize(
    ("language", "scheme", "size"),
    [pytest.param(*c, marks=() if c in QUICK else pytest.mark.heavy) for c in ALL],
)
async def test_nothing_serious_on_any_page(
    new_page: Tabs,
    kiosk: Rig,
    axe: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    scheme: str,
    size: str,
) -> None:
    await furnish(kiosk, tmp_path, monkeypatch)
    look = {"locale": language, "color_scheme": scheme, "is_mobile": size == "phone"}
    page = await new_page(kiosk.url + "/staff", *SIZES[size], **look)
    assert await serious(page, axe) == [], "signing in"
    await page.fill("#pin", "0000")
    await page.click("form button")
    await page.wait_for_selector(".notice.bad")
    assert await serious(page, axe) == [], "a wrong PIN"
    await page.fill("#pin", PIN)
    await page.click("form button")
    await page.wait_for_selector("#code")
    await states_of_redeem(page, kiosk, axe)
    for path in PAGES:
        await page.goto(f"{kiosk.url}/staff{path}")
        await page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert await page.evaluate("document.querySelectorAll('h1').length") == 1, path
        assert await serious(page, axe) == [], path
    await page.goto(f"{kiosk.url}/staff/pair/{'x' * 22}")
    assert await serious(page, axe) == [], "a stale slip"


STOPS = """() => { const radios = new Set(); return [...document.querySelectorAll(
  'a[href], button, input:not([type=hidden]):not([tabindex="-1"]), select, textarea, summary, [tabindex="0"]')].filter(e =>
    !e.matches(':disabled') && e.checkVisibility() && !(e.type === 'radio' && radios.has(e.name)) && (e.type !== 'radio' || radios.add(e.name))
  ).map((e, n) => { e.dataset.stop = n; return n; }).length; }"""
"""Everything that can be worked; of each group of radio buttons one, as browsers do."""
FOCUS = """() => { const e = document.activeElement;
  if (!e || e === document.body) return null;
  const marked = getComputedStyle(e).outlineStyle !== 'none' || e.matches('input[type=radio]');
  const stop = e.dataset.stop ?? (e.type === 'radio' ? document.querySelector(`[name=${e.name}][data-stop]`)?.dataset.stop : undefined);
  return [stop === undefined ? -1 : Number(stop), marked, e.outerHTML.slice(0, 90)]; }"""


@pytest.mark.heavy
async def test_every_control_is_reached_and_seen_with_the_tab_key(new_page: Tabs, kiosk: Rig) -> None:
    page = await new_page(kiosk.url + "/staff", *SIZES["till"], locale="zh-CN")
    await page.keyboard.type(PIN)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#code")
    for path in ("", *PAGES):
        await page.goto(f"{kiosk.url}/staff{path}")
        stops = await page.evaluate(STOPS)
        assert stops >= 8, path
        seen: set[int] = set()
        unmarked: set[str] = set()
        for _ in range(2 * stops + 40):  # a field for a date has several stops of its own
            await page.keyboard.press("Tab")
            found = await page.evaluate(FOCUS)
            if found is None:
                continue
            seen.add(found[0])
            if not found[1]:
                unmarked.add(found[2])
            if len(seen - {-1}) == stops:
                break
        assert unmarked == set(), "where the focus is can be seen"
        assert set(range(stops)) <= seen, (path, set(range(stops)) - seen)


async def test_the_skip_link_and_the_headings_lead_a_screen_reader(new_page: Tabs, kiosk: Rig) -> None:
    page = await new_page(kiosk.url + "/staff", *SIZES["phone"], locale="zh-CN")
    await page.fill("#pin", PIN)
    await page.click("form button")
    await page.wait_for_selector("#code")
    tree = await page.locator("body").aria_snapshot()
    for words in ("navigation", "main", 'heading "核销" [level=1]', 'button "核销"', "status"):
        assert words in tree, tree
    assert await page.evaluate("document.documentElement.lang") == "zh-CN"
