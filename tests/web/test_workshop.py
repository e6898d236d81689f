"""The maker of posters: one process, ended when idle, replaced when it dies."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kiosk.web.workshop import Workshop
from tests.web.rig import eventually

DATA = {"store_id": "S0001", "merchant": "老王便利店", "url": "https://q.example.cn/c/S0001"}


async def make(shop: Workshop, tmp_path: Path, **changes: str) -> object:
    return await shop.make(
        "stand-a6",
        {**DATA, **changes},
        tmp_path / "a.pdf",
        look="warm",
        profile="office",
        preview=tmp_path / "a.png",
    )


async def test_makes_refuses_and_survives_a_killed_worker(tmp_path: Path) -> None:
    shop = Workshop()
    try:
        made = await make(shop, tmp_path)
        assert made.verdict == "printable"  # type: ignore[attr-defined]
        assert (tmp_path / "a.pdf").read_bytes()[:5] == b"%PDF-"
        refused = await make(shop, tmp_path, merchant="店" * 41)
        assert refused.verdict == "refuse"  # type: ignore[attr-defined]
        assert refused.findings("en")  # type: ignore[attr-defined]
        worker = shop._worker
        assert worker is not None
        worker.kill()
        await worker.wait()
        assert (await make(shop, tmp_path)).verdict == "printable"  # type: ignore[attr-defined]
    finally:
        await shop.stop()
    assert not shop.running


async def test_an_idle_worker_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.web.workshop.IDLE_S", 0.01)
    shop = Workshop()
    try:
        await make(shop, tmp_path)
        worker = shop._worker
        if worker is not None:
            async with asyncio.timeout(20):
                await worker.wait()
        await eventually(lambda: not shop.running)
    finally:
        await shop.stop()


async def test_a_worker_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.web.workshop.MAKE_S", 0.0)
    shop = Workshop()
    try:
        assert "try again" in (await make(shop, tmp_path)).refusal("en")  # type: ignore[attr-defined]
        assert not shop.running
    finally:
        await shop.stop()
