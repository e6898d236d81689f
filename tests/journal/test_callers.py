"""Programs with a token, and answers kept for who asks again: across restarts, and saved from a damaged file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from kiosk.clock import ManualClock
from kiosk.journal.answers import KEPT, Told
from kiosk.journal.clients import Client, ClientNameTaken
from kiosk.journal.store import Journal

from .conftest import NOW
from .test_salvage import damage, mended, pages_of

Open = Callable[..., Awaitable[Journal]]


def client(name: str = "till 1", number: str = "c1") -> Client:
    return Client(id=number, name=name, digest="d" * 64, scopes=("read", "redeem"), made_at=NOW)


async def test_a_program_is_let_in_once_by_its_name_and_again_after_its_token_was_revoked(
    opened: Open,
) -> None:
    journal = await opened()
    await journal.add_client(client())
    with pytest.raises(ClientNameTaken):
        await journal.add_client(client(number="c2"))
    revoked = await journal.revoke_client("till 1")
    assert revoked is not None
    assert revoked.id == "c1"
    assert await journal.revoke_client("till 1") is None
    await journal.add_client(client(number="c2"))
    found = await journal.clients()
    assert [(c.id, c.revoked_at is None) for c in found] == [("c2", True), ("c1", False)]
    assert (await journal.client("c2")) == client(number="c2")
    assert await journal.client("c3") is None


async def test_a_program_is_seen_once_a_day(opened: Open) -> None:
    journal = await opened()
    await journal.add_client(client())
    await journal.see_client(client(), "2026-11-24")
    seen = await journal.client("c1")
    assert seen is not None
    assert seen.seen == "2026-11-24"
    changes = await journal._db.read(lambda db: db.total_changes)
    await journal.see_client(seen, "2026-11-24")
    assert await journal._db.read(lambda db: db.total_changes) == changes


async def test_an_answer_is_kept_for_its_key_and_its_caller(opened: Open) -> None:
    journal = await opened()
    assert await journal.claim_key("c1", "k", "what") is None
    assert await journal.claim_key("c2", "k", "what") is None, "another caller's keys are its own"
    assert await journal.claim_key("c1", "k", "other") == Told("what", None, "")
    await journal.keep_answer("c1", "k", 200, "{}")
    assert await journal.claim_key("c1", "k", "what") == Told("what", 200, "{}")
    await journal.free_key("c1", "k")
    assert await journal.claim_key("c1", "k", "other") is None


async def test_answers_are_forgotten_after_a_week(opened: Open, clock: ManualClock) -> None:
    journal = await opened()
    await journal.claim_key("c1", "k", "what")
    await journal.keep_answer("c1", "k", 200, "{}")
    clock.advance(KEPT.total_seconds() - 60)
    assert await journal.claim_key("c1", "k", "what") == Told("what", 200, "{}")
    clock.advance(120)
    assert await journal.claim_key("c1", "k", "what") is None
    assert timedelta(days=7) == KEPT


async def test_both_are_saved_from_a_damaged_journal(opened: Open, clock: ManualClock) -> None:
    journal = await opened()
    await journal.add_client(client())
    await journal.revoke_client("c1")
    await journal.claim_key("c1", "k", "what")
    await journal.keep_answer("c1", "k", 200, "{}")
    await journal._db.close()
    damage(journal.path, pages_of(journal.path, "item_at")[0])
    fresh, told = await mended(journal, clock)
    try:
        assert "damaged" in told
        found = await fresh.clients()
        assert [(c.name, c.revoked_at) for c in found] == [("till 1", NOW)]
        assert await fresh.claim_key("c1", "k", "what") == Told("what", 200, "{}")
    finally:
        await fresh.stop()
