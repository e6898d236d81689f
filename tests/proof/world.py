"""One history of a fleet, drawn from a seed: scans, slips, rollbacks, outages, kills, wrong clocks, older copies of cards."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from hub.errors import Refused
from hub.parts import Parts
from hub.store import feed
from kiosk.coupons.ids import new_rid
from kiosk.events import Outcome
from tests.proof.kiosks import SimKiosk
from tests.proof.net import Net, SimHub
from tests.proof.template import BEGIN, COUNT_CAP, KIOSKS, MAX_AGE_S, VALUE_CAP

EVENTS = 60
EVERY_S = 0.7
"""Mean time between events."""
HUB_OFF_S = (0, 0, 0, -20, 20, -1500, 1500, -2 * 86_400, 2 * 86_400)
"""How wrong the hub's clock may be after a jump."""


class Violation(AssertionError):
    """A promise was broken; the message says which and where."""


@dataclass
class Honoured:
    """A redemption that a kiosk has made durable."""

    kiosk: SimKiosk
    rid: str
    coupon: str
    stock_id: str
    value: int
    verdict: str
    state: str
    lost: bool = False
    """It is not in the older copy that took the card's place: whether the hub heard of it is the hub's to know."""


class World:
    """A hub, a few kiosks, the network between, and what truly happened."""

    def __init__(
        self, rng: random.Random, parts: Parts, codes: list[str], base: Path, *, restores: bool
    ) -> None:
        self.rng, self.parts, self.base, self.restores = rng, parts, base, restores
        self.codes = list(codes)
        self.hub = SimHub(parts, self.now)
        self.net = Net(self.hub, rng)
        self.ledger: dict[str, Honoured] = {}
        self.changes_expected: dict[str, int] = {}
        self.slips: set[str] = set()
        self.copies: dict[str, Path] = {}
        self.kiosks: list[SimKiosk] = []
        self.later: set[asyncio.Task[None]] = set()
        self.failures: list[BaseException] = []
        self.tally: Counter[str] = Counter()
        self.hub_off = timedelta(0)

    def now(self) -> datetime:
        """Return the time as the hub sees it."""
        return BEGIN + timedelta(seconds=asyncio.get_running_loop().time()) + self.hub_off

    async def begin(self, kiosks: int = KIOSKS, cards: Path | None = None) -> None:
        """Start kiosks: new ones, or those that the hub has let in, on copies of their cards."""
        for n in range(kiosks):
            token = ""
            if cards is None:
                token = self.parts.database.call(self.parts.devices.token, f"S{n}", 1, BEGIN)
            else:
                shutil.copytree(cards / f"k{n}", self.base / f"k{n}")
            kiosk = SimKiosk(f"k{n}", self.base / f"k{n}", self.net, token, BEGIN, self.rng)
            kiosk.said = partial(self._said, kiosk)
            self.kiosks.append(kiosk)
            await kiosk.start()
        await asyncio.sleep(5)

    async def live(self, events: int = EVENTS, every_s: float = EVERY_S) -> None:
        """Let things happen; `every_s` is the mean time between them."""
        happenings = [
            (self._scan, 12), (self._slip, 2), (self._undo, 1), (self._hub_undo, 1), (self._weather, 4), (self._kill, 2), (self._clock, 1),
            (self._hub_away, 1), (self._hub_clock, 1), (self._pause, 1), (self._copy, 1 if self.restores else 0), (self._restore, 1 if self.restores else 0),
        ]  # fmt: skip
        doing, weights = zip(*happenings, strict=True)
        for _ in range(events):
            await asyncio.sleep(self.rng.expovariate(1 / every_s))
            await self.rng.choices(doing, weights)[0]()

    # -- what happens --

    def _one(self, alive: bool = True) -> SimKiosk | None:
        some = [k for k in self.kiosks if k.alive == alive]
        return self.rng.choice(some) if some else None

    async def _scan(self) -> None:
        """A customer shows a coupon; now and then two at once show the same one."""
        code = self.rng.choice(self.codes)
        for _ in range(1 + (self.rng.random() < 0.25)):
            if (kiosk := self._one()) is not None:
                task = asyncio.create_task(self._redeem(kiosk, code), name="scan")
                kiosk.scans.add(task)
                task.add_done_callback(kiosk.scans.discard)

    async def _redeem(self, kiosk: SimKiosk, code: str) -> None:
        life = kiosk.lives
        try:
            told = await kiosk.redeemer.redeem(code, source="simulation")
        except Exception as err:  # noqa: BLE001  (told at the end of the history)
            self.failures.append(err)
            return
        self.tally[told.reason or told.verdict] += 1
        self.tally[f"{told.verdict}: {told.batch}"] += 1
        if told.verdict in ("confirmed", "offline") and (kiosk.alive and kiosk.lives == life):
            self.collect(kiosk)
            if told.rid not in self.ledger:
                self.failures.append(
                    Violation(f"P1: {kiosk.name} said {told.verdict} and nothing is durable")
                )
            elif told.verdict == "offline":
                self._exposed(kiosk, told.rid)

    def _said(self, kiosk: SimKiosk, told: Outcome) -> None:
        """Check P1 as the counter is told: what is shown as accepted is durable by then, or a kill would take it back."""
        if told.kind in ("confirmed", "accepted"):
            found = kiosk.rows(f"SELECT state FROM attempt WHERE rid = '{told.rid}'")
            if [r["state"] for r in found] not in (["recorded"], ["rolled_back"]):
                self.failures.append(
                    Violation(f"P1: {kiosk.name} showed {told.kind} for {told.rid} before it was durable")
                )

    def _exposed(self, kiosk: SimKiosk, rid: str) -> None:
        """Check P7 as the kiosk accepts: by what the hub has not heard of, not by the kiosk's own count."""
        stock = self.ledger[rid].stock_id
        if stock not in ("CAPPED", "TWICE"):
            return
        # What a lost card held is from before the last sync: without one an older copy decides nothing alone.
        mine = [
            h
            for h in self.ledger.values()
            if h.kiosk is kiosk and h.stock_id == stock and h.verdict == "offline" and not h.lost
        ]
        known = self.hub_rows(
            "SELECT rid FROM attempts WHERE state IN ('recorded', 'conflict', 'rolled_back')"
        )
        unheard = [h for h in mine if (h.rid,) not in known and h.state == "recorded"]
        if len(unheard) > COUNT_CAP or sum(h.value for h in unheard) > VALUE_CAP:
            self.failures.append(
                Violation(f"P7: {kiosk.name} has {len(unheard)} uses of {stock} that nobody knows")
            )
        silence = asyncio.get_running_loop().time() - self.net.heard.get(kiosk.device, -1e9)
        if silence > MAX_AGE_S + 2:
            self.failures.append(
                Violation(f"P7: {kiosk.name} decided alone after {silence:.0f} s without the hub")
            )

    async def _slip(self) -> None:
        if (kiosk := self._one()) is not None:
            database = kiosk.database
            try:
                async with asyncio.timeout(1):
                    code = await kiosk.journal.hand_out(new_rid(), "SLIP", "S0")
            except TimeoutError:
                assert database.dead
                return
            if code is not None:
                self.slips.add(code.coupon)
                self.codes.append(code.code)

    async def _undo(self) -> None:
        kiosk = self._one()
        if kiosk is None:
            return
        self.collect(kiosk)
        mine = [
            h.rid for h in self.ledger.values() if h.kiosk is kiosk and h.state == "recorded" and not h.lost
        ]
        if mine:
            await kiosk.journal.rollback(self.rng.choice(mine), new_rid(), "wrong customer", "clerk")

    async def _hub_undo(self) -> None:
        """An operator undoes a redemption that the hub has; its kiosk hears of it when it can."""
        known = sorted(self.hub_rows("SELECT rid FROM attempts WHERE state IN ('recorded', 'conflict')"))
        if known and self.rng.random() < 0.5:
            acts, (rid,) = self.parts.acts, self.rng.choice(known)
            self.parts.database.call(acts.roll_back, rid, "wrong customer", "boss", self.now())
            self.tally["undone at the hub"] += 1
            self.hub.ring()

    async def _weather(self) -> None:
        """Change one kiosk's way to the hub, or make it good again."""
        link, rng = self.rng.choice(self.kiosks).link, self.rng
        link.up = rng.random() < 0.6
        link.loss = rng.choice([0, 0, 0.1, 0.4])
        link.double = rng.choice([0, 0.1, 0.5])
        link.slow_s = rng.choice([0.05, 0.05, 0.5, 3.0])

    async def _kill(self) -> None:
        if (kiosk := self._one()) is not None:
            await kiosk.kill()
            self.tally["kills"] += 1
            self.collect(kiosk)
            self._soon(self._back(kiosk))

    async def _back(self, kiosk: SimKiosk) -> None:
        await asyncio.sleep(self.rng.expovariate(1 / 3))
        if not kiosk.alive:
            await kiosk.start()

    async def _clock(self) -> None:
        """The calendar jumps; in a running kiosk, or for the next start."""
        kiosk = self.rng.choice(self.kiosks)
        kiosk.off = timedelta(days=self.rng.choice([-20000, -400, 0, 0, 400]))
        if kiosk.alive:
            kiosk.clock.off = kiosk.off

    async def _hub_clock(self) -> None:
        """The hub's clock jumps: within what clocks may be off (hub/store/leases.py), and now and then far beyond."""
        self.hub_off = timedelta(seconds=self.rng.choice(HUB_OFF_S))
        self.tally["the hub's clock jumps"] += self.hub_off != timedelta(0)

    async def _hub_away(self) -> None:
        self.hub.up = False

        async def back() -> None:
            await asyncio.sleep(self.rng.expovariate(1 / 5))
            self.hub.up = True

        self._soon(back())

    async def _pause(self) -> None:
        stock = self.rng.choice(["NEVER", "CAPPED"])
        status = self.rng.choice(["paused", "running", "running"])
        self.parts.database.call(self.parts.catalog.set_status, stock, status)
        self.hub.ring()

    async def _copy(self) -> None:
        kiosk = self.rng.choice(self.kiosks)
        self.copies[kiosk.name] = self.base / f"copy-{kiosk.name}"
        kiosk.copy(self.copies[kiosk.name])

    async def _restore(self) -> None:
        """An older copy of the card takes its place."""
        kiosk = self.rng.choice(self.kiosks)
        if kiosk.name not in self.copies:
            return
        if kiosk.alive:
            await kiosk.kill()
        self.collect(kiosk)
        kiosk.restore(self.copies[kiosk.name])
        self.tally["older cards"] += 1
        kept = {r["rid"]: r["state"] for r in kiosk.rows("SELECT rid, state FROM attempt")}
        for h in self.ledger.values():
            if h.kiosk is kiosk and kept.get(h.rid) != h.state:
                h.lost = True
        tip = kiosk.rows(
            "SELECT fact.value AS epoch, coalesce(max(seq), 0) AS seq FROM fact LEFT JOIN item ON item.epoch = fact.value"
            " WHERE fact.name = 'epoch'"
        )[0]
        query = f"SELECT seq FROM epochs WHERE device = '{kiosk.device}' AND epoch = '{tip['epoch']}'"
        seen = self.hub_rows(query)
        if seen and min(seen)[0] > tip["seq"]:
            self.changes_expected[kiosk.name] = self.epoch_changes(kiosk) + 1
        self._soon(self._back(kiosk))

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work, name="later")
        self.later.add(task)
        task.add_done_callback(self.later.discard)

    # -- what is known --

    def hub_rows(self, query: str) -> set[Any]:
        return self.parts.database.call(lambda c: {tuple(r) for r in c.exec_driver_sql(query)})

    def epoch_changes(self, kiosk: SimKiosk) -> int:
        return len(
            self.hub_rows(f"SELECT id FROM audit WHERE what = 'epoch_change' AND actor = '{kiosk.device}'")
        )

    def collect(self, kiosk: SimKiosk) -> None:
        """Take what a kiosk has made durable into the record of the truth."""
        query = "SELECT rid, coupon, stock_id, value, verdict, state FROM attempt WHERE state IN ('recorded', 'rolled_back')"
        for r in kiosk.rows(query):
            known = self.ledger.get(r["rid"])
            if known is None:
                self.ledger[r["rid"]] = Honoured(
                    kiosk, r["rid"], r["coupon"], r["stock_id"], r["value"], r["verdict"], r["state"]
                )
            elif not known.lost:
                known.state = r["state"]

    # -- the end --

    async def rest(self) -> None:
        """Make everything good and wait until nothing moves."""
        while self.later:
            await asyncio.wait(self.later)
        self.hub.up, self.hub_off = True, timedelta(0)
        for kiosk in self.kiosks:
            link = kiosk.link
            link.up, link.loss, link.double, link.slow_s = True, 0.0, 0.0, 0.02
            if not kiosk.alive:
                await kiosk.start()
            if kiosk.scans:
                await asyncio.wait(set(kiosk.scans))
        for _ in range(200):
            await asyncio.sleep(5)
            if self.net.failures:
                raise self.net.failures[0]
            if all([await self._quiet(k) for k in self.kiosks]) and not await self._overtaken():
                return
        raise Violation(
            "P1: a kiosk does not come to rest: " + ", ".join([await self._how(k) for k in self.kiosks])
        )

    async def _overtaken(self) -> bool:
        """Let kiosks meet the hub again that a late request of a life before their older card has overtaken; return whether any was.

        It is at the next contact that both ends are compared (P6), and here there may be none for hours.
        """
        found = False
        for kiosk in self.kiosks:
            ends = await kiosk.journal.ends()
            where = f"device = '{kiosk.device}' AND epoch = '{ends.epoch}'"
            there = max(self.hub_rows(f"SELECT seq FROM epochs WHERE {where}"), default=(0,))
            if kiosk.restored and there[0] > ends.tip:
                self.changes_expected[kiosk.name] = self.epoch_changes(kiosk) + 1
                await kiosk.kill()
                await kiosk.start()
                found = True
        return found

    async def _quiet(self, kiosk: SimKiosk) -> bool:
        waits = (await kiosk.journal.backlog()).count
        owes = await kiosk.journal.get("unreconciled")
        reached = not kiosk.reach.away and kiosk.reach.since_sync_s() is not None
        return not waits and owes is None and reached and not await self._behind(kiosk)

    async def _behind(self, kiosk: SimKiosk) -> bool:
        """Tell whether the hub has something for a kiosk still: a wake-up that was lost is asked for anew after a minute."""
        pos, since = await kiosk.journal.pos(), feed.since
        try:
            return bool(self.parts.database.call(since, self.parts.tenant, kiosk.device, pos, 1)[2])
        except Refused:
            return True

    @staticmethod
    async def _how(kiosk: SimKiosk) -> str:
        backlog, owes = await kiosk.journal.backlog(), await kiosk.journal.get("unreconciled")
        return f"{kiosk.name}: {backlog.count} wait, unreconciled {owes}, away {kiosk.reach.away} ({kiosk.reach.why})"

    def count(self) -> None:
        """Note what came of it at the hub."""
        for state, n in self.hub_rows("SELECT state, count(*) FROM attempts GROUP BY state"):
            self.tally[f"hub: {state}"] += n
        for what, n in self.hub_rows("SELECT what, count(*) FROM audit GROUP BY what"):
            self.tally[f"audit: {what}"] += n

    async def end(self) -> None:
        for kiosk in self.kiosks:
            if kiosk.alive:
                await kiosk.sync.stop()
                await kiosk.journal.stop()
