"""The steps of the tour."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from simulators.demo import eyes
from simulators.demo.chromium import Browser, Page
from simulators.demo.world import STORE, World

CAPPED, NEVER, SLIP, PAUSED = "1286950000000039", "1286950000000047", "HK-SLIP-0001", "1286950000000054"
HINT = "满20元可用，请核对"
SOON_S = 2.0
"""Within this a change at the hub must be on the counter page."""
VIEW_S = 15.0


class Missed(Exception):
    """What should have been seen was not."""


def must(seen: Any, told: str) -> None:
    """Raise unless something was seen."""
    if not seen:
        raise Missed(told)


class Story:
    """What happens at the counter, step by step."""

    def __init__(self, world: World, browser: Browser | None, out: Path) -> None:
        self.world, self.browser, self.out = world, browser, out
        self.stack = AsyncExitStack()
        self.views: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.view: dict[str, Any] = {}
        self.page: Page | None = None
        self.codes: dict[str, str] = {}
        self.slip_code = ""
        self.rids: dict[str, str] = {}

    async def close(self) -> None:
        """Close pages and streams."""
        await self.stack.aclose()

    def steps(self) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        """Return the steps in order."""
        return [
            ("hub starts and loads batches", self.hub_starts),
            ("kiosk is let in and pulls", self.kiosk_starts),
            ("counter page shows code and batches", self.counter_page),
            ("customer claims a coupon", self.customer_claims),
            ("button prints a slip", self.button),
            ("slip is redeemed, confirmed by the hub", self.redeem_online),
            ("same slip again is refused", self.redeem_again),
            ("hub away: capped accepted, never refused", self.hub_away),
            ("paused batch leaves the counter page", self.pause),
            ("stand and poster are made and read back", self.posters),
            ("redemptions.csv names each once", self.export),
        ]

    async def seen(
        self, what: Callable[[dict[str, Any]], Any], told: str, seconds: float = VIEW_S
    ) -> dict[str, Any]:
        """Wait until the counter page is told a view that fits."""
        try:
            async with asyncio.timeout(seconds):
                while not (self.view and what(self.view)):
                    self.view = await self.views.get()
        except TimeoutError:
            raise Missed(f"{told} was not seen within {seconds:g} s") from None
        return self.view

    def _batch(self, view: dict[str, Any], stock_id: str) -> dict[str, Any] | None:
        return next((b for b in view["batches"] if b["stock_id"] == stock_id), None)

    async def _outcome(self, kind: str, after: str = "") -> dict[str, Any]:
        def fits(view: dict[str, Any]) -> bool:
            outcome = view["outcome"]
            return bool(outcome and outcome["kind"] == kind and outcome["id"] != after)

        outcome: dict[str, Any] = (await self.seen(fits, f"the outcome {kind}"))["outcome"]
        return outcome

    # 1
    async def hub_starts(self) -> str:
        """Start the hub on SQLite with the sample batches, their periods around today."""
        await self.world.start_hub()
        _, listed = await self.world.hub_command("batch", "list", "--json")
        batches = json.loads(listed)["batches"]
        must(len(batches) == 7, f"7 batches were expected, {len(batches)} are loaded")
        return f"{len(batches)} batches at {self.world.hub_url}"

    # 2
    async def kiosk_starts(self) -> str:
        """Start printer and kiosk; wait until it is accepted and has pulled everything."""
        await self.world.start_printer()
        await self.world.start_kiosk()
        self.views = await self.stack.enter_async_context(self.world.views())
        view = await self.seen(
            lambda v: v["batches"] and v["link"] and v["slip"]["enabled"], "merchant, store and batches"
        )
        status = await self.world.json("GET", f"{self.world.url}/api/v1/status")
        must(status["store"] == STORE, f"the kiosk stands in {status['store']}, not in {STORE}")
        must(re.fullmatch(r"k[0-9a-f]{20}", status["device"]), "the kiosk has no identity")
        return f"{status['device']} stands in {view['store']['name']} of {view['merchant']['name']}"

    # 3
    async def counter_page(self) -> str:
        """Look at the counter page in Chromium: code, batches, real Chinese glyphs."""
        view = self.view
        must(view["link"] == f"{self.world.hub_url}/c/{STORE}", f"the link is {view['link']}")
        must(not self._batch(view, PAUSED), "the paused batch is shown")
        shown = self._batch(view, CAPPED)
        must(
            shown and shown["left"] == 3000 and shown["value"] == 100 and shown["threshold"] == 1000,
            "满10减1 is not shown",
        )
        if self.browser is None:
            return f"{len(view['batches'])} batches; there is no Chromium, the page itself was not looked at"
        page = self.page = await self.browser.page()
        self.stack.push_async_callback(page.close)
        await page.open(f"{self.world.url}/", 1920, 1080)
        await page.until(
            "document.body.dataset.seq !== '0' && document.querySelectorAll('.ticket').length > 0", 10
        )
        png = await page.screenshot(self.out / "counter.png")
        read = eyes.codes(png).get("qr")
        must(read == view["link"], f"the code on the screen reads {read}")
        await self._glyphs(page)
        text = await page.evaluate("document.body.innerText")
        must("豆浆兑换券" not in text, "the paused batch is on the page")
        must("满" in text and view["merchant"]["name"] in text, "the page does not say what it gives")
        return f"the code opens {read}; {len(view['batches'])} batches; all glyphs from the packaged font"

    async def _glyphs(self, page: Page) -> None:
        """Assert that what people read is drawn by the packaged font, and that it has every glyph."""
        from ui.fonts import missing

        for selector in ("#merchant", "#store", "#scan", ".ticket .offer", ".ticket .when"):
            fonts = await page.fonts(selector)
            text = await page.evaluate(f"document.querySelector('{selector}').textContent")
            drawn = sum(f["glyphCount"] for f in fonts if f["isCustomFont"])
            must(fonts and all(f["isCustomFont"] for f in fonts) and drawn, f"{selector} is drawn by {fonts}")
            must(not missing(text), f"the font has no glyph for {missing(text)}")

    # 4
    async def customer_claims(self) -> str:
        """Open the link at 360 px, claim, see the code; the counter page follows within two seconds."""
        before = (self._batch(self.view, CAPPED) or {"claimed": 0})["claimed"]
        claim = self._claim_in_browser if self.browser else self._claim_by_http
        begun = await claim(CAPPED)
        await self.seen(
            lambda v: (self._batch(v, CAPPED) or {"claimed": 0})["claimed"] == before + 1,
            "the claim",
            SOON_S + 1,
        )
        late = time.monotonic() - begun
        must(late <= SOON_S, f"the claim was on the counter page after {late:.1f} s")
        await claim(NEVER)
        return f"claimed 满10减1, on the counter page after {late * 1000:.0f} ms"

    async def _claim_in_browser(self, stock_id: str) -> float:
        assert self.browser is not None
        page = await self.browser.page()
        try:
            await page.open(self.view["link"], 360, 740, scale=2, mobile=True)
            wide = await page.evaluate("document.documentElement.scrollWidth")
            must(wide <= 360, f"the customer's page is {wide} px wide at 360")
            form = f'[data-stock="{stock_id}"] form button'
            begun = time.monotonic()
            await page.follow(form)
            read = eyes.codes(await page.screenshot(whole=True))
        finally:
            await page.close()
        must(read.get("qr", "").startswith("C1:"), f"the QR on the customer's page reads {read.get('qr')}")
        must(read.get("code128"), "the barcode on the customer's page cannot be read")
        self.codes[stock_id] = read["qr"]
        return begun

    async def _claim_by_http(self, stock_id: str) -> float:
        async with self.world.http.get(self.view["link"]) as answer:
            form = re.search(r'name="form" value="([^"]+)"', await answer.text())
        must(form, "the customer's page has no form")
        assert form is not None
        begun = time.monotonic()
        body = {"form": form[1], "stock_id": stock_id}
        async with self.world.http.post(f"{self.view['link']}/claim", data=body) as answer:
            shown = re.search(r'id="readable"[^>]*>([^<]+)<', await answer.text())
        must(answer.status == 200 and shown, f"claiming answered {answer.status}")
        assert shown is not None
        self.codes[stock_id] = shown[1].strip()
        return begun

    # 5
    async def button(self) -> str:
        """Press the button; the slip comes out of both printers and its code reads back."""
        must(
            (await self.world.json("POST", f"{self.world.url}/simulator/press", {}))["ok"],
            "there is no button",
        )
        await self._outcome("printed")
        png = await self._paper()
        (self.out / "slip.png").write_bytes(png)
        control = self.world.printer_says["control"]
        async with self.world.http.get(f"{control}/_sim/raw") as answer:
            raw = await answer.read()
        (self.out / "slip.bin").write_bytes(raw)
        printed = (await self.world.json("GET", f"{control}/_sim/state"))["slips"][-1]
        must("老王便利" in printed["text"], "the slip of the TCP printer does not name the shop")
        read = eyes.codes(png)
        self.slip_code = read.get("qr", "")
        must(self.slip_code.startswith("C1:"), f"the QR on the slip reads {self.slip_code!r}")
        must(
            printed["qr"] and printed["qr"][0]["data"] == self.slip_code,
            "the two printers were given different codes",
        )
        short = read.get("code128", "")
        grouped = " ".join(short[i : i + 4] for i in range(0, len(short), 4))
        must(
            short and (short in printed["text"] or grouped in printed["text"] or printed["barcodes"]),
            "no readable code",
        )
        return f"{len(raw)} bytes of ESC/POS; QR and barcode {grouped} read back"

    async def _paper(self) -> bytes:
        """Return the newest picture of the virtual printer."""
        state = await self.world.until("/simulator/state", lambda state: state["slips"], VIEW_S)
        slips = state["slips"]
        async with self.world.http.get(f"{self.world.url}/simulator/slips/{slips[-1]}") as answer:
            return await answer.read()

    async def _scan(self, code: str) -> None:
        await self.world.json("POST", f"{self.world.url}/simulator/scan", {"text": code})

    async def _last(self, kind: str) -> dict[str, Any]:
        rows = (await self.world.json("GET", f"{self.world.url}/api/v1/journal"))["rows"]
        row: dict[str, Any] = [r for r in rows if r["kind"] == kind][-1]
        return row

    # 6
    async def redeem_online(self) -> str:
        """Scan the slip: screen, light and sound say confirmed; the threshold is for the till to check."""
        await self._scan(self.slip_code)
        outcome = await self._outcome("confirmed")
        must(outcome["hint"] == HINT, f"the screen says {outcome['hint']!r}, not {HINT!r}")
        bench = await self.world.json("GET", f"{self.world.url}/simulator/state")
        must(
            bench["lights"]["colour"] == "green" and bench["lights"]["pattern"] == "steady",
            f"the light is {bench['lights']}",
        )
        must(bench["sounds"] and bench["sounds"][-1] == "..", f"the sound is {bench['sounds'][-1:]}")
        row = await self._last("redeem_record")
        must(row["threshold"] == "unchecked" and row["verdict"] == "confirmed", f"the record says {row}")
        self.rids[row["rid"]] = SLIP
        if self.page is not None:
            await self.page.call("Page.bringToFront")
            await self.page.until("!document.querySelector('#outcome').hidden", 5)
            await self.page.screenshot(self.out / "confirmed.png")
        return f"{outcome['title']}; {outcome['hint']}; green, two beeps"

    # 7
    async def redeem_again(self) -> str:
        """Scan it again: refused, with when and where it was used first."""
        await self._scan(self.slip_code)
        outcome = await self._outcome("refused")
        must(
            "科技园南区店" in outcome["detail"] and re.search(r"\d\d:\d\d", outcome["detail"]),
            outcome["detail"],
        )
        return str(outcome["detail"])

    # 8
    async def hub_away(self) -> str:
        """Stop the hub; decide alone; start it again; everything goes up and has a verdict."""
        must(
            CAPPED in self.codes and NEVER in self.codes, "the customer has no coupons: claiming did not work"
        )
        await self.world.hub.stop()
        await self.seen(lambda v: v["status"]["hub"] == "offline", "the outage")
        await self._scan(self.codes[CAPPED])
        taken = await self._outcome("accepted")
        row = await self._last("redeem_record")
        must(row["verdict"] == "offline", f"the record says {row['verdict']}")
        self.rids[row["rid"]] = CAPPED
        await self._scan(self.codes[NEVER])
        left = await self._outcome("retry")
        await self.world.start_hub()
        await self.seen(lambda v: v["status"]["hub"] == "ok", "the hub's return", 30)
        rows = await self._settled()
        await self._scan(self.codes[NEVER])
        await self._outcome("confirmed")
        row = await self._last("redeem_record")
        self.rids[row["rid"]] = NEVER
        return f"{taken['title']}; {left['title']}; {len(rows)} rows went up, each with a verdict; afterwards it was confirmed"

    async def _settled(self) -> list[dict[str, Any]]:
        """Wait until every row of the journal has the hub's verdict."""
        told = await self.world.until(
            "/api/v1/journal",
            lambda told: told["rows"] and all(r["uploaded_at"] for r in told["rows"]),
            VIEW_S,
        )
        rows: list[dict[str, Any]] = told["rows"]
        bad = [r for r in rows if r["hub_status"] not in ("accepted", "duplicate")]
        must(not bad, f"the hub says {bad}")
        return rows

    # 9
    async def pause(self) -> str:
        """Pause a batch at the hub: it leaves the counter page within two seconds."""
        await self.world.hub_command("batch", "pause", CAPPED)
        begun = time.monotonic()
        await self.seen(lambda v: not self._batch(v, CAPPED), "the pause", SOON_S + 1)
        late = time.monotonic() - begun
        must(late <= SOON_S, f"it left after {late:.1f} s")
        if self.page is not None:
            await self.page.until(f"!document.querySelector('[data-stock=\"{CAPPED}\"]')", SOON_S)
        return f"gone after {late * 1000:.0f} ms"

    # 10
    async def posters(self) -> str:
        """Make a double-sided stand and a poster; their codes open the page of step 4."""
        link = self.view["link"]
        store = self.world.dir / "store.toml"
        store.write_text(
            f'store_id = "{STORE}"\nmerchant = "{self.view["merchant"]["name"]}"\nstore = "{self.view["store"]["name"]}"\n'
            f'category = "便利店"\naddress = "科技园南区 8 栋 101"\nurl = "{link}"\n',
            "utf-8",
        )
        read = []
        for template, name in (("stand-a6", "stand"), ("poster-a4", "poster")):
            pdf, picture = self.out / f"{name}.pdf", self.out / f"{name}.png"
            await self.world.command(
                "posters.cli",
                "make",
                template,
                "--data",
                str(store),
                "-o",
                str(pdf),
                "--preview",
                str(picture),
            )
            faces = [eyes.codes(png).get("qr") for png in await asyncio.to_thread(eyes.pages, pdf)]
            must(faces[0] == link and all(f in (link, None) for f in faces), f"{name}.pdf reads {faces}")
            read += [f for f in faces if f]
        async with self.world.http.get(read[0]) as answer:
            must(
                answer.status == 200 and "科技园南区店" in await answer.text(),
                f"{read[0]} answers {answer.status}",
            )
        return f"{len(read)} codes read back; they open {read[0]}"

    # 11
    async def export(self) -> str:
        """Export the redemptions: each of the story's once, nothing else."""
        await self._settled()
        path = self.out / "redemptions.csv"
        await self.world.hub_command("export", "redemptions", "-o", str(path))
        with path.open(encoding="utf-8-sig", newline="") as f:
            rows = list(csv.DictReader(f))
        found = sorted(r["rid"] for r in rows)
        must(found == sorted(self.rids), f"{found} are in the file, {sorted(self.rids)} were redeemed")
        must(all(r["state"] == "recorded" for r in rows), "not every redemption is recorded")
        return f"{len(rows)} redemptions"
