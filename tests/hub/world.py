"""What tests of the hub act with: a kiosk that signs, journals that chain, coupons."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.parts import Parts, now
from hub.server import Hub
from hub.store.coupons import Issued
from kiosk.coupons.ids import new_rid
from kiosk.sync import protocol as p

SAMPLE = Path(str(resources.files("simulators.demo") / "sample-batches.json"))
CAPPED, NEVER, SLIP, CASH, LEASE = (
    "1286950000000039",
    "1286950000000047",
    "HK-SLIP-0001",
    "16246120",
    "1286950000000054",
)
DEADLINE_S = 15.0
on_both = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
"""For a test whose matter the databases could see differently."""


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def stamp(at: datetime | None = None) -> p.Stamp:
    at = at or now()
    return p.Stamp(wall=at, mono=1.0, boot="b", trusted=at, error_s=0.5)


class Journal:
    """One epoch of a kiosk's journal."""

    def __init__(self, epoch: str = "") -> None:
        self.epoch = epoch or secrets.token_hex(8)
        self.items: list[p.Item] = []

    @property
    def tip(self) -> str:
        return self.items[-1].hash if self.items else p.GENESIS

    def add(
        self, kind: Any, rid: str = "", body: dict[str, Any] | None = None, t: p.Stamp | None = None
    ) -> p.Item:
        rid, t, seq = rid or new_rid(), t or stamp(), len(self.items) + 1
        item = p.Item(seq, kind, rid, body or {}, t, p.item_hash(self.tip, seq, kind, rid, body or {}, t))
        self.items.append(item)
        return item

    def record(self, coupon: str, rid: str = "", **body: Any) -> p.Item:
        told = {
            "code": "x",
            "coupon": coupon,
            "stock_id": CAPPED,
            "store": "kjy-south",
            "verdict": "offline",
            "policy": "capped",
        }
        return self.add(
            "redeem_record",
            rid,
            {**told, "value": 100, "total": None, "threshold": "unchecked", "source": "scan", **body},
        )

    def run(self, first: int = 1, last: int | None = None) -> p.Upload:
        items = tuple(self.items[first - 1 : last])
        return p.Upload(self.epoch, first, p.GENESIS if first == 1 else self.items[first - 2].hash, items)


def encoded(upload: p.Upload | dict[str, Any]) -> bytes:
    return msgspec.json.encode(upload)


class Kiosk:
    """A kiosk as the hub sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()
        self.device = p.device_id(self.public)
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE_S))

    async def close(self) -> None:
        await self.http.close()

    def headers(
        self, method: str, path: str, raw: bytes, when: int | None = None, nonce: str = ""
    ) -> dict[str, str]:
        when = int(now().timestamp()) if when is None else when
        nonce = nonce or secrets.token_urlsafe(16)
        mark = self.key.sign(p.signed_text(method, path, when, nonce, raw))
        return {
            "Kiosk-Device": self.device,
            "Kiosk-Time": str(when),
            "Kiosk-Nonce": nonce,
            "Kiosk-Signature": b64(mark),
        }

    async def send(
        self, method: str, path: str, raw: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        async with self.http.request(method, self.url + path, data=raw, headers=headers) as answer:
            return answer.status, json.loads(await answer.read())

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        raw = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        path = "/v1/device/" + path
        return await self.send(method, path, raw, self.headers(method, path, raw))

    async def enrol(self, token: str | None = None, name: str = "till") -> tuple[int, dict[str, Any]]:
        nonce = secrets.token_urlsafe(16)
        body = p.Enrol(
            b64(self.public),
            b64(self.key.sign(p.enrol_text(nonce, token))),
            nonce,
            name,
            token,
            {"board": "1"},
        )
        return await self.send("POST", "/v1/device/enrol", msgspec.json.encode(body), {})

    async def ask(self, code: str, rid: str = "", **more: Any) -> dict[str, Any]:
        status, told = await self.call(
            "POST", "redeem", {"rid": rid or new_rid(), "code": code, "store": "kjy-south", **more}
        )
        assert status == 200, told
        return told

    async def upload(self, run: p.Upload) -> dict[str, Any]:
        status, told = await self.call("POST", "journal", run)
        assert status == 200, told
        return told

    async def changes(self, after: str = "", limit: int = 500) -> tuple[str, list[dict[str, Any]]]:
        found, more = [], True
        while more:
            status, told = await self.call("GET", f"changes?after={after}&limit={limit}")
            assert status == 200, told
            after, more = told["pos"], told["more"]
            found += told["items"]
        return after, found


def opened(hub: Hub) -> Parts:
    assert hub.parts is not None
    return hub.parts


async def let_in(hub: Hub, store: str) -> Kiosk:
    parts = opened(hub)
    token = await parts.database.run(parts.devices.token, store, 1, now())
    kiosk = Kiosk(hub.url)
    status, told = await kiosk.enrol(token)
    assert (status, told["state"]) == (200, "accepted")
    return kiosk


def issue(parts: Parts, stock_id: str, count: int = 1, openid: str | None = None) -> list[Issued]:
    return parts.database.call(parts.coupons.list_out, stock_id, count, openid, now())


async def issued(hub: Hub, stock_id: str, count: int = 1, openid: str | None = None) -> list[Issued]:
    return await asyncio.to_thread(issue, opened(hub), stock_id, count, openid)


def batch(stock_id: str = "B1", **more: Any) -> dict[str, Any]:
    """Return a batch for a file; it runs for a year around now."""
    year = datetime.now(UTC).year
    return {
        "stock_id": stock_id, "product": "merchant_coupon", "name": "满10减1", "value": 100, "threshold": 1000,
        "begins": f"{year - 1}-01-01T00:00:00+08:00", "ends": f"{year + 1}-12-31T23:59:59+08:00", **more,
    }  # fmt: skip


def batch_file(*batches: dict[str, Any], stores: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    return {
        "merchant": {"name": "老王便利店"},
        "stores": list(stores)
        or [{"id": "kjy-south", "name": "科技园南区店"}, {"id": "renmin", "name": "人民路店"}],
        "batches": list(batches),
    }
