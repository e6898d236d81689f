"""A hub that no file of batches was loaded into yet: it answers kiosks, so that none takes it for an outage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.batch_file import read_file, shifted
from hub.config import Settings
from hub.parts import now
from hub.server import Hub
from kiosk.coupons.ids import new_rid

from .world import CAPPED, SAMPLE, Kiosk, issued, opened


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        listen="127.0.0.1:0",
        database=f"sqlite:///{tmp_path}/hub.db",
        secret_key_file=str(tmp_path / "hub.key"),
        public_url="https://q.example.test",
    )


@pytest.fixture
async def kiosk(hub: Hub) -> AsyncIterator[Kiosk]:
    """A kiosk that was let in without a store, since there is none."""
    parts = opened(hub)
    made = Kiosk(hub.url)
    status, told = await made.enrol(await parts.database.run(parts.devices.token, None, 1, now()))
    assert (status, told["state"]) == (200, "accepted")
    yield made
    await made.close()


@pytest.mark.parametrize("code", ["ABCDEFGH", "6901234567892", "16246120"])
async def test_a_code_is_denied_not_unanswered(kiosk: Kiosk, code: str) -> None:
    ask = {"rid": new_rid(), "code": code, "store": ""}
    status, told = await kiosk.call("POST", "redeem", ask)
    assert (status, told["status"], told["reason"]) == (200, "deny", "unknown_code")
    assert (await kiosk.call("POST", "redeem", ask))[1]["reason"] == "unknown_code"


async def test_the_first_codes_are_known_once_a_merchant_is_there(hub: Hub, kiosk: Kiosk) -> None:
    assert (await kiosk.ask("ABCDEFGH"))["reason"] == "unknown_code"
    parts = opened(hub)
    await parts.database.run(parts.catalog.load, shifted(read_file(SAMPLE).file, now()))
    [coupon] = await issued(hub, CAPPED)
    assert (await kiosk.ask(coupon.short, total=2500))["status"] == "ok"
