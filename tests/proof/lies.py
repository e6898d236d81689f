"""One kiosk and its hub on a card that lies: flushes are acknowledged and not done, then the power goes (facts: sync-fleet A7).

What must be noticed at the next contact is what anybody else knows of: an item that the hub has and the journal has not, or has
otherwise; an item that the witness of the last clean end names. What the card alone knew and lost is nowhere: no program can
find it, and P6 does not promise it.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from hub.parts import Parts
from hub.store import feed, report, upload
from kiosk.clock import ManualClock
from kiosk.coupons.ids import new_rid
from kiosk.journal.database import Check
from kiosk.journal.store import Tip
from tests.proof.card import LOSSES, Card, Cut, Replay, Told, flushes, lay
from tests.proof.check import MAX_USES
from tests.proof.cuts import FILE, RecordedDatabase, Rows, Tape, contents, reopened
from tests.proof.histories import hub_time
from tests.proof.kiosks import SimDatabase, SimKiosk
from tests.proof.loop import run, seeded
from tests.proof.net import Net, SimHub
from tests.proof.template import BEGIN, DAY, Template
from tests.proof.world import Violation

LIES = (1, 3, 6)
"""How many of the last flushes were not done."""
EVENTS = 14
LATER = timedelta(hours=1)
"""How long the power stays away."""
TRIED = 8
"""Coupons that are shown again; each costs two durable transactions."""
SETTLE_S, STEP_S, STEPS = 5, 5, 60


class TapedDatabase(RecordedDatabase, SimDatabase):
    """The simulation's database on a card that is written down."""


class TapedKiosk(SimKiosk):
    """A kiosk whose card is written down."""

    tape: Tape

    def _file(self) -> SimDatabase:
        return self.tape.database(TapedDatabase)


class LookingDatabase(SimDatabase):
    """Says what it found at the opening, before anything was mended."""

    rows: Rows

    async def open(self, check: Check | None = None) -> None:
        await super().open(check)
        self.rows = await self.read(contents)


class LookingKiosk(SimKiosk):
    """A kiosk on what a power cut has left of a card."""

    def _file(self) -> SimDatabase:
        return LookingDatabase(self.base / FILE)


class WatchedHub(SimHub):
    """Keeps its database as it was after each answer, and marks that in the card's log."""

    def __init__(self, parts: Parts, now: Callable[[], datetime], story: Story, path: Path) -> None:
        super().__init__(parts, now)
        self._story, self._path = story, path

    async def answer(self, device: str, path: str, raw: bytes) -> bytes:
        try:
            return await super().answer(device, path, raw)
        finally:
            self.keep()

    def keep(self) -> None:
        db = sqlite3.connect(self._path)
        kept = db.serialize()
        db.close()
        if not self._story.hubs or kept != self._story.hubs[-1]:
            self._story.hubs.append(kept)
            self._story.card.log.append(Told(f"hub {len(self._story.hubs) - 1}"))


@dataclass
class Story:
    """What was written to a card, and the hub's database after each of its answers."""

    seed: int
    card: Card
    told: list[Rows]
    hubs: list[bytes] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)


def _token(parts: Parts) -> str:
    return parts.database.call(parts.devices.token, "S0", 1, BEGIN)


def _kiosk(kind: type[SimKiosk], base: Path, net: Net, token: str, begin: datetime, seed: int) -> SimKiosk:
    return kind("k0", base, net, token, begin, random.Random(f"key {seed}"))


def _now(begin: datetime) -> Callable[[], datetime]:
    return lambda: begin + timedelta(seconds=asyncio.get_running_loop().time())


# -- the day that is written down --


def record(seed: int, base: Path, template: Template) -> Story:
    """Play some hours of one kiosk that is online and offline by turns, and once stopped."""
    parts = template.hub(base / "hub")
    tape = Tape(base / "card", {}, seed)
    story = Story(seed, tape.card, tape.told, codes=list(template.codes))

    async def play(rng: random.Random) -> None:
        hub = WatchedHub(parts, _now(BEGIN), story, base / "hub" / "hub.db")
        kiosk: Any = _kiosk(TapedKiosk, base / "card", Net(hub, rng), _token(parts), BEGIN, seed)
        kiosk.tape = tape
        with hub_time(hub.now), tape.running():
            hub.keep()
            await kiosk.start()
            await asyncio.sleep(SETTLE_S)
            for n in range(EVENTS):
                if n == EVENTS // 2:
                    await _stop(kiosk)
                    await kiosk.start()
                await _event(kiosk, rng, story)
            await kiosk.sync.stop()
            await kiosk.journal._db.close()

    try:
        with seeded(seed) as rng:
            run(play(rng))
    finally:
        parts.close()
    return story


async def _stop(kiosk: SimKiosk) -> None:
    await kiosk.sync.stop()
    await kiosk.journal.stop()


async def _event(kiosk: SimKiosk, rng: random.Random, story: Story) -> None:
    roll = rng.random()
    if roll < 0.25:
        kiosk.link.up = not kiosk.link.up
    elif roll < 0.4:
        code = await kiosk.journal.hand_out(new_rid(), "SLIP", "S0")
        if code is not None:
            story.codes.append(code.code)
    else:
        await kiosk.redeemer.redeem(rng.choice(story.codes), source="simulation")
    await asyncio.sleep(rng.uniform(0, 4))


# -- what a card that lies leaves --


def lies(story: Story, rng: random.Random, share: float) -> Iterator[tuple[int, Cut]]:
    """Return crash states with the number of flushes that were not done; a share of all there are."""
    card, seen = story.card, set()
    for end in range(len(card.log) + 1):
        for count in LIES:
            if rng.random() >= share:
                continue
            replay = Replay(card, frozenset(flushes(card, end)[-count:]))
            while replay.done < end:
                replay.step()
            loss = rng.choice(LOSSES)
            image = replay.cut(loss, rng)
            mark = (replay.promised, *((name, hash(content)) for name, content in image.items()))
            if replay.promised and mark not in seen:
                seen.add(mark)
                yield count, Cut(end, loss, image, replay.acked, replay.promised)


async def first_look(story: Story, cut: Cut, place: Path, clock: ManualClock) -> bool:
    """Start the kiosk alone; return whether the card has lost anything that was acknowledged, or was found damaged."""
    try:
        journal, found, told = await reopened(place, cut.image, clock)
    except Exception as err:
        raise Violation(f"P6: the journal does not start: {err!r}") from err
    await journal.stop()
    return bool(told) or found.rows not in story.told[cut.acked : cut.acked + 2]


class OldHub:
    """A hub that is put back to what it was; its statements are compiled once, which is most of its work here."""

    def __init__(self, place: Path, template: Template) -> None:
        self.parts = template.hub(place)
        self._path = place / "hub.db"

    def put_back(self, database: bytes) -> Parts:
        self.parts.database.engine.dispose()
        for end in ("-wal", "-shm"):
            Path(f"{self._path}{end}").unlink(missing_ok=True)
        self._path.write_bytes(database)
        return self.parts


class Aftermath:
    """The kiosk that starts on such a card, and the hub as it was when the power went."""

    def __init__(self, story: Story, cut: Cut, card: Path, hub: OldHub) -> None:
        self.story, self.cut, self.begin, self.card = story, cut, BEGIN + LATER, card
        shutil.rmtree(card, ignore_errors=True)
        lay(card, cut.image)
        self.parts = hub.put_back(story.hubs[int(cut.promised.split()[1])])
        self.had = self._items()
        self.changes = self._changes()

    def _rows(self, query: str) -> set[tuple[Any, ...]]:
        return self.parts.database.call(lambda c: {tuple(r) for r in c.exec_driver_sql(query)})

    def _items(self) -> set[tuple[Any, ...]]:
        return self._rows("SELECT epoch, seq, hash FROM journal")

    def _changes(self) -> int:
        return len(self._rows("SELECT id FROM audit WHERE what = 'epoch_change'"))

    async def judge(self, rng: random.Random) -> str:
        """Start, come to rest, check; return in words what the card had done. Violation names what is silent."""
        hub = SimHub(self.parts, _now(self.begin))
        net = Net(hub, rng)
        kiosk = _kiosk(LookingKiosk, self.card, net, _token(self.parts), self.begin, self.story.seed)
        with hub_time(hub.now):
            try:
                await kiosk.start()
            except Exception as err:
                raise Violation(f"P6: the kiosk does not start: {err!r}") from err
            try:
                await self._rest(kiosk)
                word = self._loss(kiosk)
                await self._knows_its_uses(kiosk)
                self._has_what_came_down(kiosk)
                self._approvals_are_listed(kiosk)
                await self._refuses_what_is_used(kiosk, rng)
            finally:
                await _stop(kiosk)
        return word

    async def _rest(self, kiosk: SimKiosk) -> None:
        for _ in range(STEPS):
            await asyncio.sleep(STEP_S)
            owes = await kiosk.journal.get("unreconciled")
            waits = (await kiosk.journal.backlog()).count
            if not waits and owes is None and not kiosk.reach.away and kiosk.reach.since_sync_s() is not None:
                return
        raise Violation(
            f"P1: the kiosk does not come to rest: {waits} wait, unreconciled {owes}, {kiosk.reach.why}"
        )

    def _loss(self, kiosk: SimKiosk) -> str:
        database: Any = kiosk.database
        found: Rows = database.rows
        items = {(r[0], r[1], r[7]) for r in found["item"]}
        noticed = self._changes() > self.changes
        if database.set_aside is not None:
            if not kiosk.journal.set_aside():
                raise Violation("P6: the damaged file is not told")
            if self.had and not noticed:
                raise Violation("P6: the journal was set aside and the hub was not told")
            return "set aside"
        epoch = next((value for name, value in found["fact"] if name == "epoch"), "")
        tip = self._tip()
        had = tip.seq if tip is not None and tip.epoch == epoch else 0
        short = had > max((seq for at, seq, _ in items if at == epoch), default=0)
        if short and kiosk.journal.epoch == epoch:
            raise Violation(f"P6: the witness says {had}, the journal ends before, and nothing was told")
        if gone := self.had - items:
            if not noticed:
                raise Violation(
                    f"P6: the hub has {len(gone)} items that the journal has lost, and nobody noticed"
                )
            self._gaps_are_listed(epoch, items, had)
            return "lost what the hub has"
        return "lost what the witness names" if short else "lost what nobody else knew"

    def _gaps_are_listed(self, epoch: str, items: set[tuple[Any, ...]], had: int) -> None:
        """The hub's note names by number what the journal has lost: what the hub has, and what nobody has."""
        ours = {seq: mark for at, seq, mark in items if at == epoch}
        known = {seq: mark for at, seq, mark in self.had if at == epoch}
        lost = {n for n, mark in known.items() if ours.get(n) != mark}
        gone = set(range(max(known, default=0) + 1, had + 1)) - set(ours)
        query = "SELECT detail FROM audit WHERE what = 'epoch_change' ORDER BY id DESC LIMIT 1"
        told = json.loads(next(iter(self._rows(query)))[0])
        found = [{n for a, b in told.get(name, ()) for n in range(a, b + 1)} for name in ("lost", "gone")]
        if (told["before"], *found) != (epoch, lost, gone):
            raise Violation(f"P6: lost {lost}, gone {gone} of {epoch}; the hub's note says {told}")

    def _tip(self) -> Tip | None:
        raw = self.cut.image.get("tip")
        try:
            return None if raw is None else msgspec.json.decode(raw, type=Tip)
        except msgspec.DecodeError:
            return None

    async def _knows_its_uses(self, kiosk: SimKiosk) -> None:
        known = self._rows("SELECT rid FROM attempts WHERE state IN ('recorded', 'conflict')")
        used = {(r["rid"],) for r in kiosk.rows("SELECT rid FROM used")}
        if missing := known - used:
            raise Violation(f"P6: the kiosk would decide alone without {len(missing)} of its own uses")

    def _has_what_came_down(self, kiosk: SimKiosk) -> None:
        """No batch, code or setting is missing or older than the hub's: the position alone would not tell."""
        pos, more, wanted = "", True, {}
        while more:
            pos, more, page = self.parts.database.call(feed.since, self.parts.tenant, kiosk.device, pos)
            wanted.update({(c.type, c.id): c.rev if c.op == "put" else 0 for c in page})
        found = {(r["type"], r["id"]): r["rev"] for r in kiosk.rows("SELECT type, id, rev FROM object")}
        if missing := [name for name, rev in wanted.items() if rev and found.get(name) != rev]:
            raise Violation(
                f"P6: {missing} came down, the card has lost it, and the kiosk does not ask for it"
            )

    def _approvals_are_listed(self, kiosk: SimKiosk) -> None:
        """An approval that the card has lost holds a use: it is on the operator's list, at the latest a day later."""
        held = {r[0] for r in self._rows("SELECT rid FROM attempts WHERE state = 'ok'")}
        tenant, later = self.parts.tenant, self.begin + 2 * DAY
        self.parts.database.call(upload.touch, tenant, kiosk.device, later)
        listed = {r["rid"] for r in self.parts.database.call(report.unconfirmed, tenant)}
        if missing := held - listed:
            raise Violation(f"P6: the approvals {sorted(missing)} hold a use, and no operator sees them")

    async def _refuses_what_is_used(self, kiosk: SimKiosk, rng: random.Random) -> None:
        """What this kiosk has redeemed it does not honour again without the hub."""
        kiosk.link.up = False
        for code in rng.sample(self.story.codes, TRIED):
            await kiosk.redeemer.redeem(code, source="simulation")
        most = dict(
            self._rows(
                "SELECT c.batch || '-' || c.serial, b.stock_id FROM coupons c JOIN batches b ON b.number = c.batch"
            )
        )
        for r in kiosk.rows("SELECT coupon, count(*) AS n FROM used GROUP BY coupon"):
            if r["n"] > MAX_USES[most[r["coupon"]]]:
                raise Violation(f"P2: {r['coupon']} was honoured {r['n']} times")
