from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kiosk.sync import client, exchange, service
from tests.sync.proxy import Proxy
from tests.sync.shop import Kiosk, Shop

MakeKiosk = Callable[..., Awaitable[Kiosk]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten pauses: what is tested is their order, not their length."""
    monkeypatch.setattr(service, "PROBE_S", (0.02, 0.1))
    monkeypatch.setattr(service, "BACK_OFF_S", (0.02, 0.1))
    monkeypatch.setattr(service, "PENDING_S", (0.02, 0.1))
    monkeypatch.setattr(service, "REVOKED_S", (0.02, 0.1))
    monkeypatch.setattr(service, "STORM_S", (0.02, 0.1))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the deadlines of calls too, where a request is lost on purpose."""
    monkeypatch.setattr(client, "CALL_S", 1.0)
    monkeypatch.setattr(exchange, "PROBE_S", 1.0)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    (tmp_path / "hub").mkdir()
    shop = Shop(tmp_path / "hub")
    await shop.start()
    yield shop
    await shop.stop()


@pytest.fixture
async def proxy(shop: Shop) -> AsyncIterator[Proxy]:
    proxy = Proxy(shop.hub.port)
    await proxy.up()
    yield proxy
    await proxy.down()


@pytest.fixture
async def make(shop: Shop, proxy: Proxy, tmp_path: Path) -> AsyncIterator[MakeKiosk]:
    """Make kiosks that are let in and in step; all are stopped at the end."""
    made: list[Kiosk] = []

    async def one(name: str = "k1", *, store: str | None = "S1", start: bool = True, **more: Any) -> Kiosk:
        token = more.pop("token", None) or await shop.token(store)
        kiosk = Kiosk(tmp_path / name, more.pop("url", proxy.url), token, **more)
        made.append(kiosk)
        return await kiosk.start() if start else kiosk

    yield one
    for kiosk in made:
        await kiosk.stop()


@pytest.fixture
async def kiosk(make: MakeKiosk) -> Kiosk:
    return await make()
