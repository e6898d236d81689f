"""A counter of its own: real journal, a hub that says what it is told to say, codes signed with a key of this test."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.clock import ManualClock
from kiosk.counter.authority import Decision, Question, ShutOut, Silent
from kiosk.counter.redeem import Redeemer
from kiosk.counter.result import Place
from kiosk.coupons import code as codes
from kiosk.coupons.batch import Batch, Offline, Store
from kiosk.coupons.record import Change, PoolCode
from kiosk.events import Bus, Outcome
from kiosk.journal.store import Journal

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
STORE = Store("S0001", "老王便利店", link="https://q.example.test/c/S0001", home_kiosk="k1")
SLOT = 1


def batch(stock_id: str = "CAP", number: int = 1, **more: Any) -> Batch:
    return Batch(
        **{
            "stock_id": stock_id,
            "number": number,
            "product": "merchant_coupon",
            "name": "满20减3",
            "value": 300,
            "threshold": 2000,
            "begins": NOW - timedelta(days=10),
            "ends": NOW + timedelta(days=10),
            "offline": Offline("capped", count=2, value=5000, max_age_s=3600),
            **more,
        }
    )


CAPPED = batch()
NEVER = batch("NEVER", 2, offline=Offline("never"))
HOME = batch("HOME", 3, product="slip_coupon", offline=Offline("home"))
LEASE = batch("LEASE", 4, offline=Offline("lease", quota=10))


def put(kind: str, name: str, body: Any, rev: int = 1) -> Change:
    return Change("put", kind, name, rev, msgspec.to_builtins(body))  # type: ignore[arg-type]


class Hub:
    """Answers as the test says: `ok`, `deny`, `silent` or `away`; remembers what it was asked."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[Question] = []
        self.answer: Callable[[Question], Decision] = lambda q: Decision(status="ok")
        self.hold: asyncio.Event | None = None
        self.waiting = asyncio.Event()

    async def decide(self, question: Question, deadline_s: float) -> Decision:
        self.asked.append(question)
        self.waiting.set()
        if self.hold is not None:
            await self.hold.wait()
        return self.answer(question)

    def silent(self) -> None:
        def say(_: Question) -> Decision:
            raise Silent("no answer")

        self.answer = say

    def shut_out(self) -> None:
        def say(_: Question) -> Decision:
            raise ShutOut("this kiosk is revoked")

        self.answer = say

    def deny(self, reason: Any, **more: Any) -> None:
        self.answer = lambda q: Decision(status="deny", reason=reason, **more)


@dataclass
class Counter:
    """Everything at one counter."""

    journal: Journal
    clock: ManualClock
    bus: Bus
    hub: Hub = field(default_factory=Hub)
    since_sync: float | None = 10.0
    device: str = "k1"
    store: Store | None = STORE
    locale: str = "zh_CN"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.bus.on(Outcome, self.outcomes.append)
        self.redeemer = self.new_redeemer()

    def new_redeemer(self) -> Redeemer:
        return Redeemer(self.journal, self.hub, self.bus, self.clock, self.place, lambda: self.since_sync)

    async def place(self) -> Place:
        return Place(self.device, self.store, self.locale)

    async def stock(self, *batches: Batch) -> None:
        """Let batches, the store and the code key come down."""
        public = base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw()).decode()
        changes = [put("batch", b.stock_id, b) for b in batches]
        changes += [
            put("store", STORE.id, STORE),
            put("key", str(SLOT), {"slot": SLOT, "public_key": public}),
            put("setting", "code_key", {"value": "00" * 16}),
        ]
        await self.journal.apply("p1", changes)

    def code(self, serial: int, of: Batch = CAPPED) -> str:
        return codes.sign(self.key, slot=SLOT, batch=of.number, serial=serial, not_after=of.ends.date())

    async def redeem(self, text: str, **more: Any) -> Any:
        async with asyncio.timeout(30):
            return await self.redeemer.redeem(text, source="test", **more)

    async def kinds(self) -> list[tuple[str, str]]:
        """Return the journal's rows as kind and reason, why or verdict."""
        run = await self.journal.pending()
        return [
            (i.kind, i.body.get("reason") or i.body.get("why") or i.body.get("verdict") or "")
            for i in (run.items if run else ())
        ]

    @property
    def last(self) -> Outcome:
        return self.outcomes[-1]


def slips(n: int, of: Batch = HOME, first: int = 1) -> list[PoolCode]:
    return [PoolCode(f"{of.number}-{i}", f"C1:{i}", codes.new_short()) for i in range(first, first + n)]


def all_bytes(directory: Path) -> bytes:
    """Return everything below a directory, as a thief with the card would read it."""
    return b"".join(p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file())
